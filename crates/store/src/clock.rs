//! The database's clock, kept going between two looks at it.
//!
//! The clock of a machine may be hours off without anybody noticing. So the times that people see are the database's:
//! its instant at the last look, and what this process has counted since.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};
use model::clock::{Clock, SystemClock};

use crate::{Plans, Result};

/// Between two looks: two clocks drift apart by less than a millisecond in that time, and one that stood still while
/// the machine slept is right again soon.
pub const LOOK_EVERY: Duration = Duration::from_secs(30);

/// How far the machine's clock may be off before it is worth a word: less than certificates and people care about.
const WORTH_A_WORD: TimeDelta = TimeDelta::seconds(5);

/// Shows the database's time. Before the first look it has none but the machine's.
#[derive(Debug, Default)]
pub struct StoreClock(Mutex<Seen>);

#[derive(Debug, Default)]
struct Seen {
    look: Option<(Instant, DateTime<Utc>)>,
    warned: bool,
}

impl StoreClock {
    /// One that has not looked yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Looks at the database's clock. Says so once when the machine's is far from it.
    ///
    /// # Errors
    /// `Unavailable` when the store does not answer; what was seen before counts on.
    pub async fn look<P: Plans + ?Sized>(&self, plans: &P) -> Result<()> {
        let asked = Instant::now();
        let now = plans.now().await?;
        // It was read somewhere between question and answer.
        self.seen(asked + asked.elapsed() / 2, now);
        Ok(())
    }

    fn seen(&self, at: Instant, now: DateTime<Utc>) {
        let off = SystemClock.now() - now;
        let far = off.abs() > WORTH_A_WORD;
        let mut seen = self.lock();
        seen.look = Some((at, now));
        if far && !seen.warned {
            let (ahead, behind) = (off.num_seconds().max(0), (-off.num_seconds()).max(0));
            tracing::warn!(
                ahead_s = ahead,
                behind_s = behind,
                "this machine's clock is off; times are the database's"
            );
        }
        seen.warned = far;
    }

    fn lock(&self) -> MutexGuard<'_, Seen> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Clock for StoreClock {
    fn now(&self) -> DateTime<Utc> {
        match self.lock().look {
            Some((at, now)) => now + at.elapsed(),
            None => SystemClock.now(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_goes_on_from_the_databases_instant_whatever_the_machines_clock_shows() {
        let clock = StoreClock::new();
        let long_ago = DateTime::UNIX_EPOCH;

        clock.seen(Instant::now(), long_ago);

        let shown = clock.now();
        assert!(shown >= long_ago && shown < long_ago + TimeDelta::hours(1), "{shown}");
    }

    #[test]
    fn before_the_first_look_it_shows_the_machines_time() {
        let before = SystemClock.now();

        assert!(StoreClock::new().now() >= before);
    }
}
