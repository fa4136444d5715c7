//! The promises about the ready queue, the suite that holds every driver to them, and the in-process broker.
//!
//! The broker is a doorbell, not the truth: it holds references to due jobs, and everything in it can be
//! rebuilt from the store. Losing a reference costs time, never a job; seeing one twice costs a refused
//! claim, never a second run.
//!
//! ```
//! # use std::time::Duration;
//! # use chrono::Utc;
//! # use model::{id::JobId, job::Priority, name::{Namespace, QueueKey, QueueName}};
//! use broker::{Broker, MemoryBroker, Queues, Reference, Take};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> broker::Result<()> {
//! let broker = MemoryBroker::new();
//! # let now = chrono::DateTime::<Utc>::UNIX_EPOCH;
//! # let job = JobId::generate(now);
//! let queue = QueueKey { namespace: Namespace::default(), queue: QueueName::default() };
//! broker.push(&[Reference { job, queue, priority: Priority::default(), run_at: now }]).await?;
//!
//! let wish = Take { queues: Queues::All, max: 10, wait: Duration::from_secs(1) };
//! assert_eq!(broker.take(wish.clone()).await?, [job]);
//! // Nothing came within the second.
//! assert!(broker.take(wish).await?.is_empty());
//! # Ok(())
//! # }
//! ```

#[cfg(feature = "conformance")]
pub mod conformance;
mod memory;

use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use model::id::JobId;
use model::job::Priority;
use model::name::QueueKey;
use tokio::sync::broadcast;

pub use memory::MemoryBroker;

/// A reference to a due job.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Reference {
    /// The job.
    pub job: JobId,
    /// The queue it waits in.
    pub queue: QueueKey,
    /// How urgent it is; the most urgent leave first.
    pub priority: Priority,
    /// Since when it is due; of one priority the longest due leave first.
    pub run_at: DateTime<Utc>,
}

/// What a host would take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Take {
    /// From which queues.
    pub queues: Queues,
    /// At most this many, all of one queue.
    pub max: usize,
    /// How long to wait for the first.
    pub wait: Duration,
}

/// Which queues somebody serves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Queues {
    /// Every queue of every namespace, such as come later among them.
    All,
    /// These.
    Only(Vec<QueueKey>),
}

/// A lossy wake-up: whoever misses it finds out by reading the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Signal {
    /// These jobs ended.
    Ended(Vec<JobId>),
    /// A task has another active version, or a queue other settings.
    Changed,
}

/// Why a verb did not do what it was asked: always transient, for the broker holds no truth.
#[derive(Debug, thiserror::Error)]
#[error("the broker is unavailable: {why}")]
pub struct Error {
    /// What the broker or the connection said.
    pub why: String,
}

/// What every verb answers.
pub type Result<T> = std::result::Result<T, Error>;

/// The ready queue.
#[async_trait]
pub trait Broker: Send + Sync {
    /// Puts references into their queues. One that waits there already stays as it is.
    async fn push(&self, references: &[Reference]) -> Result<()>;

    /// Takes up to `max` references of one queue, the most urgent first, then the longest due; waits for
    /// the first. Among queues that have some, no queue is starved by another. Empty when the wait ran out.
    /// When the call is dropped, a reference may be lost; the leader offers it again.
    async fn take(&self, take: Take) -> Result<Vec<JobId>>;

    /// How many references wait in each of the queues that have any.
    async fn waiting(&self) -> Result<Vec<(QueueKey, u64)>>;

    /// Takes references out that nobody should find any more.
    async fn remove(&self, queue: &QueueKey, jobs: &[JobId]) -> Result<()>;

    /// Wakes whoever listens now.
    async fn signal(&self, signal: Signal) -> Result<()>;

    /// Listens from now on. A slow listener misses the oldest.
    fn signals(&self) -> broadcast::Receiver<Signal>;

    /// A number that changes when the broker lost what it held (restarted empty, flushed): whoever sees it
    /// change offers everything again.
    async fn generation(&self) -> Result<u64>;
}
