//! Somebody forgets a transaction.

use std::time::Duration;

use history::{Hit, Truth};

use super::PATIENCE;
use super::stranger::Stranger;
use crate::load::{Load, LoadPlan, Work};
use crate::trial::Trial;

/// How many jobs fall due in a second.
const PER_SECOND: u32 = 200;

/// How long the transaction is open, and how long it is measured without one before, in seconds.
const OPEN_S: usize = 40;
const OPEN_SHORT_S: usize = 4;
const BEFORE_S: usize = 10;
const BEFORE_SHORT_S: usize = 2;

/// For how long a transaction may be open before it is named: the usual minute is long for a trial.
const NAMED_AFTER: &str = "3s";

/// How much longer a job may wait for its start, at the worst hundredth.
const SLOWER_MAX: f64 = 5.0;

/// Keeps a transaction open while jobs come and go.
pub(super) fn held_open(trial: &mut Trial) {
    name_after(trial, &["--long-transaction", NAMED_AFTER]);
    let before = steady(trial, trial.times(BEFORE_S, BEFORE_SHORT_S));
    before.until_ended(before.len());

    let (during, named) = trial.during("an idle transaction", Hit::Nobody, |trial| {
        let mut stranger = Stranger::come(trial, "chaos-idle");
        stranger.say("begin isolation level repeatable read; select count(*) from jobs");
        trial.eventually("the transaction", PATIENCE, |trial| {
            let open = "select count(*) from pg_stat_activity
                        where application_name = 'chaos-idle' and state = 'idle in transaction'";
            trial.field.number(open) > 0
        });
        let pid = stranger.pid(trial).unwrap_or(0);
        let load = steady(trial, trial.times(OPEN_S, OPEN_SHORT_S));
        load.until_ended(load.len());
        let words = format!("pg_terminate_backend({pid})");
        let named =
            |trial: &mut Trial| trial.field.schedulers().iter().any(|one| !one.log_lines(&words).is_empty());
        trial.eventually("a warning that names the pid", PATIENCE, named);
        let named = named(trial);
        (load, named)
    });

    let (ids_before, ids_during) = (before.ids(), during.ids());
    let settled = trial.settle_all([before, during]);
    let (normal, slow) = (p99(&settled.truth, &ids_before), p99(&settled.truth, &ids_during));
    let times = slow.as_secs_f64() / normal.as_secs_f64().max(0.001);
    trial.note(format!(
        "from due to started, p99: {normal:.1?} before, {slow:.1?} with it open ({times:.1} times)"
    ));
    trial.require(times < SLOWER_MAX || named, "jobs start later, and nobody is told why");
    trial.require(named, "the transaction was not named");
    name_after(trial, &[]);
}

/// So many seconds of jobs that are hardly any work.
fn steady(trial: &mut Trial, seconds: usize) -> Load {
    trial.load(LoadPlan {
        jobs: seconds * PER_SECOND as usize,
        per_second: Some(PER_SECOND),
        work: Work { sleep_ms: 1..=5, effects: 0, ..Work::default() },
        ..LoadPlan::default()
    })
}

/// How long the worst hundredth of the jobs waited from due to started.
fn p99(truth: &Truth, ids: &[String]) -> Duration {
    let ids: std::collections::HashSet<&str> = ids.iter().map(String::as_str).collect();
    let mut waits: Vec<i64> = truth
        .jobs
        .iter()
        .filter(|job| ids.contains(job.id.as_str()))
        .filter_map(|job| Some(job.attempts.first()?.started_us - job.run_at_us))
        .collect();
    waits.sort_unstable();
    let at = waits.len().saturating_sub(1) * 99 / 100;
    Duration::from_micros(waits.get(at).copied().map_or(0, |us| u64::try_from(us).unwrap_or(0)))
}

/// Starts the schedulers anew, one by one, with other flags.
fn name_after(trial: &mut Trial, flags: &[&str]) {
    let fault = trial.fault("schedulers started anew", Hit::Nobody);
    for scheduler in trial.field.schedulers() {
        scheduler.expect_restart();
        scheduler.terminate();
        let arguments = &mut scheduler.launch().arguments;
        if let Some(at) = arguments.iter().position(|one| one == "--long-transaction") {
            arguments.drain(at..at + 2);
        }
        arguments.extend(flags.iter().map(|flag| (*flag).to_owned()));
        scheduler.start();
    }
    trial.over(fault);
}
