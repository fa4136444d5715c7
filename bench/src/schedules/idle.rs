//! What a look for what is due costs while nothing is.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use serde::{Deserialize, Serialize};

use super::Setting;
use crate::Percentiles;

/// The most that 99 of 100 looks may take, in milliseconds: of ten looks a second, a twentieth of a processor.
pub(super) const GOAL_MS: f64 = 5.0;

/// Between two looks at the scheduler's log.
const LOOK: Duration = Duration::from_millis(500);

/// How long the ticks may be in coming, each: the scheduler looks ten times a second.
const PATIENCE: Duration = Duration::from_secs(2);

/// Ticks with nothing due, as the scheduler's log tells of them.
#[derive(Debug, Clone, Serialize)]
pub struct Idle {
    /// How many schedules there were.
    pub schedules: usize,
    /// How many ticks.
    pub ticks: usize,
    /// What each took, in milliseconds.
    pub took_ms: Percentiles,
    /// Whether that is little enough.
    pub met: bool,
}

/// The line that the scheduler writes of each look, as far as it matters.
#[derive(Debug, Deserialize)]
struct Tick {
    message: String,
    due: u64,
    took_us: u32,
}

/// Waits for so many ticks from now on, beside `schedules` of which none is due.
///
/// # Errors
/// When they do not come, or the scheduler's log does not tell of them.
pub async fn idle(setting: &Setting, schedules: usize, count: usize) -> Result<Idle> {
    let before = setting.log().len();
    let deadline = Instant::now() + PATIENCE * u32::try_from(count)?;
    let took = loop {
        tokio::time::sleep(LOOK).await;
        let log = setting.log();
        let took = nothing_due(&log[before..]);
        if took.len() >= count {
            break took;
        }
        ensure!(Instant::now() < deadline, "the scheduler told of {} idle ticks, not {count}", took.len());
    };
    let ticks = took.len();
    let took_ms = Percentiles::of(took).context("there was no tick")?;
    Ok(Idle { schedules, ticks, took_ms, met: took_ms.p99 < GOAL_MS })
}

/// What ticks took that found nothing, in milliseconds.
fn nothing_due(log: &str) -> Vec<f64> {
    let ticks = log.lines().filter_map(|line| serde_json::from_str::<Tick>(line).ok());
    ticks
        .filter(|tick| tick.due == 0 && tick.message.starts_with("looked for schedules"))
        .map(|tick| f64::from(tick.took_us) / 1_000.0)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_ticks_that_found_nothing_count() {
        let log = r#"
{"level":"TRACE","message":"looked for schedules that are due","due":0,"took_us":1500}
{"level":"TRACE","message":"looked for schedules that are due","due":3,"took_us":9000}
{"level":"INFO","message":"something else","due":0,"took_us":1}
{"level":"TRACE","message":"looked for sched"#;

        assert_eq!(nothing_due(log), [1.5]);
    }
}
