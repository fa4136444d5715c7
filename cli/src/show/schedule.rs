//! Schedules as JSON: the shapes that scripts rely on. Instants of a schedule are written as its payload gets them.

use std::collections::BTreeMap;

use rpc::v1;
use serde::Serialize;
use serde_json::value::RawValue;

use super::job::{Limits, none_if_empty};
use super::json::raw;
use super::time::{rfc3339, said_of};

/// A schedule.
#[derive(Debug, Serialize)]
pub(crate) struct Schedule<'a> {
    name: &'a str,
    namespace: &'a str,
    task: &'a str,
    cron: Option<&'a str>,
    every_ms: Option<u64>,
    anchor: Option<String>,
    at: Option<String>,
    timezone: &'a str,
    dst_gap: &'a str,
    dst_overlap: &'a str,
    missed: &'a str,
    missed_after_ms: Option<u64>,
    overlap: &'a str,
    jitter_ms: u64,
    starts_at: Option<String>,
    ends_at: Option<String>,
    payload: Option<&'a RawValue>,
    queue: &'a str,
    priority: u32,
    max_attempts: Option<u32>,
    expires_in_ms: Option<u64>,
    tags: BTreeMap<&'a str, &'a str>,
    limits: Option<Limits>,
    note: Option<&'a str>,
    state: &'a str,
    reason: Option<&'a str>,
    description: &'a str,
    next_at: Option<String>,
    last_at: Option<String>,
    last_job: Option<&'a str>,
    upcoming: Vec<String>,
    open_jobs: &'a [String],
    pending: u32,
    created_at: Option<String>,
    updated_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    unchanged: Option<bool>,
}

impl Schedule<'_> {
    /// The same, as the answer to whoever would make or change it.
    pub(crate) fn unchanged(self, unchanged: bool) -> Self {
        Self { unchanged: Some(unchanged), ..self }
    }
}

impl<'a> Schedule<'a> {
    /// A schedule of this spec; none when the answer is malformed.
    pub(crate) fn of(schedule: &'a v1::Schedule) -> Option<Self> {
        let spec = schedule.spec.as_ref()?;
        let options = spec.options.as_ref();
        Some(Self {
            name: &schedule.name,
            namespace: &schedule.namespace,
            task: &spec.task,
            cron: none_if_empty(&spec.cron),
            every_ms: spec.every_ms,
            anchor: said_of(spec.anchor.as_ref()),
            at: said_of(spec.at.as_ref()),
            timezone: &spec.timezone,
            dst_gap: &spec.dst_gap,
            dst_overlap: &spec.dst_overlap,
            missed: &spec.missed,
            missed_after_ms: spec.missed_after_ms,
            overlap: &spec.overlap,
            jitter_ms: spec.jitter_ms,
            starts_at: said_of(spec.starts_at.as_ref()),
            ends_at: said_of(spec.ends_at.as_ref()),
            payload: raw(&spec.payload),
            queue: options.map_or("", |options| &options.queue),
            priority: options.map_or(0, |options| options.priority),
            max_attempts: options.map(|options| options.max_attempts).filter(|attempts| *attempts > 0),
            expires_in_ms: options.and_then(|options| options.expires_in_ms),
            tags: options
                .iter()
                .flat_map(|options| &options.tags)
                .map(|(key, value)| (key.as_str(), value.as_str()))
                .collect(),
            limits: options.and_then(|options| options.limits.as_ref()).map(Into::into),
            note: none_if_empty(&spec.note),
            state: &schedule.state,
            reason: none_if_empty(&schedule.reason),
            description: &schedule.description,
            next_at: said_of(schedule.next_at.as_ref()),
            last_at: said_of(schedule.last_at.as_ref()),
            last_job: none_if_empty(&schedule.last_job),
            upcoming: schedule.upcoming.iter().filter_map(|at| said_of(Some(at))).collect(),
            open_jobs: &schedule.open_jobs,
            pending: schedule.pending,
            created_at: rfc3339(schedule.created_at.as_ref()),
            updated_at: rfc3339(schedule.updated_at.as_ref()),
            unchanged: None,
        })
    }
}

/// A page of schedules.
#[derive(Debug, Serialize)]
pub(crate) struct Schedules<'a> {
    pub(crate) schedules: &'a [Schedule<'a>],
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) next_cursor: Option<Option<&'a str>>,
}

/// What `schedule trigger` answers: what `enqueue` does, and why there is no job when there is none.
#[derive(Debug, Serialize)]
pub(crate) struct Triggered<'a> {
    id: Option<&'a str>,
    task: Option<&'a str>,
    version: Option<u32>,
    state: Option<&'a str>,
    queue: Option<&'a str>,
    duplicate: bool,
    instant: Option<String>,
    outcome: &'a str,
    reason: Option<&'a str>,
}

