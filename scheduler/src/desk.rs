//! Where references go out to the broker: the one door for fresh jobs, steady reads and sweeps.
//!
//! It remembers what it offered a moment ago, so that the steady read, which looks a little further back
//! each time, does not offer a job twice; and it keeps a window: of a long backlog only the most urgent part
//! lies in the broker, and more is brought when that runs low.

use std::collections::{HashMap, HashSet};
use std::mem::take;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use broker::{Broker, Reference};
use chrono::{DateTime, Utc};
use model::id::JobId;
use model::name::QueueKey;
use tokio::time::Instant;

use crate::answer::broker_within;

/// References of one queue in the broker at the most, about: at 30,000 jobs a second enough for a third of
/// a second, and some MiB of Redis.
pub(crate) const WINDOW: u64 = 10_000;

/// References in one push: one pipeline, some hundred kB.
const PUSH_MAX: usize = 1_000;

/// How long the broker may take.
pub(crate) const BROKER_DEADLINE: Duration = Duration::from_secs(2);

/// How long an offer is remembered, at least; the steady read looks back less far.
const REMEMBERED: Duration = Duration::from_secs(3);

/// The way out to the broker.
pub(crate) struct Desk {
    broker: Arc<dyn Broker>,
    recent: Mutex<Recent>,
    window: Mutex<HashMap<QueueKey, u64>>,
    /// References were held back because a window was full.
    held_back: AtomicBool,
    /// The broker failed last: nothing is tried but by the one who looks after it.
    failure: Mutex<Option<Failure>>,
}

/// How the broker fails.
struct Failure {
    since: Instant,
    why: String,
}

/// Offers of the last moments, in two generations.
struct Recent {
    young: HashSet<(JobId, DateTime<Utc>)>,
    old: HashSet<(JobId, DateTime<Utc>)>,
    turned: Instant,
}

impl Desk {
    pub(crate) fn new(broker: Arc<dyn Broker>) -> Self {
        let recent = Recent { young: HashSet::new(), old: HashSet::new(), turned: Instant::now() };
        Self {
            broker,
            recent: Mutex::new(recent),
            window: Mutex::default(),
            held_back: AtomicBool::new(false),
            failure: Mutex::default(),
        }
    }

    /// Offers what was not offered a moment ago.
    ///
    /// # Errors
    /// When the broker fails; the references are lost then, and the next sweep finds them.
    pub(crate) async fn offer_new(&self, mut references: Vec<Reference>) -> broker::Result<()> {
        {
            let mut recent = locked(&self.recent);
            recent.turn();
            references.retain(|reference| !recent.has(reference));
        }
        self.offer(references).await
    }

    /// Offers, as far as the windows have room.
    ///
    /// # Errors
    /// As [`Self::offer_new`].
    pub(crate) async fn offer(&self, mut references: Vec<Reference>) -> broker::Result<()> {
        {
            let window = locked(&self.window);
            let before = references.len();
            references.retain(|reference| window.get(&reference.queue).is_none_or(|n| *n < WINDOW));
            if references.len() < before {
                self.held_back.store(true, Ordering::Relaxed);
            }
        }
        self.push(references).await
    }

    /// Offers without a look at the windows: what a sweep found is bounded by itself.
    ///
    /// # Errors
    /// As [`Self::offer_new`].
    pub(crate) async fn push(&self, references: Vec<Reference>) -> broker::Result<()> {
        for part in references.chunks(PUSH_MAX) {
            self.noted(broker_within(BROKER_DEADLINE, self.broker.push(part)).await)?;
            let mut window = locked(&self.window);
            let mut recent = locked(&self.recent);
            recent.turn();
            for reference in part {
                recent.young.insert((reference.job, reference.run_at));
                match window.get_mut(&reference.queue) {
                    Some(count) => *count += 1,
                    None => {
                        window.insert(reference.queue.clone(), 1);
                    }
                }
            }
        }
        Ok(())
    }

    /// Looks how full the windows are; returns how many wait in the fullest queue.
    ///
    /// # Errors
    /// When the broker fails.
    pub(crate) async fn look(&self) -> broker::Result<u64> {
        let waiting = self.noted(broker_within(BROKER_DEADLINE, self.broker.waiting()).await)?;
        let fullest = waiting.iter().map(|(_, count)| *count).max().unwrap_or(0);
        *locked(&self.window) = waiting.into_iter().collect();
        Ok(fullest)
    }

    /// The broker's generation.
    ///
    /// # Errors
    /// When the broker fails.
    pub(crate) async fn generation(&self) -> broker::Result<u64> {
        self.noted(broker_within(BROKER_DEADLINE, self.broker.generation()).await)
    }

    /// Whether the broker failed last.
    pub(crate) fn is_down(&self) -> bool {
        locked(&self.failure).is_some()
    }

    /// For how long the broker has failed; none when it did what it was asked last.
    pub(crate) fn fails_for(&self) -> Option<Duration> {
        locked(&self.failure).as_ref().map(|failure| failure.since.elapsed())
    }

    /// Why the broker failed last.
    pub(crate) fn failure(&self) -> Option<String> {
        locked(&self.failure).as_ref().map(|failure| failure.why.clone())
    }

    fn noted<T>(&self, answer: broker::Result<T>) -> broker::Result<T> {
        let mut failure = locked(&self.failure);
        *failure = answer.as_ref().err().map(|error| Failure {
            since: failure.as_ref().map_or_else(Instant::now, |failure| failure.since),
            why: error.why.clone(),
        });
        drop(failure);
        answer
    }

    /// Whether something was held back since [`Self::set_held_back`] was told otherwise.
    pub(crate) fn holds_back(&self) -> bool {
        self.held_back.load(Ordering::Relaxed)
    }

    /// Notes whether more waits in the store than the windows take.
    pub(crate) fn set_held_back(&self, held_back: bool) {
        self.held_back.store(held_back, Ordering::Relaxed);
    }
}

impl Recent {
    fn turn(&mut self) {
        let now = Instant::now();
        if now.duration_since(self.turned) >= REMEMBERED {
            self.old = take(&mut self.young);
            self.turned = now;
        }
    }

    fn has(&self, reference: &Reference) -> bool {
        let offer = (reference.job, reference.run_at);
        self.young.contains(&offer) || self.old.contains(&offer)
    }
}

/// An offer of the store as the broker knows it.
pub(crate) fn reference(offer: store::Offer) -> Reference {
    Reference { job: offer.job, queue: offer.queue, priority: offer.priority, run_at: offer.run_at }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().expect("nobody panics while holding it")
}
