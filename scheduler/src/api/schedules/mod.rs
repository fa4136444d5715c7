//! The service `Schedules`: one line a verb, and what the verbs share.
//!
//! A schedule is changed by people and by the leader at once. So whoever changes it looks at it first, decides, and has
//! the change made only if it is still the one that was looked at; otherwise it looks again.

mod backfill;
mod create;
mod delete;
mod list;
mod pause_resume;
mod read;
mod tries;
mod trigger;
mod update;

use chrono::{DateTime, SecondsFormat, SubsecRound, TimeDelta, Utc};
use model::name::{Namespace, ScheduleName};
use model::schedule::{FireKind, Schedule, ScheduleState, Skip, SkipReason, Standing};
use recurrence::{Recurrence, Refused};
use rpc::v1::schedules_server::Schedules;
use rpc::{Code, Error, v1};
use store::{ScheduleChange, ScheduleChanged, Submitted};
use tonic::{Request, Response, Status};

use super::{Api, namespace};
use crate::answer::ask;
pub(super) use tries::Lines;
use tries::Tries;

type Answer<T> = Result<Response<T>, Status>;

#[tonic::async_trait]
impl Schedules for Api {
    async fn create_schedule(
        &self,
        request: Request<v1::CreateScheduleRequest>,
    ) -> Answer<v1::CreateScheduleResponse> {
        Ok(Response::new(create::create(self, request.into_inner()).await?))
    }

    async fn update_schedule(&self, request: Request<v1::UpdateScheduleRequest>) -> Answer<v1::Schedule> {
        Ok(Response::new(update::update(self, request.into_inner()).await?))
    }

    async fn get_schedule(&self, request: Request<v1::GetScheduleRequest>) -> Answer<v1::Schedule> {
        Ok(Response::new(list::get(self, request.into_inner()).await?))
    }

    async fn list_schedules(
        &self,
        request: Request<v1::ListSchedulesRequest>,
    ) -> Answer<v1::ListSchedulesResponse> {
        Ok(Response::new(list::list(self, request.into_inner()).await?))
    }

    async fn pause_schedule(&self, request: Request<v1::PauseScheduleRequest>) -> Answer<v1::Schedule> {
        Ok(Response::new(pause_resume::pause(self, request.into_inner()).await?))
    }

    async fn resume_schedule(&self, request: Request<v1::ResumeScheduleRequest>) -> Answer<v1::Schedule> {
        Ok(Response::new(pause_resume::resume(self, request.into_inner()).await?))
    }

    async fn delete_schedule(
        &self,
        request: Request<v1::DeleteScheduleRequest>,
    ) -> Answer<v1::DeleteScheduleResponse> {
        Ok(Response::new(delete::delete(self, request.into_inner()).await?))
    }

    async fn trigger_schedule(
        &self,
        request: Request<v1::TriggerScheduleRequest>,
    ) -> Answer<v1::TriggerScheduleResponse> {
        Ok(Response::new(trigger::trigger(self, request.into_inner()).await?))
    }

    async fn backfill_schedule(
        &self,
        request: Request<v1::BackfillScheduleRequest>,
    ) -> Answer<v1::BackfillScheduleResponse> {
        Ok(Response::new(backfill::backfill(self, request.into_inner()).await?))
    }

    async fn schedule_history(
        &self,
        request: Request<v1::ScheduleHistoryRequest>,
    ) -> Answer<v1::ScheduleHistoryResponse> {
        Ok(Response::new(list::history(self, request.into_inner()).await?))
    }
}

/// The names in a request.
struct Named {
    namespace: Namespace,
    name: ScheduleName,
}

impl Named {
    fn read(in_namespace: &str, name: &str) -> Result<Self, Error> {
        Ok(Self { namespace: namespace(in_namespace)?, name: name.parse()? })
    }

    /// The schedule as it is now.
    async fn look(&self, api: &Api) -> Result<Schedule, Error> {
        ask(api.store.schedule(&self.namespace, &self.name)).await
    }

    /// Begins to change it.
    async fn tries<'a>(&'a self, api: &'a Api) -> Result<Tries<'a>, Error> {
        Tries::begin(&api.schedule_lines, &self.namespace, &self.name).await
    }
}

/// Has the change made, and tells what became of its fires; none: the schedule is another one by now.
async fn make(api: &Api, change: ScheduleChange) -> Result<Option<Vec<Option<Submitted>>>, Error> {
    match ask(api.store.change_schedules(vec![change])).await?.pop() {
        Some(ScheduleChanged::Done(fires)) => Ok(Some(fires)),
        Some(ScheduleChanged::Stale) => Ok(None),
        None => Err(Error::new(Code::Internal, "the store did not say what became of a change")),
    }
}

/// The database's instant, by which schedules go, in whole milliseconds.
async fn now(api: &Api) -> Result<DateTime<Utc>, Error> {
    Ok(ask(api.store.now()).await?.trunc_subsecs(3))
}

/// Words that were refused, as the caller is told.
fn refused(refused: Refused) -> Error {
    let error = Error::new(Code::Invalid, refused.to_string());
    match refused.hint {
        Some(hint) => error.hint(hint),
        None => error,
    }
}

/// Instants in words as people write them.
fn shown(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::AutoSi, true)
}

/// Does what takes the processor for milliseconds where nobody waits behind it.
async fn beside<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Error> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|panic| Error::new(Code::Internal, format!("looking at the calendar broke: {panic}")))
}

/// Why instants of the clock that have come were passed over.
struct Why {
    reason: SkipReason,
    detail: Option<&'static str>,
}

/// The instants from the next one on that have come by `now`: passed over.
async fn passed(
    recurrence: &Recurrence,
    standing: &Standing,
    now: DateTime<Utc>,
    why: Why,
) -> Result<Option<Skip>, Error> {
    let Some(next_at) = standing.next_at.filter(|at| *at <= now) else { return Ok(None) };
    let recurrence = recurrence.clone();
    let before = now + TimeDelta::milliseconds(1);
    beside(move || {
        let from = recurrence.between(next_at, before).next()?;
        let until = recurrence.last(from, before, 1).pop()?;
        let count = Skip::counted(recurrence.count(from, before));
        let detail = why.detail.map(str::to_owned);
        Some(Skip { from, until, count, kind: FireKind::Clock, reason: why.reason, detail })
    })
    .await
}

/// When the leader has to look at a schedule that stands like this.
fn look_at(standing: &Standing, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    if standing.pending.is_empty() {
        standing.next_at.filter(|_| standing.state == ScheduleState::Active)
    } else {
        Some(now)
    }
}

/// A schedule as people see it, with as many instants to come.
fn described(schedule: Schedule, upcoming: usize) -> v1::Schedule {
    let read = Recurrence::of(&schedule.spec);
    let active = schedule.standing.state == ScheduleState::Active;
    let first = schedule.standing.next_at.filter(|_| active);
    let mut message = v1::Schedule::from(schedule);
    match read {
        Ok(recurrence) => {
            message.description = recurrence.describe();
            message.upcoming = std::iter::successors(first, |at| recurrence.after(*at))
                .take(upcoming)
                .map(rpc::timestamp)
                .collect();
        }
        Err(refused) => message.description = format!("makes no sense: {refused}"),
    }
    message
}
