//! The attempts in hand, and how to stop them.
//!
//! ```text
//! stop       ──────────────────────────────▶ the guest ends, whatever it does
//! interrupt  ──▶ the guest may know of it ──▶ the same, once its grace is over
//!                     (no grace: at once)
//! ```
//! Graces end by one timer for all of them, on the control thread, where no guest delays it. An attempt that nobody
//! cancels costs it nothing.

use std::collections::{BTreeSet, HashMap};
use std::convert::Infallible;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use model::attempt::StopReason;
use model::id::{JobId, Lease, SessionId};
use model::limits::PLATFORM_MAX;
use sandbox::{StopHandle, StopSignal};
use tokio::sync::Notify;

use crate::executor::Executor;
use crate::session::Session;

/// Interrupts that are kept for attempts whose claim is not answered yet; a claim has far fewer jobs.
const EARLY_MAX: usize = 1_024;

/// The longest grace: no attempt goes on for longer anyway.
const GRACE_MAX: Duration = Duration::from_millis(PLATFORM_MAX.timeout_ms);

/// What became of an interrupt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Told {
    /// The attempt is told; it may have a grace left.
    Stopping,
    /// There is nothing to stop: it has ended.
    Ended,
}

/// An attempt, as the books name it.
type Key = (SessionId, JobId);

/// The attempts in hand.
pub(crate) struct Running {
    executor: Arc<dyn Executor>,
    books: Mutex<Books>,
    /// Rung when there is a new grace, or a shorter one.
    graced: Notify,
}

#[derive(Default)]
struct Books {
    attempts: HashMap<Key, Entry>,
    /// When the graces of attempts in hand end, soonest first.
    graces: BTreeSet<(Instant, Key)>,
    /// Attempts that somebody wants ended by then although they are not in hand yet: the store may have given them
    /// to this host a moment ago, with the answer still on its way.
    early: HashMap<Lease, Instant>,
    /// The jobs of the claim that is under way: no other can be given to this host meanwhile.
    claiming: Vec<JobId>,
    /// Why everything stops that comes now.
    closed: Option<StopReason>,
}

struct Entry {
    attempt: u32,
    handle: StopHandle,
    executing: bool,
    /// When its grace ends, if it was given one.
    grace_until: Option<Instant>,
}

impl Books {
    /// Lets the guest know, and notes when its grace ends; the shorter of two counts, and one that is over by now is
    /// a stop.
    fn grace(&mut self, key: Key, until: Instant, now: Instant) {
        let Some(entry) = self.attempts.get_mut(&key) else { return };
        if until <= now {
            entry.handle.stop(StopReason::Cancel);
            return self.forget_grace(key);
        }
        entry.handle.request_cancel();
        if entry.grace_until.is_some_and(|before| before <= until) {
            return;
        }
        if let Some(before) = entry.grace_until.replace(until) {
            self.graces.remove(&(before, key));
        }
        self.graces.insert((until, key));
    }

    fn forget_grace(&mut self, key: Key) {
        if let Some(until) = self.attempts.get_mut(&key).and_then(|entry| entry.grace_until.take()) {
            self.graces.remove(&(until, key));
        }
    }
}

impl Running {
    /// None yet.
    pub(crate) fn new(executor: Arc<dyn Executor>) -> Arc<Self> {
        Arc::new(Self { executor, books: Mutex::default(), graced: Notify::new() })
    }

    /// Takes an attempt in hand, until the guard is dropped. What was asked of it before counts.
    pub(crate) fn begin(self: &Arc<Self>, session: &Session, lease: Lease) -> (StopSignal, InHand) {
        let (handle, signal) = StopHandle::pair();
        let key = (lease.session, lease.job);
        let mut books = self.lock();
        let told_before = books.early.remove(&lease);
        if session.is_lost() {
            handle.stop(StopReason::LeaseLost);
        } else if let Some(reason) = books.closed {
            handle.stop(reason);
        }
        let entry = Entry { attempt: lease.attempt, handle, executing: true, grace_until: None };
        books.forget_grace(key);
        books.attempts.insert(key, entry);
        if let Some(until) = told_before {
            books.grace(key, until, Instant::now());
        }
        drop(books);
        if told_before.is_some() {
            self.graced.notify_one();
        }
        (signal, InHand { running: Arc::clone(self), lease })
    }

