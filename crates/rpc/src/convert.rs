//! Domain types as messages, written once for servers and clients.

use chrono::{DateTime, Utc};
use model::attempt::Attempt;
use model::error::{Failure, Invalid};
use model::grants::Grants;
use model::id::{JobId, Lease, SessionId};
use model::job::{FileInfo, Job, Priority};
use model::limits::{FuelChoice, LimitOverrides, Limits};
use model::name::QueueKey;
use model::task::TaskVersion;
use prost_types::Timestamp;
use uuid::Uuid;

use crate::v1;

/// An instant as it travels.
#[must_use]
pub fn timestamp(at: DateTime<Utc>) -> Timestamp {
    // Sub-second nanoseconds are below 2^31, leap seconds included.
    Timestamp { seconds: at.timestamp(), nanos: i32::try_from(at.timestamp_subsec_nanos()).unwrap_or(0) }
}

/// An instant as it is used.
///
/// # Errors
/// When it is outside the calendar.
pub fn instant(field: &'static str, at: Timestamp) -> Result<DateTime<Utc>, Invalid> {
    u32::try_from(at.nanos)
        .ok()
        .and_then(|nanos| DateTime::from_timestamp(at.seconds, nanos))
        .ok_or_else(|| Invalid::new(field, "is not an instant of the calendar"))
}

impl From<Failure> for v1::Failure {
    fn from(failure: Failure) -> Self {
        Self { kind: failure.kind.as_str().to_owned(), message: failure.message }
    }
}

impl From<FileInfo> for v1::FileInfo {
    fn from(file: FileInfo) -> Self {
        Self { name: file.name, media_type: file.media_type, size_bytes: file.size_bytes }
    }
}

impl From<Attempt> for v1::Attempt {
    fn from(attempt: Attempt) -> Self {
        let duration = attempt.finished_at.map(|end| end - attempt.started_at);
        let usage = attempt.usage;
        Self {
            number: attempt.number,
            host: attempt.host,
            outcome: attempt.outcome.map_or(String::new(), |outcome| outcome.as_str().to_owned()),
            started_at: Some(timestamp(attempt.started_at)),
            finished_at: attempt.finished_at.map(timestamp),
            duration_ms: duration.map(|took| took.as_seconds_f64() * 1000.0),
            fuel: usage.and_then(|usage| usage.fuel),
            peak_memory_bytes: usage.map(|usage| usage.peak_memory_bytes),
            error: attempt.failure.map(Into::into),
            stop: attempt.stop.map(|stop| v1::Stop {
                reason: stop.reason.as_str().to_owned(),
                latency_ms: millis(stop.latency_us),
            }),
            host_calls: usage.map(|usage| usage.host_calls),
            host_call_ms: usage.map(|usage| millis(usage.host_call_us)),
            bytes_in: usage.map(|usage| usage.bytes_in),
            bytes_out: usage.map(|usage| usage.bytes_out),
            code: usage.and_then(|usage| usage.code).map_or(String::new(), |code| code.as_str().to_owned()),
            load_ms: usage.map(|usage| millis(usage.load_us)),
            run_ms: usage.map(|usage| millis(usage.wall_us)),
        }
    }
}

impl From<Job> for v1::Job {
    fn from(job: Job) -> Self {
        Self {
            id: job.id.to_string(),
            task: job.task.into(),
            version: job.version,
            sha256: job.sha256.to_string(),
            namespace: job.queue.namespace.into(),
            queue: job.queue.queue.into(),
            priority: job.priority.get().into(),
            state: job.state.as_str().to_owned(),
            payload: job.payload.into_bytes(),
            result: job.result.map(model::json::Json::into_bytes),
            error: job.failure.map(Into::into),
            attempt: job.attempt,
            max_attempts: job.max_attempts,
            key: job.key.unwrap_or_default(),
            tags: job.tags.into_iter().collect(),
            progress: job
                .progress
                .map(|progress| v1::Progress { percent: progress.percent.into(), message: progress.message }),
            created_at: Some(timestamp(job.created_at)),
            run_at: Some(timestamp(job.run_at)),
            started_at: job.started_at.map(timestamp),
            finished_at: job.finished_at.map(timestamp),
            schedule: job.schedule.map(String::from).unwrap_or_default(),
            parent: job.parent.map(|id| id.to_string()).unwrap_or_default(),
            cancel_requested: job.cancel_requested,
            attempts: job.attempts.into_iter().map(Into::into).collect(),
            files: job.files.into_iter().map(Into::into).collect(),
            limits: Some(job.limits).filter(|limits| !limits.is_empty()).map(Into::into),
            scheduled_for: job.scheduled_for.map(timestamp),
        }
    }
}

impl From<Grants> for v1::Grants {
    fn from(grants: Grants) -> Self {
        Self {
            http: grants.http.into_iter().map(String::from).collect(),
            secrets: grants.secrets,
            env: grants.env.into_iter().collect(),
            mail: grants.mail,
            enqueue: grants.enqueue,
        }
    }
}

impl TryFrom<v1::Grants> for Grants {
    type Error = Invalid;

    fn try_from(grants: v1::Grants) -> Result<Self, Invalid> {
        Ok(Self {
            http: grants.http.iter().map(|text| text.parse()).collect::<Result<_, _>>()?,
            secrets: grants.secrets,
            env: grants.env.into_iter().collect(),
            mail: grants.mail,
            enqueue: grants.enqueue,
        })
    }
}

