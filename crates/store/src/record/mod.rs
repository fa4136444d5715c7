//! What every SQL driver does alike: what makes two submits the same, the words it uses, and flat rows
//! turned into the domain.
//!
//! A driver fills a record with what its columns hold; the record checks it and says `Corrupt` when it does
//! not make sense. Which row wins, and which state a job is in, is decided by SQL.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use model::attempt::{Attempt, CodeOrigin, Outcome, Stop, StopReason, Usage};
use model::error::{ErrorKind, Failure, Invalid};
use model::id::{Digest, JobId, Lease, SessionId, VersionId};
use model::job::{Job, Priority, Progress};
use model::json::Json;
use model::name::{QueueKey, TaskName};
use model::task::{Manifest, TaskRef, TaskVersion, VersionRef};
use uuid::Uuid;

use crate::{Error, Result};

mod content;
mod limits;
mod schedule;
mod standing;

pub use content::content;
pub use limits::{capped_grace_ms, limit_columns, limits};
pub use schedule::{FateRecord, ScheduleRecord, pending_column, schedule_missing, spec_column};
pub use standing::{FileRecord, OfferRecord, Standing, StandingRecord};

/// Said of an attempt whose host was not heard of in time.
pub const LOST: &str = "the host lost its lease";

/// Said of a job that was parked for losing too many hosts.
pub const LOST_TOO_OFTEN: &str = "three times the host that ran it crashed, was killed or was cut off, so it is not \
    tried again by itself: it may be what takes them down. `jobctl job retry` runs it again";

const _: () = assert!(model::bounds::LOSSES_MAX == 3, "the words above say how often");

/// Said of a job that nobody started in time.
pub const EXPIRED: &str = "it was not started before it expired";

/// What a caller reads when a key is known with other content.
#[must_use]
pub fn key_conflict(key: &str, task: &TaskName, job: JobId) -> Error {
    Error::Conflict {
        why: format!("key {key:?} of task {:?} stands for job {job}, which has other content", task.as_str()),
    }
}

/// There is no such job.
#[must_use]
pub fn job_missing(id: JobId) -> Error {
    Error::NotFound { what: format!("job {id}") }
}

/// There is no such task, or only the version is unknown.
#[must_use]
pub fn task_missing(task: &TaskRef, task_exists: bool) -> Error {
    let name = task.task.as_str();
    let what = match &task.version {
        _ if !task_exists => format!("task {name:?}"),
        VersionRef::Active => format!("an active version of task {name:?}"),
        VersionRef::Number(number) => format!("version {number} of task {name:?}"),
        VersionRef::Sha256Prefix(prefix) => format!("version sha256:{prefix} of task {name:?}"),
    };
    Error::NotFound { what }
}

/// There is no version of this id.
#[must_use]
pub fn version_missing(id: VersionId) -> Error {
    Error::NotFound { what: format!("task version with the id {}", id.0) }
}

/// The attempt is not the caller's any more.
#[must_use]
pub fn lease_lost(lease: Lease) -> Error {
    Error::Stale { what: format!("attempt {} of job {}", lease.attempt, lease.job) }
}

/// The session is not open any more.
#[must_use]
pub fn session_lost(session: SessionId) -> Error {
    Error::Stale { what: format!("host session {session}") }
}

/// A stored word or number that the domain does not know.
pub fn corrupt(what: impl std::fmt::Display) -> Error {
    Error::Corrupt { why: what.to_string() }
}

/// A stored number as the domain's type.
///
/// # Errors
/// `Corrupt` when it does not fit.
pub fn number<T: TryFrom<i64>>(field: &str, value: i64) -> Result<T> {
    T::try_from(value).map_err(|_| corrupt(format!("{field} is {value}")))
}

/// A stored word as the domain's type.
///
/// # Errors
/// `Corrupt` when it is not known.
pub fn word<T: std::str::FromStr<Err = Invalid>>(text: &str) -> Result<T> {
    text.parse().map_err(corrupt)
}

