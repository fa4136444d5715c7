//! Create. One of the same name and content counts as made, so that a script may say it again.

use chrono::{DateTime, Utc};
use model::job::Start;
use model::name::Namespace;
use model::schedule::{Schedule, ScheduleSpec, ScheduleState, Standing};
use rpc::{Code, Error, v1};
use store::NewSchedule;

use super::read::{Draft, none_left};
use super::{Named, described, look_at, now};
use crate::answer::ask;
use crate::api::Api;
use crate::runs::{Run, job_of};

/// How many instants to come the answer tells.
const UPCOMING: usize = 5;

/// Makes a schedule.
pub(super) async fn create(
    api: &Api,
    request: v1::CreateScheduleRequest,
) -> Result<v1::CreateScheduleResponse, Error> {
    let named = Named::read(&request.namespace, &request.name)?;
    let now = now(api).await?;
    let draft = Draft::read(request.spec, now).await?;
    let recurrence = draft.recurrence()?;
    // Before all that depends on when it is asked: whoever says it again after years, or after the task is gone, is
    // right.
    match named.look(api).await {
        Ok(there) => return unchanged(there, draft),
        Err(error) if error.code == Code::NotFound => {}
        Err(error) => return Err(error),
    }
    let next_at = recurrence.after(now).ok_or_else(|| none_left(&draft.spec, now))?;
    fits(api, &named.namespace, &draft, next_at, now).await?;
    let state = if request.paused { ScheduleState::Paused } else { ScheduleState::Active };
    let mut standing = Standing {
        state,
        reason: None,
        next_at: Some(next_at),
        look_at: None,
        pending: Vec::new(),
        open: Vec::new(),
    };
    standing.look_at = look_at(&standing, now);
    let new = NewSchedule {
        namespace: named.namespace,
        name: named.name,
        spec: draft.spec.clone(),
        payload: draft.payload.clone(),
        standing,
    };
    let made = ask(api.store.create_schedule(new)).await?;
    if !made.fresh {
        return unchanged(made.schedule, draft);
    }
    Ok(answer(made.schedule, false))
}

/// Checks that a job of it would be taken, with an instant put in.
///
/// # Errors
/// As enqueue refuses one.
pub(super) async fn fits(
    api: &Api,
    namespace: &Namespace,
    draft: &Draft,
    instant: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    let Draft { spec, payload, .. } = draft;
    let run = Run { namespace, spec, payload, instant, start: Start::Now, id: None };
    job_of(&api.tasks, run, now).await?;
    Ok(())
}

/// There is one of this name: the same, or another.
fn unchanged(there: Schedule, mut draft: Draft) -> Result<v1::CreateScheduleResponse, Error> {
    draft.keep_anchor(&there.spec.timing);
    let mut others = differences(&there.spec, &draft.spec);
    if there.payload != draft.payload {
        others.push("payload");
    }
    if others.is_empty() {
        return Ok(answer(there, true));
    }
    let name = there.name;
    let message = format!("schedule {:?} exists with another {}", name.as_str(), others.join(", "));
    Err(Error::new(Code::Conflict, message).hint(format!(
        "`jobctl schedule update {name}` changes it; `jobctl schedule show {name}` shows what it is"
    )))
}

/// What two differ in, by the names of the flags.
fn differences(one: &ScheduleSpec, other: &ScheduleSpec) -> Vec<&'static str> {
    let differ = [
        ("task", one.task != other.task),
        ("timing", one.timing != other.timing),
        ("timezone", one.timezone != other.timezone),
        ("dst-gap", one.dst_gap != other.dst_gap),
        ("dst-overlap", one.dst_overlap != other.dst_overlap),
        ("missed", one.missed != other.missed),
        ("missed-after", one.missed_after_ms != other.missed_after_ms),
        ("overlap", one.overlap != other.overlap),
        ("jitter", one.jitter_ms != other.jitter_ms),
        ("start", one.starts_at != other.starts_at),
        ("end", one.ends_at != other.ends_at),
        ("options of its jobs", one.run != other.run),
        ("note", one.note != other.note),
    ];
    differ.into_iter().filter(|(_, differs)| *differs).map(|(field, _)| field).collect()
}

fn answer(schedule: Schedule, unchanged: bool) -> v1::CreateScheduleResponse {
    v1::CreateScheduleResponse { schedule: Some(described(schedule, UPCOMING)), unchanged }
}
