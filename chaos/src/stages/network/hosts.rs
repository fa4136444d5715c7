//! A host that does not reach PostgreSQL, or Redis.

use std::time::Duration;

use history::Hit;

use super::{Bad, steady};
use crate::load::Work;
use crate::trial::Trial;

/// The lease that a host has by default.
const LEASE: Duration = Duration::from_secs(5);

/// How much later its jobs may run elsewhere.
const RESCUE: Duration = Duration::from_secs(2);

/// How soon a host takes jobs after its line is good.
const BACK: Duration = Duration::from_secs(10);

/// Longer than anything takes that is to come.
const PATIENCE: Duration = Duration::from_secs(40);

/// What a host says that gave up.
const LOST: &str = "the session is lost";

/// A host that was cut off, and the session it had.
struct Cut {
    host: usize,
    bad: Bad,
    session: i64,
    said: usize,
}

pub(super) fn postgres(trial: &mut Trial) {
    // Two hosts at a time: the third one goes on.
    let rounds: Vec<&[Bad]> = Bad::ALL.chunks(2).take(trial.times(2, 1)).collect();
    let each = trial.times(2, 1);
    // Few enough for one host, so that a job which was taken back is not kept waiting.
    let work = Work { sleep_ms: 500..=1500, ..Work::default() };
    let load = steady(trial, 6, work);
    load.until_ended(5);

    for round in rounds {
        let cuts: Vec<Cut> =
            round.iter().take(each).enumerate().map(|(host, bad)| cut(trial, host, *bad)).collect();
        for cut in &cuts {
            gives_up(trial, cut);
        }
        for cut in &cuts {
            let held = format!("select count(*) from job_queue where session = {}", cut.session);
            let words = format!("the jobs of a host whose line is {} to be taken back", cut.bad.words());
            trial.eventually(&words, PATIENCE, |trial| trial.field.number(&held) == 0);
        }
        for cut in &cuts {
            trial.field.host(cut.host).pass();
        }
        for cut in &cuts {
            goes_on(trial, cut);
        }
    }
    load.stop();

    let settled = trial.settle(load);
    trial.require(settled.outcomes("lost") > 0, "no job was lost with a host that was cut off");
    for took in settled.takeovers() {
        trial.takeover(took);
        trial.within(took, LEASE + RESCUE, "its jobs run elsewhere");
    }
}

fn cut(trial: &mut Trial, host: usize, bad: Bad) -> Cut {
    trial.eventually("a session of the host with jobs", PATIENCE, |trial| running(trial, host) > 0);
    let session = trial.field.session(host).unwrap_or_default();
    let (name, said) =
        (trial.field.host(host).name().to_owned(), trial.field.host(host).log_lines(LOST).len());
    trial.fault(&format!("host–Postgres {}", bad.words()), Hit::host(name));
    bad.make(trial.field.host(host).database());
    Cut { host, bad, session, said }
}

/// How many jobs run under the host's session.
fn running(trial: &Trial, host: usize) -> u64 {
    let Some(session) = trial.field.session(host) else { return 0 };
    trial.field.number(&format!("select count(*) from job_queue where session = {session}"))
}

/// The host ends its guests by its own clock, however the line is bad.
fn gives_up(trial: &mut Trial, cut: &Cut) {
    let words = format!("a host whose line is {} to end its guests", cut.bad.words());
    let took = trial
        .eventually(&words, PATIENCE, |trial| trial.field.host(cut.host).log_lines(LOST).len() > cut.said);
    trial.within(took, LEASE + RESCUE, &words);
}

/// Without a hand it opens a new session, and takes jobs.
fn goes_on(trial: &mut Trial, cut: &Cut) {
    let words = format!("a host whose line was {} to take jobs again", cut.bad.words());
    let took = trial.eventually(&words, PATIENCE, |trial| {
        trial.field.session(cut.host).is_some_and(|session| session != cut.session)
            && running(trial, cut.host) > 0
    });
    trial.within(took, BACK, &words);
}

pub(super) fn redis(trial: &mut Trial) {
    let lasts = Duration::from_secs(trial.times(6, 4) as u64);
    let load = steady(trial, 40, Work::default());
    load.until_ended(20);

    for bad in Bad::ALL.into_iter().take(trial.times(4, 1)) {
        trial.during(&format!("host–Redis {}", bad.words()), Hit::Nobody, |trial| {
            bad.make(trial.field.host(0).redis());
            let before = load.ended().unwrap_or(0);
            trial.eventually("the other hosts to go on", PATIENCE, |_| {
                load.ended().is_ok_and(|ended| ended > before + 60)
            });
            trial.eventually("what runs there to be finished", PATIENCE, |trial| running(trial, 0) == 0);
            trial.pause(lasts);
            trial.field.host(0).pass();
        });
        let words = format!("a host whose line to Redis was {} to take jobs again", bad.words());
        let took = trial.eventually(&words, PATIENCE, |trial| running(trial, 0) > 0);
        trial.takeover(took);
        trial.within(took, BACK, &words);
    }
    load.stop();

    let settled = trial.settle(load);
    trial.require(settled.outcomes("lost") == 0, "an attempt was taken for lost, and no host lost its lease");
}