/// A stored priority.
///
/// # Errors
/// `Corrupt` when it is none.
pub fn priority(value: i64) -> Result<Priority> {
    Priority::try_from(number::<u8>("priority", value)?).map_err(corrupt)
}

/// A queue's two names.
///
/// # Errors
/// `Corrupt` when one is no name.
pub fn queue(namespace: &str, name: &str) -> Result<QueueKey> {
    Ok(QueueKey { namespace: word(namespace)?, queue: word(name)? })
}

/// A stored digest.
///
/// # Errors
/// `Corrupt` when it has not 32 bytes.
pub fn digest(bytes: &[u8]) -> Result<Digest> {
    let found = bytes.len();
    bytes.try_into().map(Digest).map_err(|_| corrupt(format!("a sha256 of {found} bytes")))
}

fn failure(kind: Option<&str>, message: Option<String>) -> Result<Option<Failure>> {
    let Some(kind) = kind else { return Ok(None) };
    let kind: ErrorKind = word(kind)?;
    Ok(Some(Failure { kind, message: message.unwrap_or_default() }))
}

/// A job as the columns hold it.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the fields are those of model::job::Job, flat")]
pub struct JobRecord {
    pub id: Uuid,
    pub namespace: String,
    pub queue: String,
    pub task: String,
    pub version: i64,
    pub sha256: Vec<u8>,
    pub priority: i64,
    pub state: String,
    pub payload: Vec<u8>,
    pub result: Option<Vec<u8>>,
    pub error_kind: Option<String>,
    pub error_message: Option<String>,
    pub attempt: i64,
    pub max_attempts: i64,
    pub key: Option<String>,
    /// A JSON object of texts.
    pub tags: Option<String>,
    pub timeout_ms: Option<i64>,
    /// See [`limits()`].
    pub limits: Option<String>,
    pub percent: Option<i64>,
    pub progress_message: Option<String>,
    pub cancel_requested: bool,
    pub parent: Option<Uuid>,
    pub schedule: Option<String>,
    pub scheduled_for: Option<DateTime<Utc>>,
    pub created_at: DateTime<Utc>,
    pub run_at: DateTime<Utc>,
    pub started_at: Option<DateTime<Utc>>,
    pub finished_at: Option<DateTime<Utc>>,
}

impl JobRecord {
    /// The job, without attempts and files.
    ///
    /// # Errors
    /// `Corrupt`.
    pub fn into_job(self) -> Result<Job> {
        let tags = match &self.tags {
            Some(json) => serde_json::from_str(json).map_err(corrupt)?,
            None => BTreeMap::new(),
        };
        let progress = match self.percent {
            Some(percent) => Some(Progress {
                percent: number("percent", percent)?,
                message: self.progress_message.unwrap_or_default(),
            }),
            None => None,
        };
        Ok(Job {
            id: JobId(self.id),
            queue: queue(&self.namespace, &self.queue)?,
            task: word(&self.task)?,
            version: number("version", self.version)?,
            sha256: digest(&self.sha256)?,
            priority: priority(self.priority)?,
            state: word(&self.state)?,
            payload: Json::trusted(self.payload),
            result: self.result.map(Json::trusted),
            failure: failure(self.error_kind.as_deref(), self.error_message)?,
            attempt: number("attempt", self.attempt)?,
            max_attempts: number("max_attempts", self.max_attempts)?,
            key: self.key,
            tags,
            limits: limits(self.timeout_ms, self.limits.as_deref())?,
            progress,
            cancel_requested: self.cancel_requested,
            parent: self.parent.map(JobId),
            schedule: self.schedule.as_deref().map(word).transpose()?,
            scheduled_for: self.scheduled_for,
            created_at: self.created_at,
            run_at: self.run_at,
            started_at: self.started_at,
            finished_at: self.finished_at,
            attempts: Vec::new(),
            files: Vec::new(),
        })
    }
}

