//! Jobs that fail: together, by traps, and for good.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use history::{Event, Hit};
use serde_json::json;

use crate::load::{Fail, LoadPlan, Work};
use crate::settle::Settled;
use crate::stage::Stage;
use crate::trial::Trial;

/// The stages of this group.
pub(super) const STAGES: &[Stage] = &[
    Stage {
        name: "failing-together",
        fault: "5,000 jobs fail at once",
        pass: "retries spread: no second holds more than a tenth of them",
        run: failing_together,
    },
    Stage {
        name: "trapping",
        fault: "10,000 jobs of a trapping task",
        pass: "all end with the reason; memory flat; another queue's pace kept",
        run: trapping,
    },
    Stage {
        name: "dead-letters",
        fault: "1,000 jobs fail for good and are retried by one command",
        pass: "each is retried once and succeeds once",
        run: dead_letters,
    },
];

/// What those that fail together ask for: so long that each is seen waiting.
const WAIT_MS: u64 = 5_000;

/// Between two looks at those that wait.
const LOOK: Duration = Duration::from_millis(500);

/// Memory that a host may hold more after many traps, in KiB.
const RESIDENT_MORE_KIB: u64 = 64 << 10;

/// Work that takes no time: what is looked at is what comes after it.
fn work(fail: Fail, succeed_from: u32) -> Work {
    Work { sleep_ms: 0..=0, effects: 0, fail, succeed_from, ..Work::default() }
}

fn failing_together(trial: &mut Trial) {
    let count = trial.times(5_000, 1_000);
    let work = Work { retry_after_ms: Some(WAIT_MS), ..work(Fail::Retry, 2) };
    let fault = trial.fault("they fail at once", Hit::Nobody);
    let load = trial.load(LoadPlan { jobs: count, work, ..LoadPlan::default() });
    let (mut due, mut early) = (HashMap::new(), 0);
    trial.eventually("all of them failed once", Duration::from_secs(120), |trial| {
        trial.pause(LOOK);
        for (job, second, is_early) in waiting(trial) {
            early += usize::from(is_early);
            due.insert(job, second);
        }
        due.len() == count
    });
    trial.over(fault);

    let mut seconds: BTreeMap<i64, usize> = BTreeMap::new();
    due.values().for_each(|second| *seconds.entry(*second).or_default() += 1);
    let fullest = seconds.values().copied().max().unwrap_or(0);
    // However few wait, each host lets fifty into a second: a few jobs are not spread over ten.
    let (most, least) = (trial.times(count / 10, 450), trial.times(10, 6));
    trial.note(format!("{count} retries fell due in {} seconds, {fullest} in the fullest", seconds.len()));
    trial.require(fullest <= most, format!("{fullest} of {count} retries in one second, {most} are allowed"));
    trial.require(seconds.len() >= least, format!("{count} retries in {} seconds", seconds.len()));
    trial.require(early == 0, format!("{early} times a retry was to come earlier than its task asked for"));
    let settled = trial.settle(load);
    all_in(trial, &settled, "succeeded", count);
}

/// The jobs that failed once and wait: in which second each falls due, and whether that is too early.
fn waiting(trial: &Trial) -> Vec<(String, i64, bool)> {
    let sql = format!(
        "select q.job_id, floor(extract(epoch from q.run_at))::bigint, \
                q.run_at < a.finished_at + interval '{WAIT_MS} ms' \
         from job_queue q join attempts a on a.job_id = q.job_id and a.number = q.attempt \
         where q.session is null and q.failures = 1"
    );
    let waiting = |row: String| {
        let mut cells = row.split('|');
        let (job, second, is_early) = (cells.next()?, cells.next()?, cells.next()?);
        Some((job.to_owned(), second.parse().ok()?, is_early == "t"))
    };
    trial.field.query(&sql).into_iter().filter_map(waiting).collect()
}

