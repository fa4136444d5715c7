//! What the store says when all is over.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// All jobs of a trial, and what stands in their way. Instants are microseconds since 1970 by the database's clock.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Truth {
    /// Every job of the trial, those that nobody was told of included.
    pub jobs: Vec<Job>,
    /// Every session of a host that was open during the trial.
    pub sessions: Vec<Session>,
    /// What is not at rest.
    pub standing: Standing,
    /// What schedules did.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fires: Vec<Fire>,
    /// What they should have done, of those of whom it is known.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub schedules: Vec<Schedule>,
}

/// A job.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Job {
    /// Its id.
    pub id: String,
    /// Where it stands.
    pub state: String,
    /// What its last attempt gave.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<Value>,
    /// Its idempotency key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// How often it may be tried.
    pub max_attempts: u32,
    /// When it may start.
    pub run_at_us: i64,
    /// How it was tried, in the order of the numbers.
    pub attempts: Vec<Attempt>,
}

/// An attempt that has ended.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// Its number, from 1.
    pub number: u32,
    /// The session that claimed it.
    pub session: i64,
    /// When that was.
    pub started_us: i64,
    /// When its end was recorded.
    pub finished_us: i64,
    /// How it ended.
    pub outcome: String,
}

/// One life of a host.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    /// Its id.
    pub id: i64,
    /// The host's name.
    pub host: String,
    /// When it began.
    pub started_us: i64,
    /// When it was closed; none: it is open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closed_us: Option<i64>,
}

/// What is not at rest, whoever's it is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    /// Jobs that run under a closed session.
    pub orphans: u64,
    /// Jobs that are due and wait.
    pub due: u64,
    /// Jobs that run.
    pub running: u64,
}

/// What became of an instant of a schedule, or of several in a row that made no job.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fire {
    /// The schedule.
    pub schedule: String,
    /// The instant.
    pub instant_us: i64,
    /// The last of several that were skipped; none: it is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until_us: Option<i64>,
    /// What it came from: the clock unless it is said.
    #[serde(default)]
    pub kind: Kind,
    /// When that was recorded; none: nobody asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recorded_us: Option<i64>,
    /// The job it made; none: a recorded skip.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job: Option<String>,
    /// Why it made none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// What an instant came from.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// The clock.
    #[default]
    Clock,
    /// Somebody, by hand.
    Trigger,
    /// Somebody, for a time that has passed: the instant may have been skipped before.
    Backfill,
}

/// Instants that something must have become of: one each period.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Schedule {
    /// The schedule.
    pub name: String,
    /// The first.
    pub first_us: i64,
    /// None is later than this.
    pub last_us: i64,
    /// From one to the next; more than 0.
    pub period_us: i64,
}
