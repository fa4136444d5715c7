//! The shape of every loop: tick, wait for the period or for a wake-up, back off when a tick fails.

use std::fmt::Display;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBuilder};
use tokio::sync::Notify;

use crate::Shutdown;

/// The waits between tries: doubling from `first` up to `max`, with jitter, without end.
pub fn backoff(first: Duration, max: Duration) -> impl Iterator<Item = Duration> + Send {
    ExponentialBuilder::new()
        .with_min_delay(first)
        .with_max_delay(max)
        .with_factor(2.0)
        .with_jitter()
        .without_max_times()
        .build()
}

/// How a loop ticks.
#[derive(Debug, Clone)]
pub struct Ticks {
    /// Its name, for the log.
    pub name: &'static str,
    /// How long it waits after a tick; nought for a tick that waits for its work itself.
    pub period: Duration,
    /// The longest wait after failures.
    pub backoff_max: Duration,
    /// Ends the wait early.
    pub wake: Option<Arc<Notify>>,
}

impl Ticks {
    /// Calls `tick` until the shutdown drains. A failure is logged once for each row of failures, and so is
    /// the recovery; in between the waits grow.
    pub async fn run<F, T, E>(self, shutdown: &Shutdown, mut tick: F)
    where
        F: FnMut() -> T,
        T: Future<Output = Result<(), E>>,
        E: Display,
    {
        let first = self.period.max(Duration::from_millis(50));
        let waits = || backoff(first, self.backoff_max.max(first));
        let mut failing: Option<_> = None;
        while !shutdown.is_draining() {
            let wait = match tick().await {
                Ok(()) => {
                    if failing.take().is_some() {
                        tracing::info!(part = self.name, "{} works again", self.name);
                    }
                    self.period
                }
                Err(error) => {
                    let error = format!("{error:#}");
                    if failing.is_none() {
                        tracing::warn!(part = self.name, error, "{} failed; it is tried again", self.name);
                    } else {
                        tracing::debug!(part = self.name, error, "{} still fails", self.name);
                    }
                    failing.get_or_insert_with(&waits).next().unwrap_or(self.backoff_max)
                }
            };
            // Even a sleep of nought takes until the timer's next millisecond.
            if wait.is_zero() {
                continue;
            }
            tokio::select! {
                () = shutdown.draining() => {}
                () = tokio::time::sleep(wait) => {}
                () = woken(self.wake.as_deref()) => {}
            }
        }
    }
}

async fn woken(wake: Option<&Notify>) {
    match wake {
        Some(wake) => wake.notified().await,
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    #[tokio::test]
    async fn a_loop_ticks_until_it_is_drained_and_outlives_failures() {
        let shutdown = Shutdown::new();
        let count = AtomicU32::new(0);
        let ticks = Ticks {
            name: "test",
            period: Duration::from_millis(1),
            backoff_max: Duration::from_millis(50),
            wake: None,
        };

        ticks
            .run(&shutdown, || {
                let number = count.fetch_add(1, Ordering::Relaxed);
                if number == 9 {
                    shutdown.drain();
                }
                async move { if number.is_multiple_of(3) { Err("no") } else { Ok(()) } }
            })
            .await;

        assert_eq!(count.load(Ordering::Relaxed), 10);
    }

    #[test]
    fn waits_grow_up_to_the_ceiling() {
        let waits: Vec<_> = backoff(Duration::from_millis(100), Duration::from_secs(1)).take(20).collect();

        assert!(waits[0] >= Duration::from_millis(100) && waits[0] < Duration::from_millis(201));
        assert!(waits.iter().all(|wait| *wait <= Duration::from_secs(2)));
        assert!(waits[19] >= Duration::from_secs(1));
    }
}