fn trapping(trial: &mut Trial) {
    let count = trial.times(10_000, 500);
    let before: Vec<u64> = trial.field.hosts().iter_mut().map(|host| host.resident_kib()).collect();
    let fault = trial.fault("they trap", Hit::Nobody);
    let trapping = trial.load(LoadPlan {
        jobs: count,
        max_attempts: 1,
        queue: "traps".to_owned(),
        work: work(Fail::Trap, 0),
        ..LoadPlan::default()
    });
    let calm = trial.load(LoadPlan {
        jobs: trial.times(200, 40),
        per_second: Some(10),
        batch: 1,
        queue: "calm".to_owned(),
        work: work(Fail::None, 0),
        ..LoadPlan::default()
    });
    let calm_ids = calm.ids();
    trapping.until_ended(count);
    trial.over(fault);

    for (index, before) in before.into_iter().enumerate() {
        let grown = trial.field.host(index).resident_kib().saturating_sub(before);
        let words = format!("host {index} holds {} MiB more after the traps", grown >> 10);
        trial.require(grown <= RESIDENT_MORE_KIB, words);
    }
    let settled = trial.settle_all([trapping, calm]);
    let reasons = ends_in(trial, "traps");
    trial.require(reasons == [format!("trap|{count}")], format!("they ended with {reasons:?}"));
    pace(trial, &settled, &calm_ids);
    all_in(trial, &settled, "failed", count);
    all_in(trial, &settled, "succeeded", calm_ids.len());
}

/// How long jobs of the other queue waited from when they were due to their start.
fn pace(trial: &mut Trial, settled: &Settled, ids: &[String]) {
    let wait = |id: &String| {
        let job = settled.job(id)?;
        let started_us = job.attempts.first()?.started_us;
        Some(Duration::from_micros(u64::try_from(started_us - job.run_at_us).unwrap_or(0)))
    };
    let mut waits: Vec<Duration> = ids.iter().filter_map(wait).collect();
    waits.sort_unstable();
    let at = |hundredth: usize| waits.get(waits.len() * hundredth / 100).copied().unwrap_or_default();
    let (half, most) = (at(50), at(99));
    trial.note(format!("another queue's jobs began after {half:.0?} (p50) and {most:.0?} (p99)"));
    trial.within(half, Duration::from_millis(500), "half of another queue's jobs begin");
    trial.within(most, Duration::from_secs(2), "another queue's jobs begin");
}

fn dead_letters(trial: &mut Trial) {
    let count = trial.times(1_000, 450);
    let fault = trial.fault("they fail for good", Hit::Nobody);
    let work = Work { effects: 1, ..work(Fail::Permanent, 2) };
    let load = trial.load(LoadPlan { jobs: count, queue: "letters".to_owned(), work, ..LoadPlan::default() });
    load.until_ended(count);
    trial.over(fault);
    let reasons = ends_in(trial, "letters");
    trial.require(reasons == [format!("task|{count}")], format!("they ended with {reasons:?}"));

    let retry = ["job", "retry", "--queue", "letters", "-y"];
    let sum = trial.field.jobctl().json(&retry);
    for job in load.ids() {
        trial.record(Event::Retried { job });
    }

    let expected = json!({"matched": count, "retried": count, "skipped": 0});
    trial.require(sum == expected, format!("the retry of all said {sum}"));
    load.until_ended(count);
    let second = trial.field.jobctl().json(&retry);
    trial.require(second["matched"] == 0, format!("a second one said {second}"));
    let settled = trial.settle(load);
    all_in(trial, &settled, "succeeded", count);
    let twice = settled.truth.jobs.iter().filter(|job| job.attempts.len() == 2).count();
    trial.require(twice == count, format!("{twice} of {count} had two attempts"));
}

/// The last attempts of the jobs of a queue that no other stage uses: `KIND|COUNT` for each kind of error.
fn ends_in(trial: &Trial, queue: &str) -> Vec<String> {
    trial.field.query(&format!(
        "select coalesce(a.error_kind, 'none'), count(*) \
         from attempts a join jobs j on j.id = a.job_id join queues q on q.id = j.queue_id \
         where a.final and q.name = '{queue}' group by 1"
    ))
}

fn all_in(trial: &mut Trial, settled: &Settled, state: &str, count: usize) {
    let there = settled.in_state(state);
    trial.require(there == count, format!("{there} of {count} jobs are {state}"));
}