/// An attempt as the columns hold it.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the fields are those of model::attempt::Attempt, flat")]
pub struct AttemptRecord {
    pub number: i64,
    pub session: i64,
    pub host: String,
    pub outcome: Option<String>,
    pub started_at: DateTime<Utc>,
    pub finished_at: Option<DateTime<Utc>>,
    pub error_kind: Option<String>,
    pub error_message: Option<String>,
    pub stop_reason: Option<String>,
    pub stop_latency_us: Option<i64>,
    pub fuel: Option<i64>,
    pub peak_memory_bytes: Option<i64>,
    pub wall_us: Option<i64>,
    pub host_call_us: Option<i64>,
    pub host_calls: Option<i64>,
    pub bytes_in: Option<i64>,
    pub bytes_out: Option<i64>,
    pub code: Option<String>,
    pub load_us: Option<i64>,
}

impl AttemptRecord {
    /// The attempt.
    ///
    /// # Errors
    /// `Corrupt`.
    pub fn into_attempt(self) -> Result<Attempt> {
        let outcome = self.outcome.as_deref().map(word::<Outcome>).transpose()?;
        let stop = match self.stop_reason.as_deref() {
            Some(reason) => Some(Stop {
                reason: word::<StopReason>(reason)?,
                latency_us: number("stop_latency_us", self.stop_latency_us.unwrap_or(0))?,
            }),
            None => None,
        };
        let usage = match self.wall_us {
            Some(wall_us) => Some(Usage {
                fuel: self.fuel.map(|fuel| number("fuel", fuel)).transpose()?,
                peak_memory_bytes: number("peak_memory_bytes", self.peak_memory_bytes.unwrap_or(0))?,
                wall_us: number("wall_us", wall_us)?,
                host_call_us: number("host_call_us", self.host_call_us.unwrap_or(0))?,
                host_calls: number("host_calls", self.host_calls.unwrap_or(0))?,
                bytes_in: number("bytes_in", self.bytes_in.unwrap_or(0))?,
                bytes_out: number("bytes_out", self.bytes_out.unwrap_or(0))?,
                code: self.code.as_deref().map(word::<CodeOrigin>).transpose()?,
                load_us: number("load_us", self.load_us.unwrap_or(0))?,
            }),
            None => None,
        };
        Ok(Attempt {
            number: number("attempt", self.number)?,
            session: SessionId(self.session),
            host: self.host,
            outcome,
            started_at: self.started_at,
            finished_at: self.finished_at,
            failure: failure(self.error_kind.as_deref(), self.error_message)?,
            stop,
            usage,
        })
    }
}

/// Whether a stored manifest says the same as this one. Its bytes need not be the same: an older release knew fewer
/// fields, and what it left out has its default.
#[must_use]
pub fn is_same_manifest(stored: &[u8], manifest: &Manifest) -> bool {
    serde_json::from_slice::<Manifest>(stored).is_ok_and(|stored| stored == *manifest)
}

/// A task version as the columns hold it.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the fields are those of model::task::TaskVersion, flat")]
pub struct VersionRecord {
    pub id: i64,
    pub namespace: String,
    pub task: String,
    pub version: i64,
    pub sha256: Vec<u8>,
    pub size_bytes: i64,
    /// A [`Manifest`] as JSON.
    pub manifest: Vec<u8>,
    pub created_at: DateTime<Utc>,
    pub active: bool,
}

impl VersionRecord {
    /// The version.
    ///
    /// # Errors
    /// `Corrupt`.
    pub fn into_version(self) -> Result<TaskVersion> {
        let manifest: Manifest = serde_json::from_slice(&self.manifest).map_err(corrupt)?;
        Ok(TaskVersion {
            id: VersionId(self.id),
            namespace: word(&self.namespace)?,
            task: word(&self.task)?,
            version: number("version", self.version)?,
            sha256: digest(&self.sha256)?,
            size_bytes: number("size_bytes", self.size_bytes)?,
            manifest,
            created_at: self.created_at,
            active: self.active,
        })
    }
}
