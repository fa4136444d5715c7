//! Rows as the queries answer them, and their way into the records that all drivers share.

use model::attempt::Attempt;
use model::job::Job;
use model::task::TaskVersion;
use store::record::{AttemptRecord, JobRecord, OfferRecord, Standing, StandingRecord, VersionRecord};
use store::{Offer, Result};
use uuid::Uuid;

use crate::time::instant;

pub(crate) struct JobRow {
    pub(crate) id: Uuid,
    pub(crate) namespace: String,
    pub(crate) queue: String,
    pub(crate) task: String,
    pub(crate) version: i64,
    pub(crate) sha256: Vec<u8>,
    pub(crate) priority: i64,
    pub(crate) state: String,
    pub(crate) payload: Vec<u8>,
    pub(crate) result: Option<Vec<u8>>,
    pub(crate) error_kind: Option<String>,
    pub(crate) error_message: Option<String>,
    pub(crate) attempt: i64,
    pub(crate) max_attempts: i64,
    pub(crate) key: Option<String>,
    pub(crate) tags: Option<String>,
    pub(crate) timeout_ms: Option<i64>,
    pub(crate) limits: Option<String>,
    pub(crate) percent: Option<i64>,
    pub(crate) progress_message: Option<String>,
    pub(crate) cancel_requested: bool,
    pub(crate) parent: Option<Uuid>,
    pub(crate) schedule: Option<String>,
    pub(crate) scheduled_for: Option<i64>,
    pub(crate) created_at: i64,
    pub(crate) run_at: i64,
    pub(crate) started_at: Option<i64>,
    pub(crate) finished_at: Option<i64>,
}

impl JobRow {
    /// The job, without attempts and files.
    pub(crate) fn into_job(self) -> Result<Job> {
        let record = JobRecord {
            id: self.id,
            namespace: self.namespace,
            queue: self.queue,
            task: self.task,
            version: self.version,
            sha256: self.sha256,
            priority: self.priority,
            state: self.state,
            payload: self.payload,
            result: self.result,
            error_kind: self.error_kind,
            error_message: self.error_message,
            attempt: self.attempt,
            max_attempts: self.max_attempts,
            key: self.key,
            tags: self.tags,
            timeout_ms: self.timeout_ms,
            limits: self.limits,
            percent: self.percent,
            progress_message: self.progress_message,
            cancel_requested: self.cancel_requested,
            parent: self.parent,
            schedule: self.schedule,
            scheduled_for: self.scheduled_for.map(instant).transpose()?,
            created_at: instant(self.created_at)?,
            run_at: instant(self.run_at)?,
            started_at: self.started_at.map(instant).transpose()?,
            finished_at: self.finished_at.map(instant).transpose()?,
        };
        record.into_job()
    }
}

pub(crate) struct AttemptRow {
    pub(crate) number: i64,
    pub(crate) session: i64,
    pub(crate) host: String,
    pub(crate) outcome: Option<String>,
    pub(crate) started_at: i64,
    pub(crate) finished_at: Option<i64>,
    pub(crate) error_kind: Option<String>,
    pub(crate) error_message: Option<String>,
    pub(crate) stop_reason: Option<String>,
    pub(crate) stop_latency_us: Option<i64>,
    pub(crate) fuel: Option<i64>,
    pub(crate) peak_memory_bytes: Option<i64>,
    pub(crate) wall_us: Option<i64>,
    pub(crate) host_call_us: Option<i64>,
    pub(crate) host_calls: Option<i64>,
    pub(crate) bytes_in: Option<i64>,
    pub(crate) bytes_out: Option<i64>,
    pub(crate) code: Option<String>,
    pub(crate) load_us: Option<i64>,
}

impl AttemptRow {
    pub(crate) fn into_attempt(self) -> Result<Attempt> {
        let record = AttemptRecord {
            number: self.number,
            session: self.session,
            host: self.host,
            outcome: self.outcome,
            started_at: instant(self.started_at)?,
            finished_at: self.finished_at.map(instant).transpose()?,
            error_kind: self.error_kind,
            error_message: self.error_message,
            stop_reason: self.stop_reason,
            stop_latency_us: self.stop_latency_us,
            fuel: self.fuel,
            peak_memory_bytes: self.peak_memory_bytes,
            wall_us: self.wall_us,
            host_call_us: self.host_call_us,
            host_calls: self.host_calls,
            bytes_in: self.bytes_in,
            bytes_out: self.bytes_out,
            code: self.code,
            load_us: self.load_us,
        };
        record.into_attempt()
    }
}

pub(crate) struct VersionRow {
    pub(crate) id: i64,
    pub(crate) namespace: String,
    pub(crate) task: String,
    pub(crate) version: i64,
    pub(crate) sha256: Vec<u8>,
    pub(crate) size_bytes: i64,
    pub(crate) manifest: Vec<u8>,
    pub(crate) created_at: i64,
    pub(crate) active: bool,
}

impl VersionRow {
    pub(crate) fn into_version(self) -> Result<TaskVersion> {
        let record = VersionRecord {
            id: self.id,
            namespace: self.namespace,
            task: self.task,
            version: self.version,
            sha256: self.sha256,
            size_bytes: self.size_bytes,
            manifest: self.manifest,
            created_at: instant(self.created_at)?,
            active: self.active,
        };
        record.into_version()
    }
}

/// What must be known of a job to offer it.
pub(crate) struct OfferRow {
    pub(crate) job: Uuid,
    pub(crate) namespace: String,
    pub(crate) queue: String,
    pub(crate) priority: i64,
    pub(crate) run_at: i64,
}

impl OfferRow {
    pub(crate) fn into_offer(self) -> Result<Offer> {
        let record = OfferRecord {
            job: self.job,
            namespace: self.namespace,
            queue: self.queue,
            priority: self.priority,
            run_at: instant(self.run_at)?,
        };
        record.into_offer()
    }
}

/// Where a job stands.
pub(crate) struct StandingRow {
    pub(crate) id: Uuid,
    pub(crate) namespace: String,
    pub(crate) queue: String,
    pub(crate) priority: i64,
    pub(crate) run_at: i64,
    pub(crate) attempt: Option<i64>,
    pub(crate) session: Option<i64>,
    pub(crate) state: String,
}

impl StandingRow {
    pub(crate) fn into_standing(self) -> Result<Standing> {
        let record = StandingRecord {
            id: self.id,
            namespace: self.namespace,
            queue: self.queue,
            priority: self.priority,
            run_at: instant(self.run_at)?,
            attempt: self.attempt,
            session: self.session,
            state: self.state,
        };
        record.into_standing()
    }
}
