//! Update: another content in the place of the one that was looked at.

use chrono::{DateTime, Utc};
use model::schedule::{Schedule, ScheduleSpec, ScheduleState, Skip, SkipReason, Standing};
use recurrence::Recurrence;
use rpc::{Code, Error, v1};
use store::ScheduleChange;

use super::create::fits;
use super::read::{Draft, none_left};
use super::{Named, Why, described, look_at, make, now, passed};
use crate::api::Api;

/// How many instants to come the answer tells.
const UPCOMING: usize = 5;

/// Puts the content of the request in the place of the one that its caller looked at.
pub(super) async fn update(api: &Api, request: v1::UpdateScheduleRequest) -> Result<v1::Schedule, Error> {
    let named = Named::read(&request.namespace, &request.name)?;
    let seen = Seen::read(&request)?;
    let mut tries = named.tries(api).await?;
    loop {
        let now = now(api).await?;
        let mut draft = Draft::read(request.spec.clone(), now).await?;
        let schedule = named.look(api).await?;
        seen.check(&schedule)?;
        draft.follow(&schedule.spec);
        let recurrence = draft.recurrence()?;
        let moves = !same_instants(&schedule.spec, &draft.spec);
        let next_at = recurrence.after(now);
        if next_at.is_none() && moves {
            return Err(none_left(&draft.spec, now));
        }
        fits(api, &named.namespace, &draft, next_at.unwrap_or(now), now).await?;
        let (standing, skip) = standing(&schedule, &recurrence, moves, now).await?;
        let mut change = ScheduleChange::of(&schedule);
        change.standing = standing;
        change.skips = skip.into_iter().collect();
        change.spec = Some((draft.spec, draft.payload));
        if make(api, change).await?.is_some() {
            return Ok(described(named.look(api).await?, UPCOMING));
        }
        tries.again().await?;
    }
}

/// What the caller looked at.
struct Seen {
    seq: i64,
    updated_at: Option<DateTime<Utc>>,
}

impl Seen {
    fn read(request: &v1::UpdateScheduleRequest) -> Result<Self, Error> {
        let updated_at = request.updated_at.map(|at| rpc::instant("updated_at", at)).transpose()?;
        Ok(Self { seq: request.seq, updated_at })
    }

    /// Refuses when somebody changed it since.
    fn check(&self, schedule: &Schedule) -> Result<(), Error> {
        let same = self.updated_at.map_or(self.seq == schedule.seq, |at| at == schedule.updated_at);
        if same {
            return Ok(());
        }
        let name = &schedule.name;
        let message = format!("schedule {:?} is not the one that was looked at any more", name.as_str());
        let hint = format!("look again: `jobctl schedule show {name}`");
        Err(Error::new(Code::Conflict, message).hint(hint))
    }
}

/// Whether both name the same instants.
fn same_instants(one: &ScheduleSpec, other: &ScheduleSpec) -> bool {
    let instants = |spec: &ScheduleSpec| {
        (spec.timezone.clone(), spec.dst_gap, spec.dst_overlap, spec.starts_at, spec.ends_at)
    };
    one.timing == other.timing && instants(one) == instants(other)
}

/// Where it stands then, and what of the instants before is passed over.
async fn standing(
    schedule: &Schedule,
    after: &Recurrence,
    moves: bool,
    now: DateTime<Utc>,
) -> Result<(Standing, Option<Skip>), Error> {
    let mut standing = schedule.standing.clone();
    let why = match standing.state {
        // What has come and is not decided yet is decided under the new content.
        ScheduleState::Active | ScheduleState::Paused if !moves => None,
        ScheduleState::Active => {
            let detail = Some("the schedule was changed before this instant was handled");
            Some(Why { reason: SkipReason::Missed, detail })
        }
        ScheduleState::Paused => Some(Why { reason: SkipReason::Paused, detail: None }),
        ScheduleState::Disabled => Some(Why { reason: SkipReason::Disabled, detail: None }),
        ScheduleState::Finished => Some(Why { reason: SkipReason::Missed, detail: None }),
    };
    let Some(why) = why else {
        standing.look_at = look_at(&standing, now);
        return Ok((standing, None));
    };
    // It may be disabled just because it cannot be read. What it would have been is told by what it has become then.
    let before = Recurrence::of(&schedule.spec).unwrap_or_else(|_| after.clone());
    let skip = passed(&before, &standing, now, why).await?;
    let next_at = after.after(now);
    if standing.state != ScheduleState::Paused {
        let ends = next_at.is_none() && standing.pending.is_empty();
        standing.state = if ends { ScheduleState::Finished } else { ScheduleState::Active };
    }
    standing.reason = None;
    standing.next_at = next_at;
    standing.look_at = look_at(&standing, now);
    Ok((standing, skip))
}
