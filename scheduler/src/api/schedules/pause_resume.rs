//! Pause and resume.

use model::schedule::{ScheduleState, Skip, SkipReason};
use recurrence::Recurrence;
use rpc::{Error, v1};
use store::ScheduleChange;

use super::{Named, Why, described, look_at, make, now, passed, refused};
use crate::api::Api;

/// How many instants to come the answer tells.
const UPCOMING: usize = 5;

/// Lets a schedule fire no more. What waits for a run to end is passed over.
pub(super) async fn pause(api: &Api, request: v1::PauseScheduleRequest) -> Result<v1::Schedule, Error> {
    let named = Named::read(&request.namespace, &request.name)?;
    let mut tries = named.tries(api).await?;
    loop {
        let schedule = named.look(api).await?;
        if schedule.standing.state == ScheduleState::Paused {
            return Ok(described(schedule, UPCOMING));
        }
        let mut change = ScheduleChange::of(&schedule);
        let standing = &mut change.standing;
        let pending = std::mem::take(&mut standing.pending);
        standing.state = ScheduleState::Paused;
        standing.reason = None;
        standing.look_at = None;
        change.skips.extend(pending.into_iter().map(|pending| Skip {
            from: pending.instant,
            until: pending.instant,
            count: Some(1),
            kind: pending.kind,
            reason: SkipReason::Paused,
            detail: None,
        }));
        if make(api, change).await?.is_some() {
            return Ok(described(named.look(api).await?, UPCOMING));
        }
        tries.again().await?;
    }
}

/// Lets a paused or disabled schedule fire again, from now on. What came meanwhile is passed over.
pub(super) async fn resume(api: &Api, request: v1::ResumeScheduleRequest) -> Result<v1::Schedule, Error> {
    let named = Named::read(&request.namespace, &request.name)?;
    let mut tries = named.tries(api).await?;
    loop {
        let schedule = named.look(api).await?;
        let reason = match schedule.standing.state {
            ScheduleState::Active | ScheduleState::Finished => return Ok(described(schedule, UPCOMING)),
            ScheduleState::Paused => SkipReason::Paused,
            ScheduleState::Disabled => SkipReason::Disabled,
        };
        // What would disable it at the next instant is better said now.
        let recurrence = Recurrence::of(&schedule.spec).map_err(refused)?;
        api.tasks.resolve(&schedule.namespace, &schedule.spec.task).await?;
        let now = now(api).await?;
        let mut change = ScheduleChange::of(&schedule);
        let why = Why { reason, detail: None };
        change.skips = passed(&recurrence, &schedule.standing, now, why).await?.into_iter().collect();
        let standing = &mut change.standing;
        standing.next_at = recurrence.after(now);
        let ends = standing.next_at.is_none() && standing.pending.is_empty();
        standing.state = if ends { ScheduleState::Finished } else { ScheduleState::Active };
        standing.reason = None;
        standing.look_at = look_at(standing, now);
        if make(api, change).await?.is_some() {
            return Ok(described(named.look(api).await?, UPCOMING));
        }
        tries.again().await?;
    }
}
