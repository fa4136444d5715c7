//! The task that works while everything breaks: it sleeps, tells a sink, and fails as it is told.

use std::process;
use std::thread;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use task_sdk::{TaskError, context, http, task};

task_sdk::tasks![touch];

/// What to do, in this order.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct Work {
    /// How long to sleep first, in milliseconds.
    sleep_ms: u64,
    /// The sink; without it there are no effects.
    url: Option<String>,
    /// How many effects: calls of the sink, one after another.
    effects: u32,
    /// How long to sleep before each effect but the first, in milliseconds.
    between_ms: u64,
    /// How long to sleep after the last, in milliseconds.
    then_sleep_ms: u64,
    /// How to end.
    fail: Fail,
    /// The attempt that ends well whatever `fail` says, and every one after it; 0: none does.
    succeed_from: u32,
    /// With `retry`: when to try again, in milliseconds; without it, after the usual back-off.
    retry_after_ms: Option<u64>,
}

/// How an attempt ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Fail {
    /// With a result.
    None,
    /// With an error that may pass.
    Retry,
    /// With an error for good.
    Permanent,
    /// By a trap.
    Trap,
    /// By asking to end its process.
    Exit,
}

/// What the sink is told.
#[derive(Debug, Serialize)]
struct Effect {
    job: String,
    attempt: u32,
    effect: u32,
}

/// The attempt that ended well.
#[derive(Debug, PartialEq, Eq, Serialize, JsonSchema)]
struct Touched {
    /// Its number.
    attempt: u32,
}

impl Default for Work {
    fn default() -> Self {
        Self {
            sleep_ms: 0,
            url: None,
            effects: 1,
            between_ms: 0,
            then_sleep_ms: 0,
            fail: Fail::None,
            succeed_from: 0,
            retry_after_ms: None,
        }
    }
}

/// Sleeps, tells the sink which job and attempt this is, sleeps again, and ends as it is told.
#[task(timeout = "5m", memory = "16MiB")]
fn touch(work: Work) -> Result<Touched, TaskError> {
    let job = context::current();
    sleep(work.sleep_ms);
    if let Some(url) = &work.url {
        for effect in 1..=work.effects {
            sleep(if effect == 1 { 0 } else { work.between_ms });
            let told = Effect { job: job.id.clone(), attempt: job.attempt, effect };
            http::post(url).json(&told)?.send()?.error_for_status()?;
        }
    }
    sleep(work.then_sleep_ms);
    end(&work, job.attempt)
}

fn end(work: &Work, attempt: u32) -> Result<Touched, TaskError> {
    let fail = if work.succeed_from > 0 && attempt >= work.succeed_from { Fail::None } else { work.fail };
    match (fail, work.retry_after_ms) {
        (Fail::None, _) => Ok(Touched { attempt }),
        (Fail::Retry, None) => Err(TaskError::retryable("told to fail")),
        (Fail::Retry, Some(wait_ms)) => {
            Err(TaskError::retry_after("told to fail", Duration::from_millis(wait_ms)))
        }
        (Fail::Permanent, _) => Err(TaskError::permanent("told to fail for good")),
        (Fail::Trap, _) => panic!("told to trap"),
        (Fail::Exit, _) => process::exit(1),
    }
}

#[expect(clippy::disallowed_methods, reason = "a guest that sleeps is what it is for")]
fn sleep(ms: u64) {
    if ms > 0 {
        thread::sleep(Duration::from_millis(ms));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_attempt_ends_as_it_is_told_until_one_may_succeed() {
        let work = Work { fail: Fail::Retry, succeed_from: 3, ..Work::default() };

        let ends: Vec<_> = (1..=3).map(|attempt| end(&work, attempt).is_ok()).collect();

        assert_eq!(ends, [false, false, true]);
    }

    #[test]
    fn a_permanent_end_is_for_good() {
        let work = Work { fail: Fail::Permanent, ..Work::default() };

        let error = end(&work, 1).expect_err("it fails");

        assert_eq!(error.kind(), task_sdk::Kind::Permanent);
    }
}
