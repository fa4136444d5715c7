//! Changes of a schedule, tried until nobody else changes it meanwhile.
//!
//! Those that come to this replica go one behind another: each would only make the others look again. What is left is
//! other replicas and the leader.

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

use model::name::{Namespace, ScheduleName};
use rpc::{Code, Error};
use service::backoff;
use tokio::sync::{Mutex, MutexGuard};
use tokio::time::timeout;

use crate::answer::{STORE_DEADLINE, refusal, too_late};

/// How often a change is tried while others change the same schedule: each of them gets one through, so ten in a row
/// that lose are many at once.
const TRIES_MAX: usize = 10;

/// The waits between two tries: from the time of a commit up to one that people do not notice.
const WAIT_FIRST: Duration = Duration::from_millis(5);
const WAIT_MAX: Duration = Duration::from_millis(100);

/// Lines that changes wait in. Two schedules may share one and then wait for each other, which of so many they rarely do.
const LINES: usize = 64;

/// Where changes wait for one another, each schedule's always in the same line.
pub(in crate::api) struct Lines {
    lines: [Mutex<()>; LINES],
    hash: RandomState,
}

impl Lines {
    pub(in crate::api) fn new() -> Self {
        Self { lines: std::array::from_fn(|_| Mutex::default()), hash: RandomState::new() }
    }

    fn of(&self, namespace: &Namespace, name: &ScheduleName) -> &Mutex<()> {
        let hash = self.hash.hash_one((namespace, name));
        // What is left of a division by 64 fits everywhere.
        let line = usize::try_from(hash % LINES as u64).unwrap_or(0);
        &self.lines[line]
    }
}

/// Tries of one change. While it lives, no other one of the same schedule is tried here.
pub(super) struct Tries<'a> {
    name: &'a ScheduleName,
    waits: Box<dyn Iterator<Item = Duration> + Send>,
    _turn: MutexGuard<'a, ()>,
}

impl<'a> Tries<'a> {
    /// Waits for its turn; no longer than for a store that does not answer, for that is what the others wait for.
    pub(super) async fn begin(
        lines: &'a Lines,
        namespace: &Namespace,
        name: &'a ScheduleName,
    ) -> Result<Self, Error> {
        let turn = timeout(STORE_DEADLINE, lines.of(namespace, name).lock())
            .await
            .map_err(|_| refusal(too_late(STORE_DEADLINE)))?;
        Ok(Self { name, waits: Box::new(backoff(WAIT_FIRST, WAIT_MAX).take(TRIES_MAX - 1)), _turn: turn })
    }

    /// Waits a little before the next try.
    pub(super) async fn again(&mut self) -> Result<(), Error> {
        let Some(wait) = self.waits.next() else {
            let message = format!("schedule {:?} is being changed by others", self.name.as_str());
            return Err(Error::new(Code::Unavailable, message).hint("try again in a moment"));
        };
        tokio::time::sleep(wait).await;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::*;

    #[tokio::test]
    async fn who_loses_to_others_again_and_again_is_told_to_try_later() {
        let (lines, namespace, name) = (Lines::new(), Namespace::default(), "s".parse().expect("a name"));
        let mut tries = Tries::begin(&lines, &namespace, &name).await.expect("nobody else tries");
        for _ in 1..TRIES_MAX {
            assert_eq!(tries.again().await, Ok(()));
        }

        let error = tries.again().await.expect_err("it was the last");

        assert_eq!(error.code, Code::Unavailable);
        assert_eq!(error.message, "schedule \"s\" is being changed by others");
        assert!(error.hint.is_some());
    }

    #[tokio::test]
    async fn changes_of_one_schedule_go_one_behind_another() {
        let (lines, namespace, name) = (Lines::new(), Namespace::default(), "s".parse().expect("a name"));
        let first = Tries::begin(&lines, &namespace, &name).await.expect("nobody else tries");

        let mut second = Box::pin(Tries::begin(&lines, &namespace, &name));
        let waits = (&mut second).now_or_never().is_none();
        drop(first);

        assert!(waits && second.await.is_ok());
    }
}
