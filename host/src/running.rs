//! The attempts in hand, and how to stop them.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use model::attempt::StopReason;
use model::id::{JobId, Lease, SessionId};
use sandbox::{StopHandle, StopSignal};

use crate::executor::Executor;
use crate::session::Session;

/// Stops that are kept for attempts whose claim is not answered yet; a claim has far fewer jobs.
const EARLY_MAX: usize = 1_024;

/// What became of a wish to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Told {
    /// The attempt is told.
    Stopping,
    /// There is nothing to stop: it has ended.
    Ended,
}

/// The attempts in hand.
pub(crate) struct Running {
    executor: Arc<dyn Executor>,
    books: Mutex<Books>,
}

#[derive(Default)]
struct Books {
    attempts: HashMap<(SessionId, JobId), Entry>,
    /// Attempts that somebody wants stopped although they are not in hand yet: the store may have given them to
    /// this host a moment ago, with the answer still on its way.
    early: HashSet<Lease>,
    claiming: bool,
    /// Why everything stops that comes now.
    closed: Option<StopReason>,
}

struct Entry {
    attempt: u32,
    handle: StopHandle,
    executing: bool,
}

impl Running {
    /// None yet.
    pub(crate) fn new(executor: Arc<dyn Executor>) -> Arc<Self> {
        Arc::new(Self { executor, books: Mutex::default() })
    }

    /// Takes an attempt in hand, until the guard is dropped. What was asked of it before counts.
    pub(crate) fn begin(self: &Arc<Self>, session: &Session, lease: Lease) -> (StopSignal, InHand) {
        let (handle, signal) = StopHandle::pair();
        let mut books = self.lock();
        if session.is_lost() {
            handle.stop(StopReason::LeaseLost);
        } else if let Some(reason) = books.closed {
            handle.stop(reason);
        } else if books.early.remove(&lease) {
            handle.stop(StopReason::Cancel);
        }
        let entry = Entry { attempt: lease.attempt, handle, executing: true };
        books.attempts.insert((lease.session, lease.job), entry);
        drop(books);
        (signal, InHand { running: Arc::clone(self), lease })
    }

    /// Asks one attempt to stop.
    pub(crate) fn stop(&self, lease: Lease, reason: StopReason) -> Told {
        let mut books = self.lock();
        let told = match books.attempts.get(&(lease.session, lease.job)) {
            Some(entry) if entry.attempt == lease.attempt && entry.executing => {
                entry.handle.stop(reason);
                Told::Stopping
            }
            Some(_) => Told::Ended,
            None if books.claiming && books.early.len() < EARLY_MAX => {
                books.early.insert(lease);
                Told::Stopping
            }
            None => Told::Ended,
        };
        drop(books);
        if told == Told::Stopping {
            self.executor.wake();
        }
        told
    }

    /// Asks all attempts of a session to stop, and says how many there are.
    pub(crate) fn stop_session(&self, session: SessionId, reason: StopReason) -> usize {
        let books = self.lock();
        let stopped = books
            .attempts
            .iter()
            .filter(|((of, _), entry)| *of == session && entry.executing)
            .map(|(_, entry)| entry.handle.stop(reason))
            .count();
        drop(books);
        self.executor.wake();
        stopped
    }

    /// Asks all attempts to stop, such as come later too, and says how many there are.
    pub(crate) fn close(&self, reason: StopReason) -> usize {
        let mut books = self.lock();
        books.closed = Some(reason);
        let executing = books.attempts.values().filter(|entry| entry.executing);
        let stopped = executing.map(|entry| entry.handle.stop(reason)).count();
        drop(books);
        self.executor.wake();
        stopped
    }

    /// Whether this session has the job in hand: running, or not reported yet.
    pub(crate) fn has(&self, session: SessionId, job: JobId) -> bool {
        self.lock().attempts.contains_key(&(session, job))
    }

    /// How many jobs this session has in hand.
    pub(crate) fn in_hand(&self, session: SessionId) -> usize {
        self.lock().attempts.keys().filter(|(of, _)| *of == session).count()
    }

    /// How many attempts run.
    pub(crate) fn count(&self) -> usize {
        self.lock().attempts.values().filter(|entry| entry.executing).count()
    }

    /// Says that a claim is under way, until the guard is dropped.
    pub(crate) fn claiming(&self) -> Claiming<'_> {
        self.lock().claiming = true;
        Claiming(self)
    }

    fn lock(&self) -> MutexGuard<'_, Books> {
        self.books.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An attempt in hand.
