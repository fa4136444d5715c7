//! Interrupts that come too late, twice, or to the wrong place: straight at the hosts.

use std::time::Duration;

use history::Hit;
use model::id::JobId;
use rpc::{Code, Error, HostDialer, v1};

use crate::load::LoadPlan;
use crate::trial::Trial;

/// How long a host may take to answer.
const HOST: Duration = Duration::from_secs(5);

/// Longer than anything takes that is to come.
const PATIENCE: Duration = Duration::from_secs(30);

/// A job that runs until somebody ends it, and one that ends soon.
const LONG: &str = r#"{"sleep_ms": 120000}"#;
const SHORT: &str = r#"{"sleep_ms": 1500}"#;

/// An attempt, as a host knows it.
#[derive(Debug, Clone)]
struct Lease {
    job: String,
    attempt: u32,
    session: i64,
    host: usize,
}

pub(super) fn astray(trial: &mut Trial) {
    let load = trial.load(LoadPlan { jobs: trial.times(1_000, 100), ..LoadPlan::default() });

    for _ in 0..trial.times(6, 2) {
        wrong_token_and_host(trial);
        twice(trial);
    }
    malformed(trial);

    let _ = trial.settle(load);
}

/// Who runs the job now, once somebody does.
fn running(trial: &mut Trial, payload: &str) -> Lease {
    let job = trial.field.jobctl().enqueue("touch", payload, &[]);
    let sql =
        format!("select attempt, session from job_queue where job_id = '{job}' and session is not null");
    let mut lease = None;
    trial.eventually("the job to run", PATIENCE, |trial| {
        let row = trial.field.query(&sql).pop();
        let row = row.as_deref().and_then(|row| row.split_once('|'));
        let Some((Ok(attempt), Ok(session))) = row.map(|(a, s)| (a.parse(), s.parse())) else { return false };
        let host = (0..trial.field.hosts().len()).find(|host| trial.field.session(*host) == Some(session));
        lease = host.map(|host| Lease { job: job.clone(), attempt, session, host });
        lease.is_some()
    });
    // The claim may still be on its way to the host, which then keeps an interrupt for it.
    trial.pause(Duration::from_millis(200));
    lease.expect("it runs")
}

/// Tells a host to end an attempt.
fn interrupt(trial: &mut Trial, host: usize, lease: &Lease) -> Result<String, Error> {
    let job: JobId = lease.job.parse().expect("an id");
    let job = job.0.as_bytes().to_vec();
    send(
        trial,
        host,
        v1::InterruptRequest { job, attempt: lease.attempt, session: lease.session, grace_ms: 0 },
    )
}

fn send(trial: &mut Trial, host: usize, request: v1::InterruptRequest) -> Result<String, Error> {
    let address = format!("http://{}", trial.field.host(host).control().address());
    let dialer = HostDialer { token: None, timeout: HOST };
    trial.field.runtime().block_on(async {
        let mut client = dialer.dial(&address).await?;
        Ok(client.interrupt(request).await?.into_inner().status)
    })
}

/// Tells it, and requires one of these answers.
fn expect(trial: &mut Trial, words: &str, host: usize, lease: &Lease, answers: &[&str]) {
    let fault = trial.fault(words, Hit::Nobody);
    let told = interrupt(trial, host, lease);
    trial.over(fault);
    let good = told.as_ref().is_ok_and(|status| answers.contains(&status.as_str()));
    trial.require(good, format!("interrupt for {words}: {told:?} instead of {answers:?}"));
}

fn wrong_token_and_host(trial: &mut Trial) {
    let lease = running(trial, SHORT);
    let (host, hosts) = (lease.host, trial.field.hosts().len());

    let session = Lease { session: lease.session + 1_000_000, ..lease.clone() };
    expect(trial, "a wrong session", host, &session, &["unknown"]);
    let attempt = Lease { attempt: lease.attempt + 1, ..lease.clone() };
    expect(trial, "a wrong attempt", host, &attempt, &["ended"]);
    for other in (0..hosts).filter(|other| *other != host) {
        expect(trial, "a wrong host", other, &lease, &["unknown"]);
    }

    let ended = state(trial, &lease.job);
    trial.require(ended == "succeeded", format!("an interrupt gone astray made a job end as {ended}"));
    for time in ["once", "twice"] {
        expect(trial, &format!("a finished attempt, {time}"), host, &lease, &["ended"]);
    }
    let after = state(trial, &lease.job);
    trial.require(after == "succeeded", format!("an interrupt after the end made of it {after}"));
}

/// Cancelled by the front door, and interrupted by hand besides.
fn twice(trial: &mut Trial) {
    let lease = running(trial, LONG);
    let answer = trial.field.jobctl().json(&["job", "cancel", &lease.job]);
    trial.require(answer["changed"] == true, format!("a cancel was not taken: {answer}"));
    for time in ["a second time", "a third time"] {
        expect(trial, &format!("an attempt, {time}"), lease.host, &lease, &["stopping", "ended"]);
    }
    let again = trial.field.jobctl().json(&["job", "cancel", &lease.job]);
    trial.require(
        ["running", "cancelled"].contains(&again["state"].as_str().unwrap_or_default()),
        format!("a cancel that is made again: {again}"),
    );
    let ended = state(trial, &lease.job);
    trial.require(ended == "cancelled", format!("a cancelled job ended as {ended}"));
    expect(trial, "an attempt that was stopped", lease.host, &lease, &["ended"]);
}

fn malformed(trial: &mut Trial) {
    let request = v1::InterruptRequest { job: vec![0; 15], attempt: 1, session: 1, grace_ms: 0 };
    let fault = trial.fault("an interrupt without a job", Hit::Nobody);
    let told = send(trial, 0, request);
    trial.over(fault);
    let invalid = told.as_ref().is_err_and(|error| error.code == Code::Invalid);
    trial.require(invalid, format!("an interrupt without a job: {told:?}"));
}

/// How the job has ended, once it has.
fn state(trial: &mut Trial, job: &str) -> String {
    let mut state = String::new();
    trial.eventually("the job to end", PATIENCE, |trial| {
        let shown = trial.field.jobctl().job(job);
        state = shown["state"].as_str().unwrap_or_default().to_owned();
        ["succeeded", "failed", "cancelled"].contains(&state.as_str())
    });
    state
}
