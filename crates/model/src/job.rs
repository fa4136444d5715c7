//! Jobs: one request to run a task, its options and its states.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::attempt::Attempt;
use crate::bounds::{ATTEMPTS_MAX, KEY_BYTES_MAX, TAG_BYTES_MAX, TAGS_MAX};
use crate::error::{Failure, Invalid};
use crate::id::{Digest, JobId, VersionId};
use crate::json::Json;
use crate::limits::LimitOverrides;
use crate::name::{Namespace, QueueKey, QueueName, ScheduleName, TaskName};
use crate::words::words;

/// How urgent a job is: 1 first, 9 last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "u8", into = "u8")]
pub struct Priority(u8);

impl Priority {
    /// The number, 1 to 9.
    #[must_use]
    pub fn get(self) -> u8 {
        self.0
    }
}

impl Default for Priority {
    fn default() -> Self {
        Self(5)
    }
}

impl TryFrom<u8> for Priority {
    type Error = Invalid;

    fn try_from(number: u8) -> Result<Self, Invalid> {
        if (1..=9).contains(&number) {
            Ok(Self(number))
        } else {
            Err(Invalid::new("priority", format!("{number} is not between 1 (first) and 9 (last)")))
        }
    }
}

impl From<Priority> for u8 {
    fn from(priority: Priority) -> Self {
        priority.0
    }
}

/// When a job may start. Judged by the database's clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Start {
    /// At once.
    #[default]
    Now,
    /// This long after it was stored.
    After(Duration),
    /// At this instant.
    At(DateTime<Utc>),
}

/// An idempotency key: within its time to live, the same key and content is the same job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// The caller's text, unique in its namespace and task.
    pub text: String,
    /// How long it is remembered; none: as long as the job itself.
    pub ttl: Option<Duration>,
}

/// What a job may say besides task and payload.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct JobOptions {
    /// The queue it waits in.
    pub queue: QueueName,
    /// How urgent it is.
    pub priority: Priority,
    /// When it may start.
    pub start: Start,
    /// Its idempotency key.
    pub key: Option<Key>,
    /// How often it may be tried; none: as the task says, or 5.
    pub max_attempts: Option<u32>,
    /// Limits of each attempt that are lower than the version's.
    pub limits: LimitOverrides,
    /// Not worth starting any more after this long.
    pub expires_in: Option<Duration>,
    /// For finding it again.
    pub tags: BTreeMap<String, String>,
}

impl JobOptions {
    /// Checks what the types alone do not say.
    ///
    /// # Errors
    /// Names the first option that does not fit, its limit and the value seen.
    pub fn check(&self) -> Result<(), Invalid> {
        if let Some(key) = &self.key {
            check_text("key", &key.text, KEY_BYTES_MAX)?;
        }
        if let Some(attempts) = self.max_attempts.filter(|n| !(1..=ATTEMPTS_MAX).contains(n)) {
            return Err(Invalid::new(
                "max-attempts",
                format!("{attempts} is not between 1 and {ATTEMPTS_MAX}"),
            ));
        }
        if self.tags.len() > TAGS_MAX {
            let seen = self.tags.len();
            return Err(Invalid::new("tag", format!("{seen} tags are more than the limit of {TAGS_MAX}")));
        }
        for (key, value) in &self.tags {
            check_text("tag", key, TAG_BYTES_MAX)?;
            if value.len() > TAG_BYTES_MAX || value.contains('\0') {
                let seen = value.len();
                return Err(Invalid::new(
                    "tag",
                    format!(
                        "the value of {key:?} has {seen} bytes; allowed are {TAG_BYTES_MAX}, none of them NUL"
                    ),
                ));
            }
        }
        Ok(())
    }
}

fn check_text(field: &'static str, text: &str, bytes_max: usize) -> Result<(), Invalid> {
    let seen = text.len();
    if text.is_empty() || seen > bytes_max || text.contains('\0') {
        return Err(Invalid::new(
            field,
            format!("{seen} bytes; allowed are 1 to {bytes_max}, none of them NUL"),
        ));
    }
    Ok(())
}

