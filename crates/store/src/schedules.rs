//! Schedules: kept, looked at, fired.
//!
//! Whoever changes one, a leader that fires it as well as a person who pauses it, says what it looked at
//! ([`Schedule::seq`]); of several who looked at the same, one changes it. What an instant comes to is decided by
//! `recurrence::plan`; that it makes one job is seen to here: by the key of the instant, in the transaction that stores
//! the job.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use model::id::{JobId, ScheduleId};
use model::job::NewJob;
use model::json::Json;
use model::name::{Namespace, ScheduleName, TaskName};
use model::schedule::{Fate, FireKind, Schedule, ScheduleSpec, ScheduleState, Skip, Standing};

use crate::{Result, Submitted};

/// A schedule to make.
#[derive(Debug, Clone)]
pub struct NewSchedule {
    /// Where it lives.
    pub namespace: Namespace,
    /// Its name there.
    pub name: ScheduleName,
    /// What it is.
    pub spec: ScheduleSpec,
    /// What its task gets.
    pub payload: Json,
    /// Where it stands at first.
    pub standing: Standing,
}

/// A schedule that was asked for, and whether it was made now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Made {
    /// It; the one that had the name when there was one.
    pub schedule: Schedule,
    /// Whether it was made now.
    pub fresh: bool,
}

/// An instant that makes a job.
#[derive(Debug, Clone)]
pub struct NewFire {
    /// The instant.
    pub instant: DateTime<Utc>,
    /// What it came from.
    pub kind: FireKind,
    /// The job; without a key.
    pub job: NewJob,
}

/// A change of one schedule: all of it or nothing.
#[derive(Debug, Clone)]
pub struct ScheduleChange {
    /// Which.
    pub id: ScheduleId,
    /// What was looked at.
    pub seq: i64,
    /// Where it stands from now on. `open` is as it was; the jobs made here are added to it by the store, but for those
    /// of kinds that do not overlap ([`FireKind::overlaps`]).
    pub standing: Standing,
    /// What it is from now on; none: as before.
    pub spec: Option<(ScheduleSpec, Json)>,
    /// Instants that make a job.
    pub fires: Vec<NewFire>,
    /// Instants that make none.
    pub skips: Vec<Skip>,
    /// Whether it is gone from now on.
    pub delete: bool,
}

impl ScheduleChange {
    /// One of what was looked at that leaves all as it is.
    #[must_use]
    pub fn of(schedule: &Schedule) -> Self {
        Self {
            id: schedule.id,
            seq: schedule.seq,
            standing: schedule.standing.clone(),
            spec: None,
            fires: Vec::new(),
            skips: Vec::new(),
            delete: false,
        }
    }
}

/// What became of a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ScheduleChanged {
    /// It was made. For each of its fires the job; none where the instant had made one before.
    Done(Vec<Option<Submitted>>),
    /// The schedule is another one by now, or gone: nothing of the change was made.
    Stale,
}

/// Which schedules to list; what is empty does not restrict.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ScheduleFilter {
    /// Only in this namespace.
    pub namespace: Namespace,
    /// In any of these states.
    pub states: Vec<ScheduleState>,
    /// Of this task, whatever the version.
    pub task: Option<TaskName>,
    /// After this name (a page's cursor).
    pub after: Option<ScheduleName>,
    /// At most this many, up to [`model::bounds::PAGE_MAX`].
    pub limit: u32,
}

/// One page of a listing, by name.
#[derive(Debug, Clone, PartialEq)]
pub struct SchedulePage {
    /// The schedules.
    pub schedules: Vec<Schedule>,
    /// Where the next page begins; none at the end.
    pub next: Option<ScheduleName>,
}

/// A schedule that is due and makes no sense: somebody's hand, or a newer release that was rolled back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BrokenSchedule {
    /// Which.
    pub id: ScheduleId,
    /// What was looked at.
    pub seq: i64,
    /// Its names, as they are stored.
    pub name: String,
    /// What is wrong.
    pub why: String,
}

/// Schedules that are to be looked at.
#[derive(Debug, Clone, PartialEq)]
pub struct DueSchedules {
    /// They, the longest due first.
    pub schedules: Vec<std::result::Result<Schedule, BrokenSchedule>>,
    /// The database's present instant.
    pub now: DateTime<Utc>,
}

/// Which part of a schedule's history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FateFilter {
    /// The schedule.
    pub schedule: ScheduleId,
    /// Only instants before this one (a page's cursor).
    pub before: Option<DateTime<Utc>>,
    /// At most this many, up to [`model::bounds::PAGE_MAX`].
    pub limit: u32,
}

/// Schedules, for people and for the leader.
#[async_trait]
pub trait Schedules: Send + Sync {
    /// Makes a schedule, unless there is one of that name. Durable when it answers.
    async fn create_schedule(&self, new: NewSchedule) -> Result<Made>;

    /// One schedule.
    ///
    /// # Errors
    /// `NotFound`.
    async fn schedule(&self, namespace: &Namespace, name: &ScheduleName) -> Result<Schedule>;

    /// One page of schedules, by name.
    async fn schedules(&self, filter: ScheduleFilter) -> Result<SchedulePage>;

    /// The schedules whose `look_at` has come, at most `limit`. Costs what is due, not what there is.
    async fn due_schedules(&self, limit: u32) -> Result<DueSchedules>;

    /// Changes schedules, each all or nothing and none for the sake of another, in one transaction; answers in input
    /// order. Durable when it answers. Jobs are stored as [`crate::Jobs::submit`] stores them. Of several changes of one
    /// schedule the first that fits is made, and the others are stale.
    async fn change_schedules(&self, changes: Vec<ScheduleChange>) -> Result<Vec<ScheduleChanged>>;

    /// Sets a schedule aside that makes no sense, whatever stands in it: `disabled`, for this reason. Whether it was still
    /// the one that was looked at.
    async fn disable_schedule(&self, id: ScheduleId, seq: i64, reason: &str) -> Result<bool>;

    /// What became of a schedule's instants, the latest first.
    async fn fates(&self, filter: FateFilter) -> Result<Vec<Fate>>;

    /// Those of these instants that made a job. An instant that is finer than the store's own finds itself.
    async fn fired(
        &self,
        schedule: ScheduleId,
        instants: &[DateTime<Utc>],
    ) -> Result<Vec<(DateTime<Utc>, JobId)>>;
}
