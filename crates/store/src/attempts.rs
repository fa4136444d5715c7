//! What a host does: open a session, claim, report, finish, and stay alive.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use model::attempt::{Outcome, Stop, Usage};
use model::error::Failure;
use model::id::{JobId, Lease, SessionId, VersionId};
use model::job::{LogLine, OutputFile, Progress};
use model::json::Json;
use model::limits::LimitOverrides;
use model::name::QueueKey;
use model::retry::Next;

use crate::Result;

/// A host process that begins its life.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenSession {
    /// The host's name, the same over restarts.
    pub name: String,
    /// Where its control service listens, as a URL.
    pub address: String,
    /// The release it runs.
    pub version: String,
    /// How many attempts it runs at once.
    pub slots: u32,
    /// How long it may be silent, in milliseconds.
    pub lease_ms: u32,
}

/// A host as it is listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostSession {
    /// The session.
    pub id: SessionId,
    /// The host's name.
    pub name: String,
    /// Where its control service listens, as a URL.
    pub address: String,
    /// The release it runs.
    pub version: String,
    /// How many attempts it runs at once.
    pub slots: u32,
    /// How many run now.
    pub running: u32,
    /// Whether it was asked to take no more.
    pub draining: bool,
    /// Since when.
    pub started_at: DateTime<Utc>,
    /// When its lease ends unless it is heard of before.
    pub lease_until: DateTime<Utc>,
}

/// A sign of life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Extend {
    /// Whose.
    pub session: SessionId,
    /// How long it may be silent from now on, in milliseconds.
    pub lease_ms: u32,
}

/// An attempt whose job is to be cancelled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cancelling {
    /// The attempt.
    pub lease: Lease,
    /// How long it may still go on, by the store's clock, in milliseconds; 0: not any more.
    pub grace_ms: u64,
}

/// What a sign of life is answered with.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Beat {
    /// Attempts of the session whose job is to be cancelled.
    pub cancels: Vec<Cancelling>,
    /// Whether the host is to take no more and give back what remains.
    pub drain: bool,
}

/// References to turn into attempts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// Who claims.
    pub session: SessionId,
    /// The jobs, as the broker gave them; what is not claimable is passed over.
    pub jobs: Vec<JobId>,
}

/// A job that was claimed: all that its attempt needs.
#[derive(Debug, Clone, PartialEq)]
pub struct ClaimedJob {
    /// The fencing token.
    pub lease: Lease,
    /// The code, to be looked up and kept by [`crate::Components::version`].
    pub version: VersionId,
    /// The queue it came from.
    pub queue: QueueKey,
    /// What the task gets.
    pub payload: Json,
    /// How many failures count already.
    pub failures: u32,
    /// How often it may be tried.
    pub max_attempts: u32,
    /// Limits lower than the version's.
    pub limits: LimitOverrides,
    /// What an earlier attempt saved.
    pub checkpoint: Option<Vec<u8>>,
}

/// News of a running attempt, written together.
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    /// The fencing token.
    pub lease: Lease,
    /// Log lines, oldest first.
    pub lines: Vec<LogLine>,
    /// How far it is, if that changed.
    pub progress: Option<Progress>,
    /// What the next attempt is to get, if that changed.
    pub checkpoint: Option<Vec<u8>>,
}

/// An attempt that ended.
#[derive(Debug, Clone, PartialEq)]
pub struct Ended {
    /// The fencing token.
    pub lease: Lease,
    /// How it ended: anything but `lost`.
    pub outcome: Outcome,
    /// What becomes of the job, by [`model::retry::decide`]. When the job is to be cancelled meanwhile,
    /// the store ends it as cancelled instead of letting it run again.
    pub next: Next,
    /// The result, when it succeeded.
    pub result: Option<Json>,
    /// Why it did not succeed.
    pub failure: Option<Failure>,
    /// How it was stopped, if it was.
    pub stop: Option<Stop>,
    /// What it used.
    pub usage: Usage,
    /// Log lines that were not reported yet.
    pub lines: Vec<LogLine>,
    /// The files it made.
    pub files: Vec<OutputFile>,
}

/// Attempts of one session that ended.
#[derive(Debug, Clone, PartialEq)]
pub struct Finish {
    /// The attempts; each stands for itself.
    pub ended: Vec<Ended>,
}

/// What became of one finished attempt, in input order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Finished {
    /// Recorded; the job is over.
    Ended,
    /// Recorded; the job runs again later.
    Again,
    /// Not yours any more: nothing was written.
    Stale,
}

/// What a host does.
#[async_trait]
pub trait Attempts: Send + Sync {
    /// Begins a session; its id was never used before.
    async fn open(&self, open: OpenSession) -> Result<SessionId>;

    /// Keeps the session's lease and learns what was asked of it.
    ///
    /// # Errors
    /// `Stale` when the session was closed or its lease has run out: it cannot be revived.
    async fn extend(&self, extend: Extend) -> Result<Beat>;

    /// Claims jobs: each that is due, unclaimed and not expired gets a new attempt under this session.
    ///
    /// # Errors
    /// `Stale` when the session is closed or its lease has run out.
    async fn claim(&self, claim: Claim) -> Result<Vec<ClaimedJob>>;

    /// Writes news of a running attempt.
    ///
    /// # Errors
    /// `Stale` when the lease is lost; nothing is written then.
    async fn report(&self, report: Report) -> Result<()>;

    /// Records the end of attempts: outcome, result, files, and the job's next state, each all or nothing.
    async fn finish(&self, finish: Finish) -> Result<Vec<Finished>>;

    /// Whether each lease is still current: its session open and unexpired, the attempt the job's last.
    async fn holds(&self, lease: Lease) -> Result<bool>;

    /// Ends the session; what it still holds is given back as `released`. Doing it twice is harmless.
    async fn close(&self, session: SessionId) -> Result<()>;

    /// Asks the session to take no more; it learns so by its next sign of life.
    ///
    /// # Errors
    /// `NotFound` when there is no such open session.
    async fn drain(&self, session: SessionId) -> Result<()>;

    /// All open sessions, oldest first.
    async fn hosts(&self) -> Result<Vec<HostSession>>;
}
