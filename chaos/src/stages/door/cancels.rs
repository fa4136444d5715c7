//! Jobs that are cancelled at every moment of their lives.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::time::Duration;

use futures::stream::{self, StreamExt as _};
use history::{Event, Hit, Job};
use model::clock::{Clock as _, SystemClock};
use model::id::JobId;
use rand::Rng as _;
use rpc::{Client, Error, v1};
use serde_json::json;

use crate::calls;
use crate::load::LoadPlan;
use crate::settle::Settled;
use crate::stages::component;
use crate::trial::Trial;

/// Slots of all hosts together.
const SLOTS: usize = 24;

/// Jobs that wait for one compiling at once: as many as there is room for.
const COMPILING: usize = SLOTS;

/// Longer than anything takes that is to come.
const PATIENCE: Duration = Duration::from_secs(60);

/// A moment of a job's life, and how it is met.
#[derive(Debug, Clone)]
struct Moment {
    words: &'static str,
    /// When the job falls due.
    delay_ms: Option<u64>,
    sleep_ms: u64,
    /// How long after it was stored it is cancelled.
    after_ms: RangeInclusive<u64>,
    /// How many live at once.
    at_once: usize,
    namespace: String,
}

/// A job, and what was answered to its cancel.
struct Cancelled {
    id: String,
    answer: Result<v1::CancelJobResponse, Error>,
}

pub(super) fn anywhere(trial: &mut Trial) {
    let times = trial.times(500, 30);
    let moment = |words, sleep_ms, after_ms, at_once| Moment {
        words,
        delay_ms: None,
        sleep_ms,
        after_ms,
        at_once,
        namespace: calls::NAMESPACE.to_owned(),
    };
    let mut all = Vec::new();
    let scheduled = Moment { delay_ms: Some(3_600_000), ..moment("scheduled", 0, 0..=50, 32) };
    all.push(cancel(trial, &scheduled, times));
    let occupied = occupy(trial);
    all.push(cancel(trial, &moment("queued", 50, 0..=400, 32), times));
    all.push(("occupying", give_up(trial, occupied)));
    all.push(cancel(trial, &moment("claimed", 100, 0..=12, 8), times));
    all.extend(compiling(trial, times));
    all.push(cancel(trial, &moment("running", 1_000, 30..=700, 16), times));
    all.push(cancel(trial, &moment("finishing", 60, 30..=80, 16), times));

    let load = trial.load(LoadPlan { jobs: 100, ..LoadPlan::default() });
    let settled = trial.settle(load);
    judge(trial, &settled, &all);
}

/// Makes jobs, and cancels each at a random moment.
fn cancel(trial: &mut Trial, moment: &Moment, times: usize) -> (&'static str, Vec<Cancelled>) {
    let sink = trial.field.sink().url();
    let clients = [trial.field.client(0), trial.field.client(1)];
    let faults: Vec<_> = (0..times).map(|_| trial.fault(moment.words, Hit::Nobody)).collect();
    let each = (0..times).map(|number| {
        let job = new_job(moment, &sink);
        let after = Duration::from_millis(rand::rng().random_range(moment.after_ms.clone()));
        one(
            clients[number % 2].clone(),
            clients[(number / 2) % 2].clone(),
            moment.namespace.clone(),
            job,
            after,
        )
    });
    let each = stream::iter(each.collect::<Vec<_>>()).buffer_unordered(moment.at_once);
    let cancelled: Vec<Cancelled> = trial.field.runtime().block_on(each.collect());
    for fault in faults {
        trial.over(fault);
    }
    note(trial, &cancelled);
    (moment.words, cancelled)
}

fn new_job(moment: &Moment, sink: &str) -> v1::NewJob {
    let payload = json!({ "sleep_ms": moment.sleep_ms, "url": sink });
    v1::NewJob {
        id: JobId::generate(SystemClock.now()).to_string(),
        payload: payload.to_string().into_bytes(),
        options: Some(v1::JobOptions { delay_ms: moment.delay_ms, ..v1::JobOptions::default() }),
        task: "touch".to_owned(),
    }
}

async fn one(
    enqueues: Client,
    cancels: Client,
    namespace: String,
    job: v1::NewJob,
    after: Duration,
) -> Cancelled {
    let id = job.id.clone();
    let request = v1::EnqueueRequest { namespace: namespace.clone(), jobs: vec![job] };
    if let Err(status) = enqueues.jobs.clone().enqueue(request).await {
        return Cancelled { id, answer: Err(status.into()) };
    }
    tokio::time::sleep(after).await;
    Cancelled { answer: cancel_one(&cancels, &namespace, &id).await, id }
}

