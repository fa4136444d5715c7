//! Jobs as JSON: the shapes that scripts rely on.

use std::collections::BTreeMap;

use rpc::v1;
use serde::Serialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::json::raw;
use super::time::{rfc3339, said_of};

/// A whole job. Payload and result are embedded as they came.
#[derive(Debug, Serialize)]
pub(crate) struct Job<'a> {
    id: &'a str,
    task: &'a str,
    version: u32,
    sha256: &'a str,
    queue: &'a str,
    priority: u32,
    state: &'a str,
    payload: Option<&'a RawValue>,
    result: Option<&'a RawValue>,
    error: Option<Failure<'a>>,
    attempt: u32,
    max_attempts: u32,
    key: Option<&'a str>,
    tags: BTreeMap<&'a str, &'a str>,
    progress: Option<Progress<'a>>,
    created_at: Option<String>,
    run_at: Option<String>,
    started_at: Option<String>,
    finished_at: Option<String>,
    schedule: Option<&'a str>,
    attempts: Vec<Attempt<'a>>,
    namespace: &'a str,
    parent: Option<&'a str>,
    cancel_requested: bool,
    files: Vec<File<'a>>,
    limits: Option<Limits>,
    scheduled_for: Option<String>,
}

/// Limits that a job set for itself; null: as its version says.
#[derive(Debug, Serialize)]
pub(super) struct Limits {
    fuel: Option<Value>,
    memory_bytes: Option<u64>,
    table_elements: Option<u64>,
    timeout_ms: Option<u64>,
    output_bytes: Option<u64>,
    log_bytes: Option<u64>,
    file_bytes: Option<u64>,
    host_calls: Option<u64>,
    http_requests: Option<u64>,
    http_bytes: Option<u64>,
}

#[derive(Debug, Serialize)]
struct Failure<'a> {
    kind: &'a str,
    message: &'a str,
}

#[derive(Debug, Serialize)]
struct Progress<'a> {
    percent: u32,
    message: &'a str,
}

#[derive(Debug, Serialize)]
struct Attempt<'a> {
    number: u32,
    host: &'a str,
    outcome: Option<&'a str>,
    started_at: Option<String>,
    finished_at: Option<String>,
    duration_ms: Option<f64>,
    fuel: Option<u64>,
    peak_memory_bytes: Option<u64>,
    error: Option<Failure<'a>>,
    stop: Option<Stop<'a>>,
    host_calls: Option<u64>,
    host_call_ms: Option<f64>,
    bytes_in: Option<u64>,
    bytes_out: Option<u64>,
    code: Option<&'a str>,
    load_ms: Option<f64>,
    run_ms: Option<f64>,
}

#[derive(Debug, Serialize)]
struct Stop<'a> {
    reason: &'a str,
    latency_ms: f64,
}

/// A file that a job produced.
#[derive(Debug, Serialize)]
pub(crate) struct File<'a> {
    name: &'a str,
    media_type: &'a str,
    size_bytes: u64,
}

/// What `enqueue` answers.
#[derive(Debug, Serialize)]
pub(crate) struct Enqueued<'a> {
    id: &'a str,
    task: &'a str,
    version: u32,
    state: &'a str,
    queue: &'a str,
    duplicate: bool,
}

/// A page of jobs.
#[derive(Debug, Serialize)]
pub(crate) struct Jobs<'a> {
    pub(crate) jobs: &'a [Job<'a>],
    pub(crate) next_cursor: Option<&'a str>,
}

/// One line of a job's log.
#[derive(Debug, Serialize)]
pub(crate) struct LogEntry<'a> {
    attempt: u32,
    at: Option<String>,
    level: &'a str,
    text: &'a str,
}

pub(super) fn none_if_empty(text: &str) -> Option<&str> {
    Some(text).filter(|text| !text.is_empty())
}

