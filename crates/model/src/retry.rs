//! What happens to a job after an attempt: pure functions, so that no two databases can disagree on policy.

use std::time::Duration;

use rand::Rng;

use crate::attempt::Outcome;
use crate::bounds::{DELAY_DAYS_MAX, LOSSES_MAX};
use crate::error::{ErrorKind, Failure};

/// Attempts of a job when neither it nor its task says otherwise.
pub const MAX_ATTEMPTS_DEFAULT: u32 = 5;

/// The wait before the second attempt; it doubles with each one.
pub const BACKOFF_FIRST: Duration = Duration::from_secs(1);

/// The longest wait between two attempts, unless a task asks for a longer one (and [`crate::spread`] may add some
/// seconds): what was away for long is tried within an hour of being back.
pub const BACKOFF_MAX: Duration = Duration::from_secs(3600);

/// The longest wait that a task may ask for: as far as a job may be delayed.
pub const RETRY_AFTER_MAX: Duration = Duration::from_secs(DELAY_DAYS_MAX.unsigned_abs() * 24 * 3600);

/// Whether trying again can help, as the one who failed says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retry {
    /// Yes, after the usual back-off.
    Usual,
    /// Yes, and not before this long, up to [`RETRY_AFTER_MAX`].
    After(Duration),
    /// No: the error is for good.
    Never,
}

/// How an attempt ended, as the host saw it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ending {
    /// With a result (kept apart).
    Succeeded,
    /// With an error.
    Failed {
        /// Which.
        failure: Failure,
        /// Whether trying again can help.
        retry: Retry,
    },
    /// It was stopped because the job was cancelled.
    Cancelled,
    /// Its host was drained.
    Released,
}

impl Ending {
    /// The outcome it is recorded as.
    #[must_use]
    pub fn outcome(&self) -> Outcome {
        match self {
            Self::Succeeded => Outcome::Succeeded,
            Self::Failed { .. } => Outcome::Failed,
            Self::Cancelled => Outcome::Cancelled,
            Self::Released => Outcome::Released,
        }
    }
}

/// What becomes of the job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// It is over; the outcome of this attempt is the job's.
    End,
    /// It may run again after this long.
    Again(Duration),
}

/// Decides what becomes of a job whose attempt ended with `ending`, after `failures` earlier failures, of
/// `max_attempts` allowed.
#[must_use]
pub fn decide(ending: &Ending, failures: u32, max_attempts: u32, rng: &mut impl Rng) -> Next {
    match ending {
        Ending::Succeeded | Ending::Cancelled => Next::End,
        Ending::Released => Next::Again(Duration::ZERO),
        Ending::Failed { retry: Retry::Never, .. } => Next::End,
        Ending::Failed { .. } if failures + 1 >= max_attempts => Next::End,
        Ending::Failed { retry: Retry::After(least), .. } => {
            Next::Again(backoff(failures, rng).max((*least).min(RETRY_AFTER_MAX)))
        }
        Ending::Failed { retry: Retry::Usual, .. } => Next::Again(backoff(failures, rng)),
    }
}

/// Whether an error of this kind may pass when the same code is run on the same payload again. What a
/// budget or the module itself decides will be decided the same way next time.
#[must_use]
pub fn retry_of(kind: ErrorKind) -> Retry {
    match kind {
        ErrorKind::Denied
        | ErrorKind::InvalidModule
        | ErrorKind::Fuel
        | ErrorKind::Output
        | ErrorKind::HostCalls
        | ErrorKind::Expired => Retry::Never,
        _ => Retry::Usual,
    }
}

/// The wait after `failures` earlier failures: doubling, with a ceiling, and jittered over its upper half, so that few
/// that failed together do not come back together. For many there is [`crate::spread`].
#[must_use]
pub fn backoff(failures: u32, rng: &mut impl Rng) -> Duration {
    let factor = 2u32.saturating_pow(failures.min(31));
    let full = BACKOFF_FIRST.saturating_mul(factor).min(BACKOFF_MAX);
    full.mul_f64(rng.random_range(0.5..=1.0))
}

/// What becomes of a job that lost its host for the `losses`-th time.
#[must_use]
pub fn after_loss(losses: u32) -> Next {
    if losses >= LOSSES_MAX { Next::End } else { Next::Again(Duration::ZERO) }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand::rngs::StdRng;

    use super::*;

    fn failed(retry: Retry) -> Ending {
        Ending::Failed { failure: Failure::new(ErrorKind::Task, "no"), retry }
    }

    #[test]
    fn the_wait_doubles_up_to_the_ceiling() {
        let mut rng = StdRng::seed_from_u64(1);

        for failures in 0..200 {
            let full = BACKOFF_FIRST.as_secs_f64() * 2f64.powi(failures);
            let full = full.min(BACKOFF_MAX.as_secs_f64());
            let wait = backoff(u32::try_from(failures).expect("small"), &mut rng).as_secs_f64();
            assert!(wait >= full * 0.499 && wait <= full * 1.001, "{failures}: {wait} of {full}");
        }
    }

    #[test]
    fn the_last_attempt_and_a_permanent_error_end_the_job() {
        let mut rng = StdRng::seed_from_u64(1);

        assert_eq!(decide(&failed(Retry::Usual), 4, 5, &mut rng), Next::End);
        assert_eq!(decide(&failed(Retry::Never), 0, 5, &mut rng), Next::End);
        assert!(matches!(decide(&failed(Retry::Usual), 3, 5, &mut rng), Next::Again(_)));
    }

    #[test]
    fn a_task_may_ask_for_a_longer_wait() {
        let mut rng = StdRng::seed_from_u64(1);
        let minute = Duration::from_secs(60);

        assert_eq!(decide(&failed(Retry::After(minute)), 0, 5, &mut rng), Next::Again(minute));
        let sooner = Retry::After(Duration::from_millis(1));
        let Next::Again(wait) = decide(&failed(sooner), 3, 5, &mut rng) else {
            panic!("it has an attempt left")
        };
        assert!(wait >= Duration::from_secs(4), "the back-off holds all the same: {wait:?}");
    }

    #[test]
    fn a_wait_without_end_is_cut_to_what_can_be_stored() {
        let mut rng = StdRng::seed_from_u64(1);
        let asked = failed(Retry::After(Duration::from_millis(u64::MAX)));

        assert_eq!(decide(&asked, 0, 5, &mut rng), Next::Again(RETRY_AFTER_MAX));
    }

    #[test]
    fn the_third_lost_lease_parks_the_job() {
        assert_eq!(after_loss(2), Next::Again(Duration::ZERO));
        assert_eq!(after_loss(3), Next::End);
    }
}