    /// Stops one attempt in hand.
    pub(crate) fn stop(&self, lease: Lease, reason: StopReason) {
        let books = self.lock();
        let entry = books.attempts.get(&(lease.session, lease.job));
        let entry = entry.filter(|entry| entry.attempt == lease.attempt && entry.executing);
        entry.inspect(|entry| entry.handle.stop(reason));
        drop(books);
        self.executor.wake();
    }

    /// Ends one attempt after this grace, within which its guest may know that it is to end.
    pub(crate) fn interrupt(&self, lease: Lease, grace: Duration) -> Told {
        let key = (lease.session, lease.job);
        let now = Instant::now();
        let until = now + grace.min(GRACE_MAX);
        let mut books = self.lock();
        let told = match books.attempts.get(&key) {
            Some(entry) if entry.attempt == lease.attempt && entry.executing => {
                books.grace(key, until, now);
                Told::Stopping
            }
            Some(_) => Told::Ended,
            None if books.claiming.contains(&lease.job)
                && (books.early.len() < EARLY_MAX || books.early.contains_key(&lease)) =>
            {
                let soonest = books.early.entry(lease).or_insert(until);
                *soonest = until.min(*soonest);
                Told::Stopping
            }
            None => Told::Ended,
        };
        drop(books);
        match told {
            Told::Stopping if grace.is_zero() => self.executor.wake(),
            Told::Stopping => self.graced.notify_one(),
            Told::Ended => {}
        }
        told
    }

    /// Stops attempts as their graces end, until it is dropped.
    pub(crate) async fn keep_graces(&self) -> Infallible {
        loop {
            match self.end_graces(Instant::now()) {
                None => self.graced.notified().await,
                Some(next) => tokio::select! {
                    () = tokio::time::sleep_until(next.into()) => {}
                    () = self.graced.notified() => {}
                },
            }
        }
    }

    /// Stops those whose grace is over by `now`, and says when the next one is.
    fn end_graces(&self, now: Instant) -> Option<Instant> {
        let mut books = self.lock();
        let mut stopped = false;
        while let Some(&(until, key)) = books.graces.first().filter(|(until, _)| *until <= now) {
            books.graces.remove(&(until, key));
            books.grace(key, until, now);
            stopped = true;
        }
        let next = books.graces.first().map(|(until, _)| *until);
        drop(books);
        if stopped {
            self.executor.wake();
        }
        next
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

    /// Says that a claim of these jobs is under way, until the guard is dropped.
    pub(crate) fn claiming(&self, jobs: &[JobId]) -> Claiming<'_> {
        self.lock().claiming = jobs.to_vec();
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
        let key = (self.lease.session, self.lease.job);
        let mut books = self.running.lock();
        books.forget_grace(key);
        if let Some(entry) = books.attempts.get_mut(&key) {
            entry.executing = false;
        }
    }
}

impl Drop for InHand {
    fn drop(&mut self) {
        let mut books = self.running.lock();
        let key = (self.lease.session, self.lease.job);
        if books.attempts.get(&key).is_some_and(|entry| entry.attempt == self.lease.attempt) {
            books.forget_grace(key);
            books.attempts.remove(&key);
        }
    }
}

/// A claim that is under way.
pub(crate) struct Claiming<'a>(&'a Running);

impl Drop for Claiming<'_> {
    fn drop(&mut self) {
        let mut books = self.0.lock();
        books.claiming.clear();
        books.early.clear();
    }
}

#[cfg(test)]
mod tests;
