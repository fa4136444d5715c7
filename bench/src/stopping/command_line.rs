//! Part two: from the start of `jobctl job cancel ID` to the job's recorded end.

use std::process::Stdio;
use std::time::Instant;

use anyhow::{Context as _, Result, ensure};
use serde::Serialize;
use stories::Jobctl;
use tokio::process::Command;

use super::kinds::Kind;
use super::latency::{millis, started};
use crate::{Caller, Percentiles};

/// The slowest may take this long, in milliseconds.
pub(super) const GOAL_MS: f64 = 100.0;

/// How one kind of guest was stopped by a command.
#[derive(Debug, Clone, Serialize)]
pub struct CommandLine {
    /// What the guest was doing.
    pub kind: String,
    /// How often it was stopped.
    pub stops: usize,
    /// From the start of the command until a client was told that the job had ended, in milliseconds.
    pub took_ms: Percentiles,
    /// Whether the slowest was within the goal.
    pub met: bool,
}

/// Stops one kind of guest by the command, so many times.
///
/// # Errors
/// When a job does not run, or the command fails.
pub async fn end_to_end(caller: &Caller, jobctl: &Jobctl, kind: &Kind, count: usize) -> Result<CommandLine> {
    let mut took = Vec::with_capacity(count);
    for number in 0..count {
        let stop = cancel_once(caller, jobctl, kind, number).await;
        took.push(stop.with_context(|| format!("stop {number} of {} by jobctl", kind.name))?);
    }
    let took_ms = Percentiles::of(took).context("nothing was stopped")?;
    Ok(CommandLine { kind: kind.name.to_owned(), stops: count, took_ms, met: took_ms.max < GOAL_MS })
}

async fn cancel_once(caller: &Caller, jobctl: &Jobctl, kind: &Kind, number: usize) -> Result<f64> {
    let id = started(caller, kind, number).await?;
    let mut ends = caller.ends(std::slice::from_ref(&id)).await?;
    let mut command = Command::from(jobctl.command(&["job", "cancel", &id]));
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let began = Instant::now();
    let mut process = command.spawn().context("start jobctl")?;
    let end = ends.next().await?;
    let took = millis(began.elapsed());
    let status = process.wait().await.context("wait for jobctl")?;
    ensure!(
        status.success() && end.state == "cancelled",
        "jobctl ended with {status}, the job is {}",
        end.state
    );
    Ok(took)
}
