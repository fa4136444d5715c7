//! Trigger: an instant by hand. It obeys the schedule's word for runs that overlap, or the caller's.

use std::collections::HashSet;

use chrono::{DateTime, TimeDelta, Utc};
use model::id::JobId;
use model::job::Start;
use model::schedule::{FireKind, Overlap, PENDING_MAX, Pending, Schedule, Skip, SkipReason};
use recurrence::Recurrence;
use rpc::{Code, Error, v1};
use store::{NewFire, ScheduleChange};

use super::{Named, look_at, make, now};
use crate::answer::{ask, refusal};
use crate::api::Api;
use crate::api::enqueue::callers_id;
use crate::desk::reference;
use crate::runs::{self, Run, job_of};

/// Instants after the present one that are tried: of triggers of one schedule hardly two come in a millisecond.
const INSTANTS_TRIED: i64 = 20;

/// What a trigger comes to.
enum Fate {
    Fires,
    Waits,
    Skipped(SkipReason),
}

/// Fires a schedule now.
pub(super) async fn trigger(
    api: &Api,
    request: v1::TriggerScheduleRequest,
) -> Result<v1::TriggerScheduleResponse, Error> {
    let named = Named::read(&request.namespace, &request.name)?;
    let overlap = match request.overlap.as_str() {
        "" => None,
        word => Some(word.parse::<Overlap>()?),
    };
    let id = match request.id.as_str() {
        "" => None,
        id => Some(callers_id(id)?),
    };
    let mut tries = named.tries(api).await?;
    loop {
        let schedule = named.look(api).await?;
        // Looked for after the schedule: who made it meanwhile has changed the schedule. What waited then and has fired by
        // now has its job.
        if let Some(id) = id
            && let Some(answer) = earlier(api, &schedule, id).await?.or_else(|| waits(&schedule, id))
        {
            return Ok(answer);
        }
        let now = now(api).await?;
        if let Some(instant) = free(api, &schedule, now).await?
            && let Some(answer) = at(api, &schedule, Call { instant, now, overlap, id }).await?
        {
            return Ok(answer);
        }
        tries.again().await?;
    }
}

struct Call {
    instant: DateTime<Utc>,
    now: DateTime<Utc>,
    overlap: Option<Overlap>,
    id: Option<JobId>,
}

/// Does it at an instant; none: the schedule is another one by now.
async fn at(
    api: &Api,
    schedule: &Schedule,
    call: Call,
) -> Result<Option<v1::TriggerScheduleResponse>, Error> {
    let Call { instant, now, overlap, id } = call;
    let overlap = overlap.unwrap_or(schedule.spec.overlap);
    match fate(schedule, overlap) {
        Fate::Fires => fire(api, schedule, Call { overlap: Some(overlap), instant, now, id }).await,
        Fate::Waits => {
            job(api, schedule, &call).await?;
            let mut change = ScheduleChange::of(schedule);
            change.standing.pending.push(Pending { instant, kind: FireKind::Trigger, job: id });
            change.standing.look_at = look_at(&change.standing, now);
            told(api, change, no_job(instant, "queued", None)).await
        }
        Fate::Skipped(reason) => {
            let mut change = ScheduleChange::of(schedule);
            change.skips.push(Skip {
                from: instant,
                until: instant,
                count: Some(1),
                kind: FireKind::Trigger,
                reason,
                detail: None,
            });
            told(api, change, no_job(instant, "skipped", Some(reason))).await
        }
    }
}

fn fate(schedule: &Schedule, overlap: Overlap) -> Fate {
    let standing = &schedule.standing;
    let busy = !standing.open.is_empty();
    match overlap {
        Overlap::Skip if busy => Fate::Skipped(SkipReason::Overlap),
        Overlap::Queue if standing.pending.len() >= PENDING_MAX => Fate::Skipped(SkipReason::QueueFull),
        // Not before those that wait already.
        Overlap::Queue if busy || !standing.pending.is_empty() => Fate::Waits,
        Overlap::Skip | Overlap::Queue | Overlap::Cancel | Overlap::Allow => Fate::Fires,
    }
}

