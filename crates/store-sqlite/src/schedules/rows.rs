//! Rows of schedules and of their history, and their way into the records that both drivers share.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use model::id::{JobId, ScheduleId};
use model::job::JobState;
use model::schedule::{Fate, Schedule};
use store::record::{FateRecord, ScheduleRecord, corrupt};
use store::{BrokenSchedule, Result};
use uuid::Uuid;

use crate::time::instant;

/// An instant as the columns hold it. Whatever is looked up by an instant goes through here, so that a finer one finds
/// itself again.
pub(super) fn stamp(at: DateTime<Utc>) -> i64 {
    at.timestamp_millis()
}

pub(super) struct ScheduleRow {
    pub(super) id: i64,
    pub(super) namespace: String,
    pub(super) name: String,
    pub(super) spec: Vec<u8>,
    pub(super) payload: Vec<u8>,
    pub(super) seq: i64,
    pub(super) state: String,
    pub(super) reason: Option<String>,
    pub(super) next_at: Option<i64>,
    pub(super) look_at: Option<i64>,
    pub(super) pending: Option<String>,
    /// A JSON list of ids; none when the column holds no JSON.
    pub(super) open: Option<String>,
    pub(super) last_instant: Option<i64>,
    pub(super) last_job: Option<Uuid>,
    pub(super) last_fired_at: Option<i64>,
    pub(super) created_at: i64,
    pub(super) updated_at: i64,
}

impl ScheduleRow {
    pub(super) fn into_schedule(self) -> Result<Schedule> {
        self.into_record()?.into_schedule()
    }

    /// The schedule as people see it, also one that makes no sense.
    pub(super) fn into_shown(self) -> Result<Schedule> {
        self.into_record()?.into_shown()
    }

    fn into_record(self) -> Result<ScheduleRecord> {
        let open = self.open.ok_or_else(|| corrupt("the list of open jobs is no JSON"))?;
        Ok(ScheduleRecord {
            id: self.id,
            namespace: self.namespace,
            name: self.name,
            spec: self.spec,
            payload: self.payload,
            seq: self.seq,
            state: self.state,
            reason: self.reason,
            next_at: self.next_at.map(instant).transpose()?,
            look_at: self.look_at.map(instant).transpose()?,
            pending: self.pending,
            open: serde_json::from_str(&open).map_err(corrupt)?,
            last_instant: self.last_instant.map(instant).transpose()?,
            last_job: self.last_job,
            last_fired_at: self.last_fired_at.map(instant).transpose()?,
            created_at: instant(self.created_at)?,
            updated_at: instant(self.updated_at)?,
        })
    }

    /// The schedule, or what is wrong with it.
    pub(super) fn into_due(self) -> std::result::Result<Schedule, BrokenSchedule> {
        let (id, seq, name) = (ScheduleId(self.id), self.seq, format!("{}/{}", self.namespace, self.name));
        self.into_schedule().map_err(|error| BrokenSchedule { id, seq, name, why: error.to_string() })
    }
}

pub(super) struct FateRow {
    pub(super) instant: i64,
    pub(super) kind: String,
    pub(super) recorded_at: i64,
    pub(super) job: Option<Uuid>,
    pub(super) until: Option<i64>,
    pub(super) count: Option<i64>,
    pub(super) reason: Option<String>,
    pub(super) detail: Option<String>,
}

impl FateRow {
    /// What became of the instant; `states` has those of the jobs.
    pub(super) fn into_fate(self, states: &HashMap<JobId, JobState>) -> Result<Fate> {
        let state = self.job.and_then(|job| states.get(&JobId(job)));
        let record = FateRecord {
            instant: instant(self.instant)?,
            kind: self.kind,
            recorded_at: instant(self.recorded_at)?,
            job: self.job,
            job_state: state.map(|state| state.as_str().to_owned()),
            until: self.until.map(instant).transpose()?,
            count: self.count,
            reason: self.reason,
            detail: self.detail,
        };
        record.into_fate()
    }
}
