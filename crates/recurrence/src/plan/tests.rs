//! What plans decide: each rule by itself, and what must hold of all by random schedules.

use chrono::{DateTime, TimeDelta, Utc};
use model::id::{JobId, ScheduleId};
use model::json::Json;
use model::name::Namespace;
use model::schedule::{
    FireKind, Missed, Overlap, PENDING_MAX, Pending, Schedule, ScheduleSpec, ScheduleState, Skip, SkipReason,
    Standing, Timing,
};

use super::{Plan, RUNS_MAX, Run, jitter, plan};
use crate::Recurrence;

mod rules;
mod whole;

fn at(text: &str) -> DateTime<Utc> {
    text.parse().expect("an instant")
}

fn seconds(seconds: i64) -> TimeDelta {
    TimeDelta::seconds(seconds)
}

fn spec(timing: Timing) -> ScheduleSpec {
    ScheduleSpec::new("report".parse().expect("a task"), timing)
}

fn every(period_s: u64) -> ScheduleSpec {
    spec(Timing::Every { period_ms: period_s * 1_000, anchor: at("2026-01-01T00:00:00Z") })
}

fn job(number: u64) -> JobId {
    format!("00000000-0000-0000-0000-{number:012x}").parse().expect("a UUID")
}

fn waiting(instant: &str, kind: FireKind) -> Pending {
    Pending { instant: at(instant), kind, job: None }
}

/// A schedule whose next instant is the first from `next_at` on.
fn schedule(spec: ScheduleSpec, next_at: &str) -> Schedule {
    let next_at = at(next_at);
    let standing = Standing {
        state: ScheduleState::Active,
        reason: None,
        next_at: recurrence(&spec).after(next_at - TimeDelta::nanoseconds(1)),
        look_at: Some(next_at),
        pending: Vec::new(),
        open: Vec::new(),
    };
    Schedule {
        id: ScheduleId(7),
        namespace: Namespace::default(),
        name: "nightly".parse().expect("a name"),
        spec,
        payload: Json::trusted(b"{}".to_vec()),
        seq: 1,
        standing,
        last: None,
        created_at: next_at,
        updated_at: next_at,
    }
}

fn recurrence(spec: &ScheduleSpec) -> Recurrence {
    Recurrence::of(spec).expect("it is well formed")
}

fn planned(schedule: &Schedule, now: &str) -> Plan {
    plan(schedule, &recurrence(&schedule.spec), at(now))
}

fn instants(plan: &Plan) -> Vec<DateTime<Utc>> {
    plan.runs.iter().map(|run| run.instant).collect()
}

fn skip(from: &str, until: &str, count: Option<u32>, reason: SkipReason) -> Skip {
    Skip { from: at(from), until: at(until), count, kind: FireKind::Clock, reason, detail: None }
}