impl<'a> From<&'a v1::TriggerScheduleResponse> for Triggered<'a> {
    fn from(answer: &'a v1::TriggerScheduleResponse) -> Self {
        let job = answer.job.as_ref();
        Self {
            id: job.map(|job| job.id.as_str()),
            task: job.map(|job| job.task.as_str()),
            version: job.map(|job| job.version),
            state: job.map(|job| job.state.as_str()),
            queue: job.map(|job| job.queue.as_str()),
            duplicate: job.is_some_and(|job| job.duplicate),
            instant: said_of(answer.instant.as_ref()),
            outcome: &answer.outcome,
            reason: none_if_empty(&answer.reason),
        }
    }
}

/// What became of an instant, or of several that were passed over in a row.
#[derive(Debug, Serialize)]
pub(crate) struct Instant<'a> {
    instant: Option<String>,
    kind: &'a str,
    job: Option<&'a str>,
    job_state: Option<&'a str>,
    recorded_at: Option<String>,
    skip: Option<&'a str>,
    detail: Option<&'a str>,
    until: Option<String>,
    count: Option<u32>,
}

impl<'a> From<&'a v1::ScheduleInstant> for Instant<'a> {
    fn from(instant: &'a v1::ScheduleInstant) -> Self {
        Self {
            instant: said_of(instant.instant.as_ref()),
            kind: &instant.kind,
            job: none_if_empty(&instant.job),
            job_state: none_if_empty(&instant.job_state),
            recorded_at: rfc3339(instant.recorded_at.as_ref()),
            skip: none_if_empty(&instant.skip),
            detail: none_if_empty(&instant.detail),
            until: said_of(instant.until.as_ref()),
            count: instant.count,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    const PROMISED: [&str; 35] = [
        "name",
        "namespace",
        "task",
        "cron",
        "every_ms",
        "anchor",
        "at",
        "timezone",
        "dst_gap",
        "dst_overlap",
        "missed",
        "missed_after_ms",
        "overlap",
        "jitter_ms",
        "starts_at",
        "ends_at",
        "payload",
        "queue",
        "priority",
        "max_attempts",
        "expires_in_ms",
        "tags",
        "limits",
        "note",
        "state",
        "reason",
        "description",
        "next_at",
        "last_at",
        "last_job",
        "upcoming",
        "open_jobs",
        "pending",
        "created_at",
        "updated_at",
    ];

    #[test]
    fn a_schedule_has_every_field_and_absent_ones_are_null() {
        let at = prost_types::Timestamp { seconds: 1, nanos: 0 };
        let spec = v1::ScheduleSpec {
            cron: "@daily".to_owned(),
            payload: b"[1e400]".to_vec(),
            ..v1::ScheduleSpec::default()
        };
        let message = v1::Schedule {
            spec: Some(spec),
            next_at: Some(at),
            created_at: Some(at),
            ..v1::Schedule::default()
        };

        let shown = serde_json::to_string(&Schedule::of(&message).expect("a spec")).expect("JSON");

        let shown: BTreeMap<String, Box<RawValue>> = serde_json::from_str(&shown).expect("JSON");
        let keys: Vec<_> = shown.keys().map(String::as_str).collect();
        let mut promised = PROMISED.to_vec();
        promised.sort_unstable();
        assert_eq!(keys, promised);
        assert_eq!(shown["payload"].get(), "[1e400]");
        assert_eq!(shown["next_at"].get(), "\"1970-01-01T00:00:01Z\"");
        assert_eq!(shown["created_at"].get(), "\"1970-01-01T00:00:01.000000Z\"");
        for absent in ["every_ms", "anchor", "at", "max_attempts", "limits", "note", "reason", "last_job"] {
            assert_eq!(shown[absent].get(), "null", "{absent}");
        }
    }

    #[test]
    fn only_who_made_or_changed_it_is_told_whether_it_is_unchanged() {
        let message = v1::Schedule { spec: Some(v1::ScheduleSpec::default()), ..v1::Schedule::default() };
        let shown = |of: fn(Schedule<'_>) -> Schedule<'_>| {
            let view = of(Schedule::of(&message).expect("a spec"));
            serde_json::to_value(view).expect("JSON").get("unchanged").cloned()
        };

        assert_eq!(shown(|view| view), None);
        assert_eq!(shown(|view| view.unchanged(true)), Some(Value::Bool(true)));
    }
}
