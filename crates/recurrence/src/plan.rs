//! What the instants of a schedule come to.

use chrono::{DateTime, Utc};
use model::id::JobId;
use model::schedule::{FireKind, Schedule, Skip, Standing};

use crate::Recurrence;

/// An instant that makes a job now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Run {
    /// The instant.
    pub instant: DateTime<Utc>,
    /// What it came from.
    pub kind: FireKind,
    /// When its job may start: the instant and its jitter.
    pub start_at: DateTime<Utc>,
}

/// What is to be done about a schedule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// Instants that make a job, in their order.
    pub runs: Vec<Run>,
    /// Instants that make none.
    pub skips: Vec<Skip>,
    /// Runs to cancel first.
    pub cancel: Vec<JobId>,
    /// Where the schedule stands after that. `open` is as it was, less what is to be cancelled.
    pub standing: Standing,
}

/// What is to be done about an active schedule at `now`, the database's instant.
#[must_use]
pub fn plan(_schedule: &Schedule, _recurrence: &Recurrence, _now: DateTime<Utc>) -> Plan {
    unimplemented!()
}