async fn cancel_one(client: &Client, namespace: &str, id: &str) -> Result<v1::CancelJobResponse, Error> {
    let (namespace, id) = (namespace.to_owned(), id.to_owned());
    let request = v1::CancelJobRequest { namespace, id, grace_ms: 0 };
    Ok(client.jobs.clone().cancel_job(request).await?.into_inner())
}

/// Writes into the history what was told.
fn note(trial: &Trial, cancelled: &[Cancelled]) {
    for Cancelled { id, answer } in cancelled {
        trial.record(Event::Asked { job: id.clone(), key: None });
        if let Ok(answer) = answer {
            trial.record(Event::Told { asked: id.clone(), job: id.clone() });
            if is_final(&answer.state) {
                trial.record(Event::Ended { job: id.clone(), state: answer.state.clone() });
            }
        }
    }
}

fn is_final(state: &str) -> bool {
    ["succeeded", "failed", "cancelled"].contains(&state)
}

/// Fills every slot with a job that runs until somebody ends it.
fn occupy(trial: &mut Trial) -> Vec<String> {
    let jobctl = trial.field.jobctl();
    let ids: Vec<_> = (0..SLOTS).map(|_| jobctl.enqueue("touch", r#"{"sleep_ms": 280000}"#, &[])).collect();
    trial.eventually("every slot to be taken", PATIENCE, |trial| {
        trial.field.number("select count(*) from job_queue where session is not null") == SLOTS as u64
    });
    ids
}

/// Cancels what occupies the slots, all at once.
fn give_up(trial: &mut Trial, ids: Vec<String>) -> Vec<Cancelled> {
    let client = trial.field.client(0);
    let each = ids.into_iter().map(|id| {
        let client = client.clone();
        async move { Cancelled { answer: cancel_one(&client, calls::NAMESPACE, &id).await, id } }
    });
    let each = stream::iter(each.collect::<Vec<_>>()).buffer_unordered(SLOTS);
    let cancelled: Vec<_> = trial.field.runtime().block_on(each.collect());
    note(trial, &cancelled);
    cancelled
}

/// Jobs of code that no host has compiled yet.
fn compiling(trial: &mut Trial, times: usize) -> Vec<(&'static str, Vec<Cancelled>)> {
    let mut all = Vec::new();
    let mut left = times;
    // Hosts learn of a new queue by and by: one job has been there before.
    component::publish_fresh(trial, "compiling");
    let first = trial.field.jobctl().json(&["enqueue", "touch", "{}", "--wait", "-n", "compiling"]);
    trial.require(first["state"] == "succeeded", format!("the first job of a namespace: {first}"));
    while left > 0 {
        let now = left.min(COMPILING);
        component::publish_fresh(trial, "compiling");
        let moment = Moment {
            words: "compiling",
            delay_ms: None,
            sleep_ms: 0,
            after_ms: 0..=500,
            at_once: now,
            namespace: "compiling".to_owned(),
        };
        all.push(cancel(trial, &moment, now));
        left -= now;
    }
    all
}

fn judge(trial: &mut Trial, settled: &Settled, all: &[(&'static str, Vec<Cancelled>)]) {
    let mut counts: BTreeMap<&str, [usize; 3]> = BTreeMap::new();
    for (words, cancelled) in all {
        for Cancelled { id, answer } in cancelled {
            let (Ok(answer), Some(job)) = (answer, settled.job(id)) else {
                trial.require(
                    false,
                    format!("{words}: job {id} was not cancelled: {:?}", answer.as_ref().err()),
                );
                continue;
            };
            let count = counts.entry(words).or_default();
            match job.state.as_str() {
                "cancelled" if job.attempts.is_empty() => count[0] += 1,
                "cancelled" => count[1] += 1,
                "succeeded" => count[2] += 1,
                state => trial.require(false, format!("{words}: job {id} ended as {state}")),
            }
            trial.require(
                is_told_truly(answer, job),
                format!("{words}: job {id} is {}, and the answer was {answer:?}", job.state),
            );
        }
    }
    let parts = counts.iter().map(|(words, [waiting, stopped, ended])| {
        format!(
            "{words}: {waiting} cancelled before a host had them, {stopped} stopped, {ended} had succeeded"
        )
    });
    trial.note(parts.collect::<Vec<_>>().join("; "));
}

/// An answer that names an end names the one that came; one that changed nothing names the end it found; and an end by
/// a cancel has no success in it.
fn is_told_truly(answer: &v1::CancelJobResponse, job: &Job) -> bool {
    let ended_well = job.attempts.iter().any(|attempt| attempt.outcome == "succeeded");
    let once = ended_well == (job.state == "succeeded");
    let named = if is_final(&answer.state) { answer.state == job.state } else { answer.changed };
    once && named
}