async fn fire(
    api: &Api,
    schedule: &Schedule,
    call: Call,
) -> Result<Option<v1::TriggerScheduleResponse>, Error> {
    let instant = call.instant;
    let job = job(api, schedule, &call).await?;
    let known = api.tasks.resolve(&schedule.namespace, &schedule.spec.task).await?;
    let mut change = ScheduleChange::of(schedule);
    if call.overlap == Some(Overlap::Cancel) {
        let open = std::mem::take(&mut change.standing.open);
        runs::cancel(&*api.store, &api.hosts, &api.bell, &schedule.namespace, open).await.map_err(refusal)?;
    }
    let queue = job.options.queue.to_string();
    change.fires.push(NewFire { instant, kind: FireKind::Trigger, job });
    let Some(fires) = make(api, change).await? else { return Ok(None) };
    // The instant was free when it was looked at, and the schedule is the same: it made the job.
    let Some(submitted) = fires.into_iter().next().flatten() else { return Ok(None) };
    api.bell.offer(submitted.offer.into_iter().map(reference).collect());
    let job = v1::EnqueuedJob {
        id: submitted.id.to_string(),
        task: known.version.task.to_string(),
        version: known.version.version,
        state: submitted.state.as_str().to_owned(),
        queue,
        duplicate: false,
    };
    Ok(Some(fired(instant, job)))
}

async fn job(api: &Api, schedule: &Schedule, call: &Call) -> Result<model::job::NewJob, Error> {
    let run = Run {
        namespace: &schedule.namespace,
        spec: &schedule.spec,
        payload: &schedule.payload,
        instant: call.instant,
        start: Start::Now,
        id: call.id,
    };
    Ok(job_of(&api.tasks, run, call.now).await?)
}

/// The first instant from `now` on that has made no job and is none that the clock may still make one of: of an instant
/// there is only one job.
async fn free(api: &Api, schedule: &Schedule, now: DateTime<Utc>) -> Result<Option<DateTime<Utc>>, Error> {
    // One that cannot be read names no instant.
    let recurrence = Recurrence::of(&schedule.spec).ok();
    let millisecond = TimeDelta::milliseconds(1);
    let is_named = |at: DateTime<Utc>| {
        recurrence.as_ref().is_some_and(|names| names.between(at, at + millisecond).next().is_some())
    };
    let waiting: HashSet<_> = schedule.standing.pending.iter().map(|pending| pending.instant).collect();
    let instants: Vec<_> = (0..INSTANTS_TRIED)
        .map(|after| now + TimeDelta::milliseconds(after))
        .filter(|at| !waiting.contains(at) && !is_named(*at))
        .collect();
    let fired = ask(api.store.fired(schedule.id, &instants)).await?;
    let fired: HashSet<_> = fired.into_iter().map(|(instant, _)| instant).collect();
    Ok(instants.into_iter().find(|at| !fired.contains(at)))
}

/// What the same call answered before.
async fn earlier(
    api: &Api,
    schedule: &Schedule,
    id: JobId,
) -> Result<Option<v1::TriggerScheduleResponse>, Error> {
    let job = match ask(api.store.job(&schedule.namespace, id)).await {
        Ok(job) => job,
        Err(error) if error.code == Code::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let Some(instant) = job.scheduled_for.filter(|_| job.schedule.as_ref() == Some(&schedule.name)) else {
        let message = format!("id: job {id} exists and is none of schedule {:?}", schedule.name.as_str());
        return Err(Error::new(Code::Conflict, message).hint("each call has an id of its own"));
    };
    let job = v1::EnqueuedJob {
        id: id.to_string(),
        task: job.task.to_string(),
        version: job.version,
        state: job.state.as_str().to_owned(),
        queue: job.queue.queue.to_string(),
        duplicate: true,
    };
    Ok(Some(fired(instant, job)))
}

fn fired(instant: DateTime<Utc>, job: v1::EnqueuedJob) -> v1::TriggerScheduleResponse {
    v1::TriggerScheduleResponse {
        instant: Some(rpc::timestamp(instant)),
        outcome: "fired".to_owned(),
        job: Some(job),
        reason: String::new(),
    }
}

/// What the same call answered before, when its instant waits since.
fn waits(schedule: &Schedule, id: JobId) -> Option<v1::TriggerScheduleResponse> {
    let waiting = schedule.standing.pending.iter().find(|pending| pending.job == Some(id))?;
    Some(no_job(waiting.instant, "queued", None))
}

fn no_job(instant: DateTime<Utc>, outcome: &str, reason: Option<SkipReason>) -> v1::TriggerScheduleResponse {
    v1::TriggerScheduleResponse {
        instant: Some(rpc::timestamp(instant)),
        outcome: outcome.to_owned(),
        job: None,
        reason: reason.map_or(String::new(), |reason| reason.as_str().to_owned()),
    }
}

/// Has a change made that makes no job.
async fn told(
    api: &Api,
    change: ScheduleChange,
    answer: v1::TriggerScheduleResponse,
) -> Result<Option<v1::TriggerScheduleResponse>, Error> {
    Ok(make(api, change).await?.map(|_| answer))
}
