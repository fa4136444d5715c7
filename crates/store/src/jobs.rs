//! What people ask: submit, look, cancel, retry.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use model::id::{JobId, Lease};
use model::job::{FileInfo, Job, JobState, LogLine, NewJob, OutputFile};
use model::name::{Namespace, QueueName, TaskName};

use crate::{Offer, Result};

/// Jobs to store, all or none.
#[derive(Debug, Clone)]
pub struct Submit {
    /// The jobs, at most [`model::bounds::BATCH_JOBS_MAX`]. Keys may repeat inside a batch.
    pub jobs: Vec<NewJob>,
    /// The attempt that makes them, when a task enqueues child jobs: it must still hold its lease.
    pub parent: Option<Lease>,
}

/// What became of one submitted job, in input order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Submitted {
    /// The job that stands for it: its own id, or that of the earlier job with the same key.
    pub id: JobId,
    /// Whether it is an earlier job.
    pub duplicate: bool,
    /// Where it stands: `queued` or `scheduled` for a new one.
    pub state: JobState,
    /// The reference to offer to the broker; none for a duplicate and for what is not due yet.
    pub offer: Option<Offer>,
}

/// Which jobs to list; what is empty does not restrict.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct JobFilter {
    /// Only in this namespace.
    pub namespace: Namespace,
    /// Any of these states.
    pub states: Vec<JobState>,
    /// Of this task.
    pub task: Option<TaskName>,
    /// In this queue.
    pub queue: Option<QueueName>,
    /// With all of these tags.
    pub tags: Vec<(String, String)>,
    /// Stored at this instant or later.
    pub since: Option<DateTime<Utc>>,
    /// Stored before this job (a page's cursor).
    pub before: Option<JobId>,
    /// At most this many, up to [`model::bounds::PAGE_MAX`].
    pub limit: u32,
}

/// One page of a listing, newest first.
#[derive(Debug, Clone, PartialEq)]
pub struct JobPage {
    /// The jobs, without payloads' attempts and files.
    pub jobs: Vec<Job>,
    /// Where the next page begins; none at the end.
    pub next: Option<JobId>,
}

/// In which state a job is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StateOf {
    /// The job.
    pub id: JobId,
    /// The namespace it lives in.
    pub namespace: Namespace,
    /// The state.
    pub state: JobState,
}

/// Jobs to cancel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cancel {
    /// Their namespace.
    pub namespace: Namespace,
    /// Their ids, at most [`model::bounds::BATCH_JOBS_MAX`].
    pub ids: Vec<JobId>,
    /// How long a running attempt may go on once its guest can see that it is to end, in milliseconds. Of several
    /// cancels of one attempt the one that ends first holds.
    pub grace_ms: u64,
}

/// What a cancel found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cancelled {
    /// It was waiting and is cancelled now.
    Done,
    /// It runs: the wish is stored, and the attempt that holds the lease must be told.
    Asked(Lease),
    /// It had ended before, in this state.
    Already(JobState),
    /// There is no such job.
    Unknown,
}

/// Jobs to run again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Retry {
    /// Their namespace.
    pub namespace: Namespace,
    /// Their ids, at most [`model::bounds::BATCH_JOBS_MAX`].
    pub ids: Vec<JobId>,
}

/// What a retry found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Retried {
    /// It had failed or was cancelled, and may run again from now on: the reference to offer to the broker.
    Queued(Offer),
    /// It is in this state, and stays there: it has not ended, or it succeeded.
    Already(JobState),
    /// There is no such job.
    Unknown,
}

/// How many jobs a filter matches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Count {
    /// How many are in each state; a state without jobs is left out.
    pub states: Vec<(JobState, u64)>,
    /// A moment before they were counted, by the database's clock.
    pub at: DateTime<Utc>,
}

/// What people ask.
#[async_trait]
pub trait Jobs: Send + Sync {
    /// Stores jobs; durable when it answers. The idempotency keys are taken in the same transaction: of
    /// many submitters of one key exactly one makes the job and all are told its id. A submit that is made
    /// again with the same ids (because the answer was lost) changes nothing and answers the same.
    ///
    /// # Errors
    /// `Conflict` when a key is known with other content (task version's task, payload or options);
    /// `Stale` when the parent's lease is lost; `NotFound` for an unknown version. Nothing is stored then.
    async fn submit(&self, submit: Submit) -> Result<Vec<Submitted>>;

    /// One job in full, with attempts and files.
    ///
    /// # Errors
    /// `NotFound`.
    async fn job(&self, namespace: &Namespace, id: JobId) -> Result<Job>;

    /// The ids in `namespace` that begin with `prefix` (hexadecimal digits and dashes), at most `limit`, in order.
    async fn jobs_with_prefix(&self, namespace: &Namespace, prefix: &str, limit: u32) -> Result<Vec<JobId>>;

    /// One page of jobs, newest first.
    async fn jobs(&self, filter: JobFilter) -> Result<JobPage>;

    /// In which state each of `ids` is, as far as there are such jobs, in no order. For those who wait.
    async fn states(&self, ids: &[JobId]) -> Result<Vec<StateOf>>;

    /// Cancels the jobs that wait, and stores the wish for those that run; answers in input order. Doing it twice is
    /// harmless.
    async fn cancel(&self, cancel: Cancel) -> Result<Vec<Cancelled>>;

    /// How many jobs the filter matches, by state: the unfinished ones when it names no states. The filter's `before`
    /// and `limit` do not count, and its `succeeded` matches nothing: of those there may be as many as the store holds.
    ///
    /// # Errors
    /// `Unavailable` when there are too many to be counted in a few seconds.
    async fn count(&self, filter: JobFilter) -> Result<Count>;

    /// Lets failed and cancelled jobs run again from now on, with all their attempts and losses to spend; answers in
    /// input order. Earlier attempts stay in their history and the numbers go on; all they were made with stays. Of
    /// many who retry one job, one does it.
    async fn retry(&self, retry: Retry) -> Result<Vec<Retried>>;

    /// Log lines of a job from position `after` on, at most `limit`, with the position after the last.
    /// Positions grow; begin with 0.
    async fn logs(&self, id: JobId, after: i64, limit: u32) -> Result<(Vec<(u32, LogLine)>, i64)>;

    /// The files of the job's last finished attempt.
    async fn files(&self, id: JobId) -> Result<Vec<FileInfo>>;

    /// One file of the job's last finished attempt.
    ///
    /// # Errors
    /// `NotFound`.
    async fn file(&self, id: JobId, name: &str) -> Result<OutputFile>;
}