impl<'a> From<&'a v1::Job> for Job<'a> {
    fn from(job: &'a v1::Job) -> Self {
        Self {
            id: &job.id,
            task: &job.task,
            version: job.version,
            sha256: &job.sha256,
            queue: &job.queue,
            priority: job.priority,
            state: &job.state,
            payload: raw(&job.payload),
            result: job.result.as_deref().and_then(raw),
            error: job.error.as_ref().map(Into::into),
            attempt: job.attempt,
            max_attempts: job.max_attempts,
            key: none_if_empty(&job.key),
            tags: job.tags.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect(),
            progress: job
                .progress
                .as_ref()
                .map(|progress| Progress { percent: progress.percent, message: &progress.message }),
            created_at: rfc3339(job.created_at.as_ref()),
            run_at: rfc3339(job.run_at.as_ref()),
            started_at: rfc3339(job.started_at.as_ref()),
            finished_at: rfc3339(job.finished_at.as_ref()),
            schedule: none_if_empty(&job.schedule),
            attempts: job.attempts.iter().map(Into::into).collect(),
            namespace: &job.namespace,
            parent: none_if_empty(&job.parent),
            cancel_requested: job.cancel_requested,
            files: job.files.iter().map(Into::into).collect(),
            limits: job.limits.as_ref().map(Into::into),
            scheduled_for: said_of(job.scheduled_for.as_ref()),
        }
    }
}

impl From<&v1::LimitOverrides> for Limits {
    fn from(limits: &v1::LimitOverrides) -> Self {
        let unlimited = limits.fuel_unlimited.then(|| Value::from("unlimited"));
        Self {
            fuel: limits.fuel.map(Value::from).or(unlimited),
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

impl<'a> From<&'a v1::Failure> for Failure<'a> {
    fn from(failure: &'a v1::Failure) -> Self {
        Self { kind: &failure.kind, message: &failure.message }
    }
}

impl<'a> From<&'a v1::Attempt> for Attempt<'a> {
    fn from(attempt: &'a v1::Attempt) -> Self {
        Self {
            number: attempt.number,
            host: &attempt.host,
            outcome: none_if_empty(&attempt.outcome),
            started_at: rfc3339(attempt.started_at.as_ref()),
            finished_at: rfc3339(attempt.finished_at.as_ref()),
            duration_ms: attempt.duration_ms,
            fuel: attempt.fuel,
            peak_memory_bytes: attempt.peak_memory_bytes,
            error: attempt.error.as_ref().map(Into::into),
            stop: attempt
                .stop
                .as_ref()
                .map(|stop| Stop { reason: &stop.reason, latency_ms: stop.latency_ms }),
            host_calls: attempt.host_calls,
            host_call_ms: attempt.host_call_ms,
            bytes_in: attempt.bytes_in,
            bytes_out: attempt.bytes_out,
            code: none_if_empty(&attempt.code),
            load_ms: attempt.load_ms,
            run_ms: attempt.run_ms,
        }
    }
}

impl<'a> From<&'a v1::FileInfo> for File<'a> {
    fn from(file: &'a v1::FileInfo) -> Self {
        Self { name: &file.name, media_type: &file.media_type, size_bytes: file.size_bytes }
    }
}

impl<'a> From<&'a v1::EnqueuedJob> for Enqueued<'a> {
    fn from(job: &'a v1::EnqueuedJob) -> Self {
        Self {
            id: &job.id,
            task: &job.task,
            version: job.version,
            state: &job.state,
            queue: &job.queue,
            duplicate: job.duplicate,
        }
    }
}