pub(crate) struct InHand {
    running: Arc<Running>,
    lease: Lease,
}

impl InHand {
    /// Notes that it has ended and only waits to be reported.
    pub(crate) fn executed(&self) {
        if let Some(entry) = self.running.lock().attempts.get_mut(&(self.lease.session, self.lease.job)) {
            entry.executing = false;
        }
    }
}

impl Drop for InHand {
    fn drop(&mut self) {
        let mut books = self.running.lock();
        let key = (self.lease.session, self.lease.job);
        if books.attempts.get(&key).is_some_and(|entry| entry.attempt == self.lease.attempt) {
            books.attempts.remove(&key);
        }
    }
}

/// A claim that is under way.
pub(crate) struct Claiming<'a>(&'a Running);

impl Drop for Claiming<'_> {
    fn drop(&mut self) {
        let mut books = self.0.lock();
        books.claiming = false;
        books.early.clear();
    }
}

#[cfg(test)]
mod tests {
    use async_trait::async_trait;
    use model::clock::{Clock, SystemClock};
    use sandbox::{Capabilities, Execution, Invocation};

    use super::*;

    struct Idle;

    #[async_trait]
    impl Executor for Idle {
        async fn execute(&self, _: Invocation, _: Arc<dyn Capabilities>, _: StopSignal) -> Execution {
            std::future::pending().await
        }
        fn wake(&self) {}
        fn compiled(&self) -> u64 {
            0
        }
    }

    fn running() -> Arc<Running> {
        Running::new(Arc::new(Idle))
    }

    fn lease(session: i64, attempt: u32) -> Lease {
        let job = JobId::generate(SystemClock.now());
        Lease { job, attempt, session: SessionId(session) }
    }

    fn asked(signal: &StopSignal) -> Option<StopReason> {
        signal.asked().map(|(reason, _)| reason)
    }

    #[test]
    fn a_stop_reaches_its_attempt_only_and_once_it_runs_only() {
        let running = running();
        let session = Session::for_tests(1);
        let lease = lease(1, 2);
        let (signal, in_hand) = running.begin(&session, lease);

        assert_eq!(running.stop(Lease { attempt: 1, ..lease }, StopReason::Cancel), Told::Ended);
        assert_eq!(asked(&signal), None);
        assert_eq!(running.stop(lease, StopReason::Cancel), Told::Stopping);
        assert_eq!(asked(&signal), Some(StopReason::Cancel));

        in_hand.executed();
        assert_eq!(running.stop(lease, StopReason::Cancel), Told::Ended);
        assert!(running.has(lease.session, lease.job) && running.count() == 0);
        drop(in_hand);
        assert!(!running.has(lease.session, lease.job));
    }

    #[test]
    fn a_stop_that_overtakes_the_claim_is_not_forgotten() {
        let running = running();
        let session = Session::for_tests(1);
        let lease = lease(1, 1);

        assert_eq!(running.stop(lease, StopReason::Cancel), Told::Ended);
        let claiming = running.claiming();
        assert_eq!(running.stop(lease, StopReason::Cancel), Told::Stopping);
        let (signal, _in_hand) = running.begin(&session, lease);
        drop(claiming);

        assert_eq!(asked(&signal), Some(StopReason::Cancel));
    }

    #[test]
    fn what_comes_after_the_end_is_stopped_at_once() {
        let running = running();
        let session = Session::for_tests(1);
        let (before, _one) = running.begin(&session, lease(1, 1));

        assert_eq!(running.close(StopReason::Drain), 1);
        let (after, _two) = running.begin(&session, lease(1, 1));
        session.lose();
        let (lost, _three) = running.begin(&session, lease(1, 1));

        assert_eq!(asked(&before), Some(StopReason::Drain));
        assert_eq!(asked(&after), Some(StopReason::Drain));
        assert_eq!(asked(&lost), Some(StopReason::LeaseLost));
    }

    #[test]
    fn losing_a_session_stops_its_own_attempts_only() {
        let running = running();
        let (old, _one) = running.begin(&Session::for_tests(1), lease(1, 1));
        let (new, _two) = running.begin(&Session::for_tests(2), lease(2, 1));

        assert_eq!(running.stop_session(SessionId(1), StopReason::LeaseLost), 1);

        assert_eq!(asked(&old), Some(StopReason::LeaseLost));
        assert_eq!(asked(&new), None);
    }
}
