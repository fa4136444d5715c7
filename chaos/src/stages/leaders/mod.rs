//! Schedulers that are killed, stopped, deposed and restarted, and releases that meet each other.

mod outage;
mod rolling;
pub(super) mod terms;
mod versions;

use std::time::{Duration, Instant};

use history::{Hit, now_us};

use crate::settle::Settled;
use crate::stage::Stage;
use crate::trial::Trial;

/// The stages of this group.
pub(super) const STAGES: &[Stage] = &[
    Stage {
        name: "leader-killed",
        fault: "leader killed every 7 s for two minutes while 10,000 jobs fall due",
        pass: "new leader within 3 s; I1, I2; nothing starts early",
        run: terms::killed,
    },
    Stage {
        name: "leader-stopped",
        fault: "leader stopped for three terms, another takes over, then continued",
        pass: "it writes nothing, steps down within a second",
        run: terms::stopped,
    },
    Stage {
        name: "leader-deposed",
        fault: "the leader row handed to another by hand",
        pass: "the first steps down at its next renewal",
        run: terms::deposed,
    },
    Stage {
        name: "leader-resigns",
        fault: "SIGTERM to the leader under load",
        pass: "it ends with exit 0 and is followed at once",
        run: terms::resigns,
    },
    Stage {
        name: "schedulers-down",
        fault: "all schedulers down for 30 s",
        pass: "hosts go on; clients are told; then all that is due runs, within window and connections",
        run: outage::all_down,
    },
    Stage {
        name: "rolling-restart",
        fault: "rolling restart of everything one by one under load, Redis and PostgreSQL too",
        pass: "I1–I8",
        run: rolling::restart,
    },
    Stage {
        name: "migration-under-load",
        fault: "a migration of a newer release while hosts run; then this release is started again",
        pass: "what runs goes on; what starts is refused in one line",
        run: versions::newer,
    },
    Stage {
        name: "older-schema",
        fault: "host and scheduler started on the schema of an older release, then `jobctl migrate`",
        pass: "refused in one line with the way out; afterwards they start",
        run: versions::older,
    },
];

/// How long nobody may lead after a leader was lost.
pub(super) const TAKEOVER_MAX: Duration = Duration::from_secs(3);

/// How long is waited for a leader, however slow the machine.
const PATIENCE: Duration = Duration::from_secs(30);

/// The number of the term that runs.
pub(super) fn term(trial: &Trial) -> u64 {
    trial.field.number("select term from leader where name = 'scheduler'")
}

/// Waits for a term after `before`, and tells how long after `hit_us`, an instant of the wall clock, it began.
pub(super) fn next_term(trial: &mut Trial, before: u64, hit_us: i64) -> Duration {
    let sql = format!(
        "select (extract(epoch from since) * 1e6)::bigint from leader
         where term > {before} and holder <> '' and expires_at > now()"
    );
    let mut since_us = None;
    trial.eventually("somebody else leads", PATIENCE, |trial| {
        since_us = trial.field.query(&sql).pop().and_then(|text| text.parse::<i64>().ok());
        since_us.is_some()
    });
    let us = since_us.map_or(PATIENCE.as_micros(), |since| u128::try_from(since - hit_us).unwrap_or(0));
    Duration::from_micros(u64::try_from(us).unwrap_or(u64::MAX))
}

/// Notes a take-over and judges it.
pub(super) fn taken_over(trial: &mut Trial, took: Duration, limit: Duration) {
    trial.takeover(took);
    trial.within(took, limit, "the next leader");
}

/// Kills the leader, judges how soon another one leads, and starts it again.
pub(in crate::stages) fn kill_leader(trial: &mut Trial) {
    let (leader, before) = (trial.field.leader(), term(trial));
    let took = trial.during("kill -9 of the leader", Hit::Nobody, |trial| {
        let hit_us = now_us();
        trial.field.scheduler(leader).kill();
        next_term(trial, before, hit_us)
    });
    taken_over(trial, took, TAKEOVER_MAX);
    trial.field.scheduler(leader).start();
}

/// Lets the rest of `period` pass.
pub(super) fn rest_of(trial: &Trial, began: Instant, period: Duration) {
    trial.pause(period.saturating_sub(began.elapsed()));
}

/// Nothing may start before its time; how late it started is told.
fn judge_starts(trial: &mut Trial, settled: &Settled) {
    let mut late_us: Vec<i64> = settled
        .truth
        .jobs
        .iter()
        .filter_map(|job| Some(job.attempts.first()?.started_us - job.run_at_us))
        .collect();
    late_us.sort_unstable();
    let early = late_us.iter().filter(|us| **us < 0).count();
    trial.require(early == 0, format!("{early} jobs started before they were due"));
    let Some(last) = late_us.len().checked_sub(1) else { return };
    let at =
        |percent: usize| Duration::from_micros(u64::try_from(late_us[last * percent / 100]).unwrap_or(0));
    trial.note(format!(
        "late by {:.2?} (half of the jobs), {:.2?} (99 of 100), {:.2?} (the last)",
        at(50),
        at(99),
        at(100)
    ));
}
