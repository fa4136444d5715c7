//! What becomes of a job whose attempt ended here: the policy of `model::retry`, with what failed together spread over
//! time.

use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use model::id::VersionId;
use model::retry::{Ending, Next, decide};
use model::spread::Spread;

/// Decides on the retries of a host.
#[derive(Debug)]
pub(crate) struct Retries {
    /// Instants are counted from here.
    began: Instant,
    /// By version: those of one task rarely fail at once, and its name would have to be looked up.
    spread: Mutex<Spread<VersionId>>,
}

impl Retries {
    pub(crate) fn new() -> Self {
        Self { began: Instant::now(), spread: Mutex::default() }
    }

    /// What becomes of a job of `version` whose attempt ended with `ending`, after `failures` earlier failures, of
    /// `max_attempts` allowed.
    pub(crate) fn next(&self, version: VersionId, ending: &Ending, failures: u32, max_attempts: u32) -> Next {
        let mut rng = rand::rng();
        match decide(ending, failures, max_attempts, &mut rng) {
            // What is given back did not fail: it runs elsewhere at once.
            Next::Again(wait) if matches!(ending, Ending::Failed { .. }) => {
                let mut spread = self.spread.lock().unwrap_or_else(PoisonError::into_inner);
                Next::Again(spread.place(version, self.began.elapsed(), wait, &mut rng))
            }
            next => next,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::time::Duration;

    use model::error::{ErrorKind, Failure};
    use model::retry::Retry;

    use super::*;

    fn failed(retry: Retry) -> Ending {
        Ending::Failed { failure: Failure::new(ErrorKind::Task, "no"), retry }
    }

    fn wait(next: Next) -> Duration {
        match next {
            Next::Again(wait) => wait,
            Next::End => panic!("it has attempts left"),
        }
    }

    #[test]
    fn what_fails_together_does_not_come_back_together() {
        let retries = Retries::new();
        let mut seconds: BTreeMap<u64, usize> = BTreeMap::new();

        for _ in 0..5_000 {
            let next = retries.next(VersionId(1), &failed(Retry::Usual), 0, 5);
            *seconds.entry(wait(next).as_secs()).or_default() += 1;
        }

        assert!(seconds.values().all(|count| *count <= 500), "{seconds:?}");
    }

    #[test]
    fn what_is_given_back_and_what_is_over_is_not_spread() {
        let retries = Retries::new();

        for _ in 0..200 {
            assert_eq!(retries.next(VersionId(1), &Ending::Released, 0, 5), Next::Again(Duration::ZERO));
            assert_eq!(retries.next(VersionId(1), &failed(Retry::Never), 0, 5), Next::End);
        }
        let first = wait(retries.next(VersionId(1), &failed(Retry::Usual), 0, 5));
        assert!(first <= Duration::from_secs(1), "{first:?}");
    }
}
