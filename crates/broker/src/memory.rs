//! The broker of one process: what `jobctl dev` uses, where host and scheduler share memory.
//!
//! Every queue is an ordered set beside an index by job, so that the best leaves first and a reference that
//! waits is found by its job. One lock guards all; it is never held over an await. A taker looks, and when
//! there is nothing for it, sleeps until the next push. Taking is one step under the lock as the last thing
//! a call does: a call that is dropped has taken nothing.
//!
//! Among queues the one that was served longest ago goes first. A queue is forgotten when it is empty and
//! counts as just served when it comes back, so a queue that is filled again and again does not overtake
//! one with a backlog.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Mutex, MutexGuard};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use model::id::JobId;
use model::job::Priority;
use model::name::QueueKey;
use tokio::sync::{Notify, broadcast};

use crate::{Broker, Queues, Reference, Result, Signal, Take};

/// Signals that a listener may lag behind before it misses the oldest: a few seconds of a busy system.
const SIGNALS_MAX: usize = 1024;

/// Nothing is ever lost while the process lives, and what comes after it offers everything anyway.
const GENERATION: u64 = 1;

/// The in-process broker.
#[derive(Debug)]
pub struct MemoryBroker {
    ready: Mutex<Ready>,
    pushed: Notify,
    signals: broadcast::Sender<Signal>,
}

/// What the most urgent and longest due is the least of.
type Place = (Priority, DateTime<Utc>, JobId);

#[derive(Debug, Default)]
struct Ready {
    /// Queues that have references, no others.
    queues: BTreeMap<QueueKey, Queue>,
    /// Counts the takes.
    turn: u64,
}

#[derive(Debug, Default)]
struct Queue {
    places: BTreeSet<Place>,
    by_job: HashMap<JobId, Place>,
    /// The turn in which it was served last.
    served: u64,
}

impl Default for MemoryBroker {
    fn default() -> Self {
        Self::new()
    }
}

impl MemoryBroker {
    /// An empty broker.
    #[must_use]
    pub fn new() -> Self {
        Self { ready: Mutex::default(), pushed: Notify::new(), signals: broadcast::channel(SIGNALS_MAX).0 }
    }

    fn ready(&self) -> MutexGuard<'_, Ready> {
        self.ready.lock().expect("no one panics while holding the queues")
    }

    /// Sleeps until there is something to take.
    async fn take_first(&self, queues: &Queues, max: usize) -> Vec<JobId> {
        loop {
            let mut pushed = std::pin::pin!(self.pushed.notified());
            // Listen before looking, so that no push falls between the look and the sleep.
            pushed.as_mut().enable();
            let jobs = self.ready().take(queues, max);
            if !jobs.is_empty() {
                return jobs;
            }
            pushed.await;
        }
    }
}

#[async_trait]
impl Broker for MemoryBroker {
    async fn push(&self, references: &[Reference]) -> Result<()> {
        self.ready().push(references);
        self.pushed.notify_waiters();
        Ok(())
    }

    async fn take(&self, take: Take) -> Result<Vec<JobId>> {
        if take.max == 0 {
            return Ok(Vec::new());
        }
        let first = self.take_first(&take.queues, take.max);
        Ok(tokio::time::timeout(take.wait, first).await.unwrap_or_default())
    }

    async fn waiting(&self) -> Result<Vec<(QueueKey, u64)>> {
        let ready = self.ready();
        Ok(ready.queues.iter().map(|(key, queue)| (key.clone(), queue.places.len() as u64)).collect())
    }

    async fn remove(&self, queue: &QueueKey, jobs: &[JobId]) -> Result<()> {
        self.ready().remove(queue, jobs);
        Ok(())
    }

    async fn signal(&self, signal: Signal) -> Result<()> {
        // An error here says that nobody listens.
        let _ = self.signals.send(signal);
        Ok(())
    }

    fn signals(&self) -> broadcast::Receiver<Signal> {
        self.signals.subscribe()
    }

    async fn generation(&self) -> Result<u64> {
        Ok(GENERATION)
    }
}

impl Ready {
    fn push(&mut self, references: &[Reference]) {
        for reference in references {
            if !self.queues.contains_key(&reference.queue) {
                let fresh = Queue { served: self.turn, ..Queue::default() };
                self.queues.insert(reference.queue.clone(), fresh);
            }
            if let Some(queue) = self.queues.get_mut(&reference.queue) {
                queue.push((reference.priority, reference.run_at, reference.job));
            }
        }
    }

    fn take(&mut self, queues: &Queues, max: usize) -> Vec<JobId> {
        let Some(key) = self.next(queues) else { return Vec::new() };
        self.turn += 1;
        let Some(queue) = self.queues.get_mut(&key) else { return Vec::new() };
        queue.served = self.turn;
        let jobs = queue.take(max);
        if queue.places.is_empty() {
            self.queues.remove(&key);
        }
        jobs
    }

    /// Of the queues that somebody serves, the one that was served longest ago.
    fn next(&self, queues: &Queues) -> Option<QueueKey> {
        let longest_ago = match queues {
            Queues::All => self.queues.iter().min_by_key(|(_, queue)| queue.served),
            Queues::Only(keys) => keys
                .iter()
                .filter_map(|key| self.queues.get_key_value(key))
                .min_by_key(|(_, queue)| queue.served),
        };
        longest_ago.map(|(key, _)| key.clone())
    }

    fn remove(&mut self, key: &QueueKey, jobs: &[JobId]) {
        let Some(queue) = self.queues.get_mut(key) else { return };
        for job in jobs {
            if let Some(place) = queue.by_job.remove(job) {
                queue.places.remove(&place);
            }
        }
        if queue.places.is_empty() {
            self.queues.remove(key);
        }
    }
}

impl Queue {
    fn push(&mut self, place: Place) {
        let (_, _, job) = place;
        if let std::collections::hash_map::Entry::Vacant(vacant) = self.by_job.entry(job) {
            vacant.insert(place);
            self.places.insert(place);
        }
    }

    fn take(&mut self, max: usize) -> Vec<JobId> {
        let mut jobs = Vec::with_capacity(max.min(self.places.len()));
        while jobs.len() < max {
            let Some((_, _, job)) = self.places.pop_first() else { break };
            self.by_job.remove(&job);
            jobs.push(job);
        }
        jobs
    }
}