impl From<Limits> for v1::Limits {
    fn from(limits: Limits) -> Self {
        Self {
            fuel: limits.fuel,
            memory_bytes: limits.memory_bytes,
            timeout_ms: limits.timeout_ms,
            output_bytes: limits.output_bytes,
            table_elements: limits.table_elements,
            log_bytes: limits.log_bytes,
            file_bytes: limits.file_bytes,
            host_calls: limits.host_calls,
            http_requests: limits.http_requests,
            http_bytes: limits.http_bytes,
        }
    }
}

impl From<v1::Limits> for Limits {
    fn from(limits: v1::Limits) -> Self {
        Self {
            fuel: limits.fuel,
            memory_bytes: limits.memory_bytes,
            table_elements: limits.table_elements,
            timeout_ms: limits.timeout_ms,
            output_bytes: limits.output_bytes,
            log_bytes: limits.log_bytes,
            file_bytes: limits.file_bytes,
            host_calls: limits.host_calls,
            http_requests: limits.http_requests,
            http_bytes: limits.http_bytes,
        }
    }
}

impl From<LimitOverrides> for v1::LimitOverrides {
    fn from(limits: LimitOverrides) -> Self {
        let (fuel, fuel_unlimited) = match limits.fuel {
            Some(FuelChoice::Units(units)) => (Some(units), false),
            Some(FuelChoice::Unlimited) => (None, true),
            None => (None, false),
        };
        Self {
            fuel,
            fuel_unlimited,
            memory_bytes: limits.memory_bytes,
            table_elements: limits.table_elements,
            timeout_ms: limits.timeout_ms,
            output_bytes: limits.output_bytes,
            log_bytes: limits.log_bytes,
            file_bytes: limits.file_bytes,
            host_calls: limits.host_calls,
            http_requests: limits.http_requests,
            http_bytes: limits.http_bytes,
        }
    }
}

impl TryFrom<v1::LimitOverrides> for LimitOverrides {
    type Error = Invalid;

    fn try_from(limits: v1::LimitOverrides) -> Result<Self, Invalid> {
        let fuel = match (limits.fuel, limits.fuel_unlimited) {
            (Some(_), true) => {
                return Err(Invalid::new("fuel", "say either a number or unlimited, not both"));
            }
            (Some(units), false) => Some(FuelChoice::Units(units)),
            (None, true) => Some(FuelChoice::Unlimited),
            (None, false) => None,
        };
        Ok(Self {
            fuel,
            memory_bytes: limits.memory_bytes,
            table_elements: limits.table_elements,
            timeout_ms: limits.timeout_ms,
            output_bytes: limits.output_bytes,
            log_bytes: limits.log_bytes,
            file_bytes: limits.file_bytes,
            host_calls: limits.host_calls,
            http_requests: limits.http_requests,
            http_bytes: limits.http_bytes,
        })
    }
}

impl From<TaskVersion> for v1::TaskVersion {
    fn from(version: TaskVersion) -> Self {
        let manifest = version.manifest;
        Self {
            task: version.task.into(),
            version: version.version,
            sha256: version.sha256.to_string(),
            size_bytes: version.size_bytes,
            description: manifest.description.description,
            input_schema: manifest.description.input_schema.unwrap_or_default(),
            output_schema: manifest.description.output_schema.unwrap_or_default(),
            imports: manifest.imports,
            grants: Some(manifest.grants.into()),
            limits: Some(manifest.limits.into()),
            max_attempts: manifest.description.max_attempts.unwrap_or(model::retry::MAX_ATTEMPTS_DEFAULT),
            created_at: Some(timestamp(version.created_at)),
            active: version.active,
            deterministic: manifest.deterministic,
        }
    }
}

fn millis(micros: u64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "exact up to 285 years")]
    let micros = micros as f64;
    micros / 1000.0
}

/// A reference as it travels to the leader.
#[must_use]
pub fn reference(job: JobId, queue: QueueKey, priority: Priority, run_at: DateTime<Utc>) -> v1::Reference {
    v1::Reference {
        job: job.0.as_bytes().to_vec(),
        namespace: queue.namespace.into(),
        queue: queue.queue.into(),
        priority: priority.get().into(),
        run_at: Some(timestamp(run_at)),
    }
}

/// A reference as the leader uses it.
///
/// # Errors
/// When a field is malformed.
pub fn reference_parts(
    reference: &v1::Reference,
) -> Result<(JobId, QueueKey, Priority, DateTime<Utc>), Invalid> {
    let job = job_id(&reference.job)?;
    let queue = QueueKey { namespace: reference.namespace.parse()?, queue: reference.queue.parse()? };
    let priority = u8::try_from(reference.priority).unwrap_or(u8::MAX).try_into()?;
    let run_at = reference.run_at.ok_or_else(|| Invalid::new("run_at", "is missing"))?;
    Ok((job, queue, priority, instant("run_at", run_at)?))
}

/// The fencing token that a control message carries.
///
/// # Errors
/// When the job id is malformed.
pub fn lease_of(request: &v1::InterruptRequest) -> Result<Lease, Invalid> {
    Ok(Lease { job: job_id(&request.job)?, attempt: request.attempt, session: SessionId(request.session) })
}

fn job_id(bytes: &[u8]) -> Result<JobId, Invalid> {
    Uuid::from_slice(bytes)
        .map(JobId)
        .map_err(|_| Invalid::new("job", format!("{} bytes are not the 16 of an id", bytes.len())))
}
