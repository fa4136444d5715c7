//! What the leader does: find what is due, take back what was lost.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use model::id::{JobId, SessionId};
use model::job::Priority;
use model::name::QueueKey;

use crate::Result;

/// A reference to a due job, to be put into the ready queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offer {
    /// The job.
    pub job: JobId,
    /// The queue it waits in.
    pub queue: QueueKey,
    /// How urgent it is.
    pub priority: Priority,
    /// Since when it is due.
    pub run_at: DateTime<Utc>,
}

/// Which due jobs to find.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Due {
    /// Only what became due at this instant or later: the cheap steady read. None: everything (the sweep).
    pub since: Option<DateTime<Utc>>,
    /// At most this many of each queue and priority, the longest due first.
    pub limit: u32,
}

/// A round of taking back.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rescue {
    /// At most this many jobs in this round.
    pub limit: u32,
    /// Sessions whose process is known to be gone: they are closed now, whatever is left of their leases.
    pub gone: Vec<SessionId>,
}

/// An open session and where its host is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenedSession {
    /// The session.
    pub id: SessionId,
    /// The host's name.
    pub name: String,
    /// Where its control service listens, as a URL.
    pub address: String,
}

/// A transaction of anybody's that has been open for long: what it keeps alive slows every queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LongTransaction {
    /// The process that the database runs it in; what an operator would end.
    pub pid: i32,
    /// How long it has been open, in milliseconds.
    pub age_ms: u64,
    /// What it does, in the database's words: `active`, `idle in transaction`.
    pub state: String,
    /// What the program calls itself; empty when it does not say.
    pub application: String,
    /// Whose it is.
    pub user: String,
}

/// What a round of taking back did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rescued {
    /// Sessions that were closed now: their lease had run out, or they were said to be gone.
    pub sessions: u32,
    /// Jobs that may run again at once.
    pub offers: Vec<Offer>,
    /// Jobs that ended: parked after [`model::bounds::LOSSES_MAX`] lost leases, cancelled meanwhile, or expired.
    pub ended: Vec<JobId>,
}

/// How much stands in a queue.
#[derive(Debug, Clone, PartialEq)]
pub struct QueueDepth {
    /// The queue.
    pub queue: QueueKey,
    /// Due and unclaimed.
    pub queued: u64,
    /// Claimed.
    pub running: u64,
    /// Not due yet.
    pub scheduled: u64,
    /// Whether it hands out nothing.
    pub paused: bool,
    /// How long the longest waiting due job has waited, in seconds.
    pub oldest_queued_seconds: Option<f64>,
}

/// What the leader does. Every verb is harmless when done twice or by two.
#[async_trait]
pub trait Plans: Send + Sync {
    /// Due and unclaimed jobs of every queue that is not paused, most urgent first, with the database's
    /// present instant (the next steady read's `since`, less a margin for commits under way).
    async fn due(&self, due: Due) -> Result<(Vec<Offer>, DateTime<Utc>)>;

    /// Closes sessions whose lease has run out or which are said to be gone, takes back the jobs of closed sessions (their attempts are
    /// recorded as `lost`, counted apart from failures), and ends what expired before it was started.
    async fn rescue(&self, rescue: Rescue) -> Result<Rescued>;

    /// All open sessions, oldest first; unlike [`crate::Attempts::hosts`] it does not look at what they hold.
    async fn sessions(&self) -> Result<Vec<OpenedSession>>;

    /// Transactions that have been open for longer than `older_than_ms` in this database, whoever holds them,
    /// oldest first, a few at the most. None where a transaction cannot hold up others.
    async fn long_transactions(&self, older_than_ms: u32) -> Result<Vec<LongTransaction>>;

    /// The database's present instant, by which everything is judged.
    async fn now(&self) -> Result<DateTime<Utc>> {
        Ok(self.due(Due { since: None, limit: 0 }).await?.1)
    }

    /// Every queue with what stands in it.
    async fn depths(&self) -> Result<Vec<QueueDepth>>;
}
