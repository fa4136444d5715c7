//! Backfill: the jobs of instants that have passed, counted or made a part a call.
//!
//! Nothing is remembered between calls: an instant that made a job is left out, so a call that broke off is made again,
//! and a run of calls ends where the range does.

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use model::error::Invalid;
use model::job::Start;
use model::schedule::{FireKind, Schedule};
use recurrence::Recurrence;
use rpc::{Error, v1};
use store::{NewFire, ScheduleChange};

use super::{Named, beside, make, now, read, refused, shown};
use crate::answer::ask;
use crate::api::Api;
use crate::desk::reference;
use crate::runs::{Run, job_of};

/// Instants of one range: a week of minutes. Who wants more says so by several ranges.
const INSTANTS_MAX: usize = 10_000;

/// Instants of one call: half of what one transaction takes of an enqueue, for each is two rows more.
const PART_MAX: usize = 500;

/// Payloads of one call, as much as calls of enqueue share a transaction for.
const PART_BYTES_MAX: usize = 8 << 20;

/// Instants looked up at once.
const LOOKED_UP: usize = 1_000;

/// Counts the instants of a range, or makes the jobs of its first part.
pub(super) async fn backfill(
    api: &Api,
    request: v1::BackfillScheduleRequest,
) -> Result<v1::BackfillScheduleResponse, Error> {
    let named = Named::read(&request.namespace, &request.name)?;
    let range = Range::read(&request)?;
    let now = now(api).await?;
    range.has_passed(now)?;
    let mut tries = named.tries(api).await?;
    loop {
        let schedule = named.look(api).await?;
        let instants = range.instants(&schedule).await?;
        if request.count_only {
            return count(api, &schedule, &instants).await;
        }
        if let Some(answer) = part(api, &schedule, &instants, now).await? {
            return Ok(answer);
        }
        tries.again().await?;
    }
}

struct Range {
    from: DateTime<Utc>,
    to: DateTime<Utc>,
}

impl Range {
    fn read(request: &v1::BackfillScheduleRequest) -> Result<Self, Invalid> {
        let required = |field, at: Option<_>| {
            at.ok_or_else(|| Invalid::new(field, "is missing")).and_then(|at| read::instant(field, at))
        };
        let (from, to) = (required("from", request.from)?, required("to", request.to)?);
        if to <= from {
            return Err(Invalid::new("to", format!("{} is not after {}", shown(to), shown(from))));
        }
        Ok(Self { from, to })
    }

    fn has_passed(&self, now: DateTime<Utc>) -> Result<(), Error> {
        if self.to <= now {
            return Ok(());
        }
        let problem = format!("{} is in the future: it is {}", shown(self.to), shown(now));
        Err(Error::from(Invalid::new("to", problem)).hint("what is to come, the schedule fires by itself"))
    }

    /// The instants in it.
    async fn instants(&self, schedule: &Schedule) -> Result<Vec<DateTime<Utc>>, Error> {
        let recurrence = Recurrence::of(&schedule.spec).map_err(refused)?;
        let Self { from, to } = *self;
        let instants: Vec<_> =
            beside(move || recurrence.between(from, to).take(INSTANTS_MAX + 1).collect()).await?;
        if instants.len() <= INSTANTS_MAX {
            return Ok(instants);
        }
        let last = instants.last().copied().unwrap_or(to);
        let problem = format!("there are more than {INSTANTS_MAX} instants from {} on", shown(from));
        Err(Error::from(Invalid::new("to", problem))
            .hint(format!("backfill a part at a time; the first {INSTANTS_MAX} are before {}", shown(last))))
    }
}

async fn count(
    api: &Api,
    schedule: &Schedule,
    instants: &[DateTime<Utc>],
) -> Result<v1::BackfillScheduleResponse, Error> {
    let mut fired_before = 0;
    for some in instants.chunks(LOOKED_UP) {
        fired_before += ask(api.store.fired(schedule.id, some)).await?.len();
    }
    Ok(v1::BackfillScheduleResponse {
        instants: instants.len() as u64,
        fired_before: fired_before as u64,
        ..v1::BackfillScheduleResponse::default()
    })
}

/// Makes the jobs of the first part; none: the schedule is another one by now.
async fn part(
    api: &Api,
    schedule: &Schedule,
    instants: &[DateTime<Utc>],
    now: DateTime<Utc>,
) -> Result<Option<v1::BackfillScheduleResponse>, Error> {
    let fitting = PART_BYTES_MAX / schedule.payload.as_bytes().len().max(1);
    let (part, rest) = instants.split_at(instants.len().min(fitting.clamp(1, PART_MAX)));
    let mut answer = v1::BackfillScheduleResponse {
        instants: part.len() as u64,
        next_from: rest.first().copied().map(rpc::timestamp),
        ..v1::BackfillScheduleResponse::default()
    };
    let fired = ask(api.store.fired(schedule.id, part)).await?;
    let fired: HashSet<_> = fired.into_iter().map(|(instant, _)| instant).collect();
    let mut change = ScheduleChange::of(schedule);
    for instant in part.iter().copied().filter(|instant| !fired.contains(instant)) {
        change.fires.push(fire(api, schedule, instant, now).await?);
    }
    if !change.fires.is_empty() {
        let Some(fires) = make(api, change).await? else { return Ok(None) };
        let made: Vec<_> = fires.into_iter().flatten().collect();
        answer.jobs = made.iter().map(|job| job.id.to_string()).collect();
        api.bell.offer(made.into_iter().filter_map(|job| job.offer).map(reference).collect());
    }
    answer.made = answer.jobs.len() as u64;
    answer.fired_before = answer.instants - answer.made;
    Ok(Some(answer))
}

async fn fire(
    api: &Api,
    schedule: &Schedule,
    instant: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<NewFire, Error> {
    let run = Run {
        namespace: &schedule.namespace,
        spec: &schedule.spec,
        payload: &schedule.payload,
        instant,
        start: Start::Now,
        id: None,
    };
    let job = job_of(&api.tasks, run, now).await?;
    Ok(NewFire { instant, kind: FireKind::Backfill, job })
}
