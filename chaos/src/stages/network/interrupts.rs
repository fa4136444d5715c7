//! Schedulers do not reach a host where a job runs that somebody cancels.

use std::time::{Duration, Instant};

use history::Hit;
use testkit::link::Way;

use super::{Bad, steady};
use crate::load::Work;
use crate::trial::Trial;

/// How soon whoever cancels is told.
const TOLD: Duration = Duration::from_secs(5);

/// How soon the job ends by the host's heartbeat, each second, once the cancel is stored.
const BY_HEARTBEAT: Duration = Duration::from_secs(10);

/// Longer than anything takes that is to come.
const PATIENCE: Duration = Duration::from_secs(40);

/// A job that runs until somebody ends it.
const LONG: &str = r#"{"sleep_ms": 120000}"#;

pub(super) fn cancels(trial: &mut Trial) {
    let load = steady(trial, 40, Work::default());
    load.until_ended(20);

    for bad in Bad::ALL.into_iter().take(trial.times(4, 1)) {
        let (job, host) = running(trial);
        let name = trial.field.host(host).name().to_owned();
        // A port that refuses is a process that is gone: the session is closed, as that of a host that was killed.
        let hit = if bad == Bad::Refused { Hit::host(name) } else { Hit::Nobody };
        trial.during(&format!("scheduler–host {}", bad.words()), hit, |trial| {
            bad.make(trial.field.host(host).control());
            cancel(trial, &job, bad);
            trial.field.host(host).pass();
        });
        let words = format!("host {host}, which was not reached, to take jobs");
        trial.eventually(&words, PATIENCE, |trial| {
            let Some(session) = trial.field.session(host) else { return false };
            trial.field.number(&format!("select count(*) from job_queue where session = {session}")) > 0
        });
    }
    load.stop();

    let settled = trial.settle(load);
    let lost = settled.outcomes("lost");
    let refused = trial.times(4, 1) > 1;
    trial.require(refused || lost == 0, format!("{lost} attempts were taken for lost by a silence"));
}

/// A job that runs for long, and the host where it does.
fn running(trial: &mut Trial) -> (String, usize) {
    let job = trial.field.jobctl().enqueue("touch", LONG, &[]);
    let where_ = format!("select session from job_queue where job_id = '{job}' and session is not null");
    let mut host = None;
    trial.eventually("the long job to run", PATIENCE, |trial| {
        let session = trial.field.query(&where_).pop().and_then(|text| text.parse::<i64>().ok());
        host = (0..3).find(|host| session.is_some() && trial.field.session(*host) == session);
        host.is_some()
    });
    // It is still on its way through the host a moment after it was claimed.
    trial.pause(Duration::from_millis(300));
    (job, host.expect("it runs somewhere"))
}

fn cancel(trial: &mut Trial, job: &str, bad: Bad) {
    let asked = Instant::now();
    let answer = trial.field.jobctl().run(&["-o", "json", "job", "cancel", job]);
    let took = asked.elapsed();
    let told = answer.json();
    trial.within(took, TOLD, &format!("a cancel is answered while the line is {}", bad.words()));
    trial.takeover(took);
    trial.require(answer.code == 0, format!("a cancel failed while the line is {}: {told}", bad.words()));
    trial.require(told["changed"] == true, format!("a cancel was not taken: {told}"));
    if matches!(bad, Bad::Silent(_)) {
        trial
            .require(told["host_reached"] == false, format!("a host was reached over a silent line: {told}"));
    }
    if bad == Bad::Silent(Way::Both) {
        let again = trial.field.jobctl().run(&["job", "cancel", job]).stdout;
        let says = again.contains("heartbeat") || again.contains("cancelled");
        trial.require(says, format!("who cancels is not told how it goes on: {again:?}"));
    }
    let ended = format!("select count(*) from job_queue where job_id = '{job}'");
    let words = format!("the job to end by heartbeat while the line is {}", bad.words());
    let took = trial.eventually(&words, PATIENCE, |trial| trial.field.number(&ended) == 0);
    trial.within(took, BY_HEARTBEAT, &words);
    let state = trial.field.jobctl().job(job)["state"].clone();
    trial.require(state == "cancelled", format!("the job ended {state}"));
}
