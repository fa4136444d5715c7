//! One schedule, pages of many, and what became of instants.

use model::bounds::PAGE_MAX;
use rpc::{Code, Error, v1};
use store::{FateFilter, ScheduleFilter};

use super::{Named, beside, described, read};
use crate::answer::ask;
use crate::api::list::fitting;
use crate::api::{Api, namespace, page_limit};

/// How many instants to come are told unless the caller says.
const UPCOMING: u32 = 5;

/// One schedule with instants to come.
pub(super) async fn get(api: &Api, request: v1::GetScheduleRequest) -> Result<v1::Schedule, Error> {
    let named = Named::read(&request.namespace, &request.name)?;
    let upcoming = match request.upcoming {
        0 => UPCOMING,
        1..=PAGE_MAX => request.upcoming,
        more => return Err(Error::new(Code::Invalid, format!("upcoming: {more} is more than {PAGE_MAX}"))),
    };
    let schedule = named.look(api).await?;
    beside(move || described(schedule, upcoming as usize)).await
}

/// One page, by name.
pub(super) async fn list(
    api: &Api,
    request: v1::ListSchedulesRequest,
) -> Result<v1::ListSchedulesResponse, Error> {
    let page = ask(api.store.schedules(filter(request)?)).await?;
    let (mut schedules, mut next) = (page.schedules, page.next);
    let fitting = fitting(&schedules, |schedule| schedule.payload.as_bytes().len());
    if fitting < schedules.len() {
        schedules.truncate(fitting);
        next = schedules.last().map(|schedule| schedule.name.clone());
    }
    let schedules = beside(|| schedules.into_iter().map(|schedule| described(schedule, 0)).collect()).await?;
    Ok(v1::ListSchedulesResponse { schedules, next_cursor: next.map(String::from).unwrap_or_default() })
}

fn filter(request: v1::ListSchedulesRequest) -> Result<ScheduleFilter, Error> {
    let optional = |text: String| Some(text).filter(|text| !text.is_empty());
    Ok(ScheduleFilter {
        namespace: namespace(&request.namespace)?,
        states: request.states.iter().map(|state| state.parse()).collect::<Result<_, _>>()?,
        task: optional(request.task).map(|task| task.parse()).transpose()?,
        after: optional(request.cursor).map(|cursor| cursor.parse()).transpose()?,
        limit: page_limit(request.limit)?,
    })
}

/// What became of a schedule's instants, the latest first.
pub(super) async fn history(
    api: &Api,
    request: v1::ScheduleHistoryRequest,
) -> Result<v1::ScheduleHistoryResponse, Error> {
    let named = Named::read(&request.namespace, &request.name)?;
    let before = request.before.map(|at| read::instant("before", at)).transpose()?;
    let limit = page_limit(request.limit)?;
    let schedule = named.look(api).await?.id;
    let fates = ask(api.store.fates(FateFilter { schedule, before, limit })).await?;
    Ok(v1::ScheduleHistoryResponse { instants: fates.into_iter().map(Into::into).collect() })
}
