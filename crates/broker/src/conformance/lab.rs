//! What the facts are tried with: an empty broker, and short words for what most of them do first.

use std::any::Any;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta};
use model::id::JobId;
use model::job::Priority;
use model::name::QueueKey;
use uuid::Uuid;

use crate::{Broker, Queues, Reference, Take};

/// How long a fact waits for what must come.
pub(super) const DEADLINE: Duration = Duration::from_secs(20);

/// An empty broker, and what must live as long as it.
pub struct Lab {
    /// The broker.
    pub broker: Arc<dyn Broker>,
    _guard: Box<dyn Any + Send + Sync>,
}

impl Lab {
    /// A lab around `broker`, which must be empty; `guard` (a server) is kept until the end.
    pub fn new(broker: impl Broker + 'static, guard: impl Any + Send + Sync) -> Self {
        Self { broker: Arc::new(broker), _guard: Box::new(guard) }
    }

    pub(super) async fn push(&self, references: &[Reference]) {
        self.broker.push(references).await.expect("push");
    }

    pub(super) async fn take(&self, take: Take) -> Vec<JobId> {
        by_deadline("a take", self.broker.take(take)).await.expect("take")
    }

    /// Takes up to `max` of what is there now.
    pub(super) async fn take_now(&self, queues: Queues, max: usize) -> Vec<JobId> {
        self.take(Take { queues, max, wait: Duration::ZERO }).await
    }

    /// Takes one after the other until `queues` have no more.
    pub(super) async fn drain(&self, queues: Queues) -> Vec<JobId> {
        let mut jobs = Vec::new();
        loop {
            let taken = self.take_now(queues.clone(), 1).await;
            if taken.is_empty() {
                return jobs;
            }
            jobs.extend(taken);
        }
    }

    /// What waits, in the order of the queues' names.
    pub(super) async fn waiting(&self) -> Vec<(QueueKey, u64)> {
        let mut waiting = self.broker.waiting().await.expect("waiting");
        waiting.sort();
        waiting
    }
}

/// Awaits what must come.
pub(super) async fn by_deadline<T>(what: &str, future: impl Future<Output = T>) -> T {
    let Ok(outcome) = tokio::time::timeout(DEADLINE, future).await else {
        panic!("waited {DEADLINE:?} in vain for {what}")
    };
    outcome
}

/// The job with the number `n`; a higher number sorts later.
pub(super) fn job(n: u128) -> JobId {
    JobId(Uuid::from_u128(n))
}

/// The queue written `namespace/queue`, or a queue of the default namespace.
pub(super) fn queue(text: &str) -> QueueKey {
    let (namespace, name) = text.split_once('/').unwrap_or(("default", text));
    QueueKey { namespace: namespace.parse().expect("a namespace"), queue: name.parse().expect("a queue") }
}

pub(super) fn only(queues: &[&str]) -> Queues {
    Queues::Only(queues.iter().map(|text| queue(text)).collect())
}

/// A reference to the job `n` in the queue `at`, of middling urgency, due at one instant.
pub(super) fn reference(at: &str, n: u128) -> Reference {
    due(at, n, 5, 0)
}

/// The same with a priority and the millisecond it is due since.
pub(super) fn due(at: &str, n: u128, priority: u8, ms: i64) -> Reference {
    let start = DateTime::from_timestamp(1_700_000_000, 0).expect("an instant");
    Reference {
        job: job(n),
        queue: queue(at),
        priority: Priority::try_from(priority).expect("a priority"),
        run_at: start + TimeDelta::milliseconds(ms),
    }
}

/// References to the jobs `from` to `from + count - 1`.
pub(super) fn references(at: &str, from: u128, count: u128) -> Vec<Reference> {
    (from..from + count).map(|n| reference(at, n)).collect()
}

pub(super) fn jobs(numbers: impl IntoIterator<Item = u128>) -> Vec<JobId> {
    numbers.into_iter().map(job).collect()
}

pub(super) fn sorted(mut jobs: Vec<JobId>) -> Vec<JobId> {
    jobs.sort_unstable();
    jobs
}