/// A job as it is handed to the store: everything resolved and checked.
#[derive(Debug, Clone)]
pub struct NewJob {
    /// Its id, made by the caller.
    pub id: JobId,
    /// The namespace its queue and key live in.
    pub namespace: Namespace,
    /// The version it is pinned to.
    pub version: VersionId,
    /// What the task gets.
    pub payload: Json,
    /// How often it may be tried.
    pub max_attempts: u32,
    /// The rest (its `max_attempts` is resolved above).
    pub options: JobOptions,
}

words!(
    /// Where a job stands.
    JobState, "state", {
        /// Its time has not come (a delay, or the back-off before the next attempt).
        Scheduled = "scheduled",
        /// Ready, waiting for a host.
        Queued = "queued",
        /// A host has claimed it.
        Running = "running",
        /// An attempt succeeded.
        Succeeded = "succeeded",
        /// No attempts left, or an error for good.
        Failed = "failed",
        /// Somebody cancelled it.
        Cancelled = "cancelled",
    }
);

impl JobState {
    /// Whether nothing more will happen to the job by itself.
    #[must_use]
    pub fn is_final(self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed | Self::Cancelled)
    }
}

/// A file that a job produced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutputFile {
    /// Its name, without a folder.
    pub name: String,
    /// Its media type, such as `text/html`.
    pub media_type: String,
    /// The bytes.
    pub bytes: Vec<u8>,
}

/// A file as it is listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileInfo {
    /// Its name.
    pub name: String,
    /// Its media type.
    pub media_type: String,
    /// Its size in bytes.
    pub size_bytes: u64,
    /// The attempt that wrote it.
    pub attempt: u32,
}

/// How far a running job says it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// 0 to 100.
    pub percent: u8,
    /// What it is doing.
    pub message: String,
}

/// A job in full, as it is shown.
#[derive(Debug, Clone, PartialEq)]
pub struct Job {
    /// Its id.
    pub id: JobId,
    /// The queue, with its namespace.
    pub queue: QueueKey,
    /// The task.
    pub task: TaskName,
    /// The number of the version it is pinned to.
    pub version: u32,
    /// That version's component.
    pub sha256: Digest,
    /// How urgent it is.
    pub priority: Priority,
    /// Where it stands.
    pub state: JobState,
    /// What the task gets.
    pub payload: Json,
    /// What the successful attempt returned.
    pub result: Option<Json>,
    /// Why it failed, or why its last attempt did.
    pub failure: Option<Failure>,
    /// The number of the last attempt; 0 before the first.
    pub attempt: u32,
    /// How often it may be tried.
    pub max_attempts: u32,
    /// Its idempotency key.
    pub key: Option<String>,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
    /// Limits it set lower than its version's.
    pub limits: LimitOverrides,
    /// How far it says it is.
    pub progress: Option<Progress>,
    /// Whether somebody asked to cancel it and it has not ended yet.
    pub cancel_requested: bool,
    /// The job that made it.
    pub parent: Option<JobId>,
    /// The schedule that made it.
    pub schedule: Option<ScheduleName>,
    /// The instant of that schedule that it was made for.
    pub scheduled_for: Option<DateTime<Utc>>,
    /// When it was stored.
    pub created_at: DateTime<Utc>,
    /// When it may start, or might first have.
    pub run_at: DateTime<Utc>,
    /// When its last attempt was claimed.
    pub started_at: Option<DateTime<Utc>>,
    /// When it ended for good.
    pub finished_at: Option<DateTime<Utc>>,
    /// Every try at it, oldest first; empty in listings.
    pub attempts: Vec<Attempt>,
    /// Files of its last finished attempt; empty in listings.
    pub files: Vec<FileInfo>,
}

/// One line of a job's log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogLine {
    /// When the host received it.
    pub at: DateTime<Utc>,
    /// How grave it is.
    pub level: LogLevel,
    /// The text: from the guest, so capped, NUL-free, and to be escaped where it is shown.
    pub text: String,
}

words!(
    /// How grave a log line is, or which stream of the guest it came from.
    LogLevel, "log level", {
        /// For following every step.
        Trace = "trace",
        /// For finding faults.
        Debug = "debug",
        /// What happens.
        Info = "info",
        /// It recovered.
        Warn = "warn",
        /// Somebody must look.
        Error = "error",
        /// The guest's standard output.
        Stdout = "stdout",
        /// The guest's standard error.
        Stderr = "stderr",
    }
);
