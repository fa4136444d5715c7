//! Schedules and their history, as the columns hold them.

use chrono::{DateTime, Utc};
use model::id::{JobId, ScheduleId};
use model::json::Json;
use model::name::{Namespace, ScheduleName};
use model::schedule::{
    Fate, LastFire, Pending, Schedule, ScheduleSpec, ScheduleState, Skip, Standing, Timing,
};
use model::task::{TaskRef, VersionRef};
use uuid::Uuid;

use super::{corrupt, number, word};
use crate::{BrokenSchedule, Error, Result};

/// There is no such schedule.
#[must_use]
pub fn schedule_missing(namespace: &Namespace, name: &ScheduleName) -> Error {
    let at =
        if *namespace == Namespace::default() { String::new() } else { format!(" in namespace {namespace}") };
    Error::NotFound { what: format!("schedule {:?}{at}", name.as_str()) }
}

/// What a schedule is, as its column holds it.
#[must_use]
pub fn spec_column(spec: &ScheduleSpec) -> Vec<u8> {
    serde_json::to_vec(spec).expect("plain fields become JSON")
}

/// What waits, as its column holds it: nothing where nothing waits.
#[must_use]
pub fn pending_column(pending: &[Pending]) -> Option<String> {
    (!pending.is_empty()).then(|| serde_json::to_string(pending).expect("plain fields become JSON"))
}

/// A schedule as the columns hold it.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the fields are those of model::schedule::Schedule, flat")]
pub struct ScheduleRecord {
    pub id: i64,
    pub namespace: String,
    pub name: String,
    /// A [`ScheduleSpec`] as JSON.
    pub spec: Vec<u8>,
    pub payload: Vec<u8>,
    pub seq: i64,
    pub state: String,
    pub reason: Option<String>,
    pub next_at: Option<DateTime<Utc>>,
    pub look_at: Option<DateTime<Utc>>,
    /// A list of [`Pending`] as JSON.
    pub pending: Option<String>,
    /// Those of its runs that have not ended.
    pub open: Vec<Uuid>,
    pub last_instant: Option<DateTime<Utc>>,
    pub last_job: Option<Uuid>,
    pub last_fired_at: Option<DateTime<Utc>>,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

impl ScheduleRecord {
    /// The schedule.
    ///
    /// # Errors
    /// `Corrupt`.
    pub fn into_schedule(self) -> Result<Schedule> {
        let read = self.read()?;
        self.with(read)
    }

    /// The schedule as people see and mend it, also one that makes no sense: it says why, and nothing in it can fire. So
    /// none keeps others from being listed, and any can be deleted, or put right by an update.
    ///
    /// # Errors
    /// `Corrupt`, when not even its names can be read.
    pub fn into_shown(mut self) -> Result<Schedule> {
        let read = self.read().unwrap_or_else(|error| {
            self.reason.get_or_insert_with(|| error.to_string());
            self.payload = b"{}".to_vec();
            let state = self.state.parse().unwrap_or(ScheduleState::Disabled);
            Read { spec: unreadable(), pending: Vec::new(), state }
        });
        self.with(read)
    }

    /// What has to be read to know what the columns say.
    fn read(&self) -> Result<Read> {
        let pending = match &self.pending {
            Some(json) => serde_json::from_str(json).map_err(corrupt)?,
            None => Vec::new(),
        };
        // Whoever makes a job of it reads it as text; that must not be what stops a leader.
        std::str::from_utf8(&self.payload).map_err(|error| corrupt(format!("the payload: {error}")))?;
        let spec = serde_json::from_slice(&self.spec).map_err(corrupt)?;
        Ok(Read { spec, pending, state: word(&self.state)? })
    }

    fn with(self, Read { spec, pending, state }: Read) -> Result<Schedule> {
        let last = match (self.last_instant, self.last_job, self.last_fired_at) {
            (Some(instant), Some(job), Some(fired_at)) => {
                Some(LastFire { instant, job: JobId(job), fired_at })
            }
            _ => None,
        };
        Ok(Schedule {
            id: ScheduleId(self.id),
            namespace: word(&self.namespace)?,
            name: word(&self.name)?,
            spec,
            payload: Json::trusted(self.payload),
            seq: self.seq,
            standing: Standing {
                state,
                reason: self.reason,
                next_at: self.next_at,
                look_at: self.look_at,
                pending,
                open: self.open.into_iter().map(JobId).collect(),
            },
            last,
            created_at: self.created_at,
            updated_at: self.updated_at,
        })
    }

    /// The schedule; or what is wrong with it, so that the others need not wait for somebody to mend it.
    ///
    /// # Errors
    /// When it makes no sense.
    pub fn into_due(self) -> std::result::Result<Schedule, BrokenSchedule> {
        let (id, seq, name) = (ScheduleId(self.id), self.seq, format!("{}/{}", self.namespace, self.name));
        self.into_schedule().map_err(|error| BrokenSchedule { id, seq, name, why: error.to_string() })
    }
}

/// What is written in columns of a schedule.
struct Read {
    spec: ScheduleSpec,
    pending: Vec<Pending>,
    state: ScheduleState,
}

/// Stands for what a schedule is where that cannot be read: no instant, and a task that there is not, since no task has
/// so many versions.
fn unreadable() -> ScheduleSpec {
    let task = "unreadable".parse().expect("a name");
    let version = VersionRef::Number(i32::MAX.unsigned_abs());
    ScheduleSpec::new(TaskRef { task, version }, Timing::Cron(String::new()))
}

/// What became of an instant as the columns hold it: of a fire it has the job, of a skip the reason.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the fields are those of model::schedule::Fate, flat")]
pub struct FateRecord {
    pub instant: DateTime<Utc>,
    pub kind: String,
    pub recorded_at: DateTime<Utc>,
    pub job: Option<Uuid>,
    pub job_state: Option<String>,
    pub until: Option<DateTime<Utc>>,
    pub count: Option<i64>,
    pub reason: Option<String>,
    pub detail: Option<String>,
}

impl FateRecord {
    /// What became of it.
    ///
    /// # Errors
    /// `Corrupt`.
    pub fn into_fate(self) -> Result<Fate> {
        let (instant, kind) = (self.instant, word(&self.kind)?);
        if let Some(job) = self.job {
            let state =
                self.job_state.as_deref().ok_or_else(|| corrupt(format!("job {job} has no state")))?;
            let state = word(state)?;
            return Ok(Fate::Fired { instant, kind, job: JobId(job), state, fired_at: self.recorded_at });
        }
        let reason = self.reason.as_deref().ok_or_else(|| corrupt("a skip has no reason"))?;
        let skip = Skip {
            from: instant,
            until: self.until.unwrap_or(instant),
            count: self.count.map(|count| number("count", count)).transpose()?,
            kind,
            reason: word(reason)?,
            detail: self.detail,
        };
        Ok(Fate::Skipped { skip, skipped_at: self.recorded_at })
    }
}