impl<'a> From<&'a v1::LogEntry> for LogEntry<'a> {
    fn from(entry: &'a v1::LogEntry) -> Self {
        Self {
            attempt: entry.attempt,
            at: rfc3339(entry.at.as_ref()),
            level: &entry.level,
            text: &entry.text,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn keys(value: &Value) -> Vec<&str> {
        value.as_object().expect("an object").keys().map(String::as_str).collect()
    }

    fn job() -> v1::Job {
        v1::Job {
            id: "0198".to_owned(),
            state: "succeeded".to_owned(),
            payload: b"{\"n\": 1234567890123456789012345678901234567890}".to_vec(),
            result: Some(b"[1e400]".to_vec()),
            created_at: Some(prost_types::Timestamp { seconds: 1, nanos: 2_000 }),
            scheduled_for: Some(prost_types::Timestamp { seconds: 1, nanos: 0 }),
            attempts: vec![v1::Attempt {
                number: 1,
                error: Some(v1::Failure { kind: "task".to_owned(), message: "no".to_owned() }),
                stop: Some(v1::Stop { reason: "cancel".to_owned(), latency_ms: 0.5 }),
                ..v1::Attempt::default()
            }],
            ..v1::Job::default()
        }
    }

    #[test]
    fn a_job_has_every_field_of_the_contract_and_absent_ones_are_null() {
        // A value tree cannot hold the result of the other test.
        let message = v1::Job { result: None, payload: b"{}".to_vec(), ..job() };

        let shown = serde_json::to_value(Job::from(&message)).expect("JSON");

        let mut promised = [
            "id",
            "task",
            "version",
            "sha256",
            "queue",
            "priority",
            "state",
            "payload",
            "result",
            "error",
            "attempt",
            "max_attempts",
            "key",
            "tags",
            "progress",
            "created_at",
            "run_at",
            "started_at",
            "finished_at",
            "schedule",
            "attempts",
        ];
        promised.sort_unstable();
        let shown_keys = keys(&shown);
        assert!(promised.iter().all(|key| shown_keys.contains(key)), "{shown_keys:?}");
        for absent in [
            "error",
            "key",
            "limits",
            "progress",
            "run_at",
            "started_at",
            "finished_at",
            "schedule",
            "parent",
        ] {
            assert_eq!(shown[absent], Value::Null, "{absent}");
        }
        assert_eq!(shown["created_at"], "1970-01-01T00:00:01.000002Z");
        assert_eq!(shown["scheduled_for"], "1970-01-01T00:00:01Z", "as its payload gets it");
        assert_eq!(
            keys(&shown["attempts"][0]),
            [
                "bytes_in",
                "bytes_out",
                "code",
                "duration_ms",
                "error",
                "finished_at",
                "fuel",
                "host",
                "host_call_ms",
                "host_calls",
                "load_ms",
                "number",
                "outcome",
                "peak_memory_bytes",
                "run_ms",
                "started_at",
                "stop"
            ]
        );
        assert_eq!(shown["attempts"][0]["stop"], json!({"reason": "cancel", "latency_ms": 0.5}));
        assert_eq!(shown["attempts"][0]["error"], json!({"kind": "task", "message": "no"}));
        assert_eq!(shown["attempts"][0]["outcome"], Value::Null);
    }

    #[test]
    fn the_limits_of_a_job_are_those_that_it_set() {
        let limits =
            v1::LimitOverrides { fuel: Some(5), timeout_ms: Some(60), ..v1::LimitOverrides::default() };
        let message = v1::Job { payload: b"{}".to_vec(), limits: Some(limits), ..v1::Job::default() };

        let shown = serde_json::to_value(Job::from(&message)).expect("JSON");
        let without = serde_json::to_value(Job::from(&v1::Job::default())).expect("JSON");

        let limits = &shown["limits"];
        assert_eq!(
            (&limits["fuel"], &limits["timeout_ms"], &limits["memory_bytes"]),
            (&json!(5), &json!(60), &Value::Null)
        );
        assert_eq!(without["limits"], Value::Null);
    }

    #[test]
    fn payload_and_result_keep_numbers_of_any_length() {
        let message = job();

        let shown = serde_json::to_string(&Job::from(&message)).expect("JSON");

        assert!(shown.contains("\"payload\":{\"n\": 1234567890123456789012345678901234567890}"), "{shown}");
        assert!(shown.contains("\"result\":[1e400]"), "{shown}");
    }

    #[test]
    fn an_enqueued_job_has_exactly_the_fields_of_the_contract() {
        let message = v1::EnqueuedJob::default();

        let shown = serde_json::to_value(Enqueued::from(&message)).expect("JSON");

        assert_eq!(keys(&shown), ["duplicate", "id", "queue", "state", "task", "version"]);
        assert_eq!(shown["duplicate"], Value::Bool(false));
    }
}
