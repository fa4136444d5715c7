//! Hosts that stand still for a while: their connections stay open, and nobody answers.

use std::collections::BTreeMap;
use std::time::Duration;

use history::Hit;

use crate::effort::Effort;
use crate::load::{LoadPlan, Work};
use crate::trial::Trial;

use super::{LEASE, held};

/// How long a host that goes on may take to notice.
const NOTICES: Duration = Duration::from_secs(2);

/// How long silence may last beyond the lease before the jobs run elsewhere.
const BEYOND_THE_LEASE: Duration = Duration::from_secs(2);

pub(super) fn for_three_leases(trial: &mut Trial) {
    let work = Work { sleep_ms: 600..=1200, effects: 2, between_ms: 500, ..Work::default() };
    let jobs = trial.times(240, 100);
    let load = trial.load(LoadPlan { jobs, per_second: Some(9), batch: 1, work, ..LoadPlan::default() });
    load.until_ended(8);
    let name = trial.field.host(0).name().to_owned();
    let session = trial.field.session(0).expect("the host has a session");
    trial.eventually("the host is busy", Duration::from_secs(20), |trial| held(trial, session) >= 2);

    let fault = trial.fault("SIGSTOP", Hit::host(name));
    trial.field.host(0).freeze();
    let caught = attempts_of(trial, session);
    trial.pause(if trial.effort == Effort::Full { 3 * LEASE } else { LEASE + NOTICES });
    let effects = effects_of(trial, &caught);
    trial.field.host(0).thaw();

    let mut next = None;
    let opened = trial.eventually("the host opens a new session", Duration::from_secs(30), |trial| {
        next = trial.field.session(0).filter(|id| *id != session);
        next.is_some()
    });
    trial.over(fault);
    trial.within(opened, NOTICES, "it notices and opens a new session");
    let noticed = trial.field.host(0).log_line("the session is lost", NOTICES);
    trial.require(noticed.is_some(), "it says that its session is lost, and stops its attempts");
    trial.require(!caught.is_empty(), "attempts were caught in their middle");

    let settled = trial.settle(load);
    let after = effects_of(trial, &caught);
    trial.require(after == effects, format!("the next effect is refused: {effects:?} became {after:?}"));
    let kept = settled.truth.jobs.iter().flat_map(|job| {
        let theirs = job.attempts.iter().filter(|attempt| attempt.session == session);
        theirs.filter(|attempt| caught.contains_key(&job.id) && attempt.outcome != "lost")
    });
    let kept = kept.count();
    trial.require(kept == 0, format!("{kept} results of attempts that were caught were taken"));
    let attempts = settled.truth.jobs.iter().flat_map(|job| &job.attempts);
    let again = attempts.filter(|attempt| Some(attempt.session) == next).count();
    trial.require(again > 0, "the host works again");
    for takeover in settled.takeovers() {
        trial.takeover(takeover);
        trial.within(takeover, LEASE + BEYOND_THE_LEASE, "its jobs run again");
    }
}

/// The attempts that the session holds: their jobs, and which attempts they are.
fn attempts_of(trial: &Trial, session: i64) -> BTreeMap<String, u32> {
    let rows = trial.field.query(&format!("select job_id, attempt from job_queue where session = {session}"));
    let read = |row: &String| {
        let (job, attempt) = row.split_once('|')?;
        Some((job.to_owned(), attempt.parse().ok()?))
    };
    rows.iter().filter_map(read).collect()
}

/// How often the sink was called by each of these attempts.
fn effects_of(trial: &Trial, attempts: &BTreeMap<String, u32>) -> BTreeMap<String, usize> {
    let count = |job: &str, attempt: u32| {
        trial.field.sink().effects(job).iter().filter(|effect| effect.attempt == attempt).count()
    };
    attempts.iter().map(|(job, attempt)| (job.clone(), count(job, *attempt))).collect()
}

pub(super) fn for_less_than_a_lease(trial: &mut Trial) {
    let (jobs, times) = (trial.times(1200, 200), trial.times(6, 1));
    let load = trial.load(LoadPlan { jobs, per_second: Some(50), batch: 5, ..LoadPlan::default() });
    load.until_ended(20);

    for number in 0..times {
        let index = number % trial.field.hosts().len();
        // Up to a second of the lease is over when it begins. Nobody may notice: it hits no lease.
        trial.during("SIGSTOP", Hit::Nobody, |trial| {
            trial.field.host(index).freeze();
            trial.pause(if trial.effort == Effort::Full { Duration::from_secs(3) } else { LEASE / 2 });
            trial.field.host(index).thaw();
        });
        trial.pause(Duration::from_millis(500));
    }

    let settled = trial.settle(load);
    let (lost, released) = (settled.outcomes("lost"), settled.outcomes("released"));
    trial.require(lost + released == 0, format!("{lost} attempts were lost, {released} released"));
    let (sessions, hosts) = (settled.truth.sessions.len(), trial.field.hosts().len());
    trial.require(sessions == hosts, format!("{hosts} hosts had {sessions} sessions"));
}
