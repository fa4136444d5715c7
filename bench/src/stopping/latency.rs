//! Part one: from the moment the host hears of a cancel to the end of the guest.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use rpc::v1;
use serde::Serialize;

use super::kinds::{Goal, Kind};
use crate::{Caller, Percentiles};

/// How one kind of guest was stopped.
#[derive(Debug, Clone, Serialize)]
pub struct Stops {
    /// What the guest was doing.
    pub kind: String,
    /// How often it was stopped.
    pub stops: usize,
    /// How often a cancel came before its guest had begun, and was not counted.
    pub early: usize,
    /// As the attempts recorded it, in milliseconds: `stop.latency_ms`.
    pub latency_ms: Percentiles,
    /// From the call of cancel until its caller was told that the job had ended, in milliseconds.
    pub seen_ms: Percentiles,
    /// What was to be reached.
    pub goal: Goal,
    /// Whether it was.
    pub met: bool,
}

/// Starts and stops one kind of guest, so many times.
///
/// # Errors
/// When a job does not run, or ends otherwise than by the cancel.
pub async fn stops(caller: &Caller, kind: &Kind, count: usize) -> Result<Stops> {
    let mut latencies = Vec::with_capacity(count);
    let mut seen = Vec::with_capacity(count);
    let mut early = 0;
    while latencies.len() < count {
        let number = latencies.len() + early;
        let stop = stop_once(caller, kind, number).await;
        match stop.with_context(|| format!("stop {number} of {}", kind.name))? {
            Some(stop) => {
                latencies.push(stop.latency_ms);
                seen.push(stop.seen_ms);
            }
            None => early += 1,
        }
        ensure!(
            early <= 3 + count / 10,
            "{}: {early} guests had not begun when they were stopped",
            kind.name
        );
    }
    let latency_ms = Percentiles::of(latencies).context("nothing was stopped")?;
    let seen_ms = Percentiles::of(seen).context("nothing was stopped")?;
    let met = kind.goal.is_met(latency_ms);
    Ok(Stops { kind: kind.name.to_owned(), stops: count, early, latency_ms, seen_ms, goal: kind.goal, met })
}

struct Stop {
    latency_ms: f64,
    seen_ms: f64,
}

/// One stop; none when the guest had not begun.
async fn stop_once(caller: &Caller, kind: &Kind, number: usize) -> Result<Option<Stop>> {
    let id = started(caller, kind, number).await?;
    let mut ends = caller.ends(std::slice::from_ref(&id)).await?;
    let asked = Instant::now();
    let seen = async {
        ends.next().await?;
        anyhow::Ok(millis(asked.elapsed()))
    };
    let (told, seen) = tokio::join!(caller.cancel(&id), seen);
    told?;
    let seen_ms = seen?;
    let job = caller.job(&id).await?;
    Ok(latency_of(&job)?.map(|latency_ms| Stop { latency_ms, seen_ms }))
}

/// Enqueues a job of this kind and waits until its guest is in the middle of what it does.
pub(super) async fn started(caller: &Caller, kind: &Kind, number: usize) -> Result<String> {
    let before = kind.peer.as_ref().map(crate::Silence::taken);
    let id = caller.enqueue(&kind.order).await?;
    caller.running(&id).await?;
    if let (Some(peer), Some(before)) = (&kind.peer, before) {
        let connected = tokio::time::timeout(Duration::from_secs(60), peer.more_than(before)).await;
        connected.context("the guest never called its peer")??;
    }
    tokio::time::sleep(pause(number)).await;
    Ok(id)
}

/// A claim is not yet a running guest, so some time is given to begin. It differs each time: a stop is to find the
/// guest, and whatever ticks in the host, anywhere. Steps of 7 visit each of the 20 milliseconds.
fn pause(number: usize) -> Duration {
    Duration::from_millis(10 + (number as u64 * 7) % 20)
}

/// What the attempt recorded, if it ran, and an error if anything but the cancel ended it.
fn latency_of(job: &v1::Job) -> Result<Option<f64>> {
    let [attempt] = job.attempts.as_slice() else {
        anyhow::bail!("there are {} attempts", job.attempts.len())
    };
    let stop = attempt.stop.as_ref().with_context(|| format!("it was not stopped: {attempt:?}"))?;
    ensure!(attempt.outcome == "cancelled" && stop.reason == "cancel", "it ended otherwise: {attempt:?}");
    Ok(attempt.run_ms.filter(|ms| *ms > 0.0).map(|_| stop.latency_ms))
}

pub(super) fn millis(took: Duration) -> f64 {
    took.as_secs_f64() * 1000.0
}
