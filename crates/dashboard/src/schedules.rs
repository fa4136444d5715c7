//! The pages of schedules: all of them, and one with what it did and will do.

use askama::Template;
use axum::extract::{Path, Query, State};
use axum::response::Response;
use chrono::{DateTime, Utc};
use model::error::Invalid;
use model::name::{Namespace, ScheduleName, TaskName};
use model::schedule::{Fate, Schedule, ScheduleState};
use serde::Deserialize;
use store::{FateFilter, ScheduleFilter, Store};

use crate::Parts;
use crate::pages::{Problem, draw, field};
use crate::show::{Moment, moment, pretty};
use crate::timetable::{FateRow, JobLink, Outlook, Policy, ScheduleRow, instant, policies};

/// Schedules on one page.
const PAGE: u32 = 50;

/// Instants of a schedule's history on one page.
const FATES: u32 = 50;

/// Disabled schedules that the overview shows: enough to see that something is wrong.
const DISABLED: u32 = 5;

/// What a listing may be narrowed by; empty fields of the form do not narrow.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Narrow {
    namespace: String,
    state: String,
    task: String,
    after: String,
}

#[derive(Template)]
#[template(path = "schedules.html")]
struct Schedules {
    version: String,
    narrow: Narrow,
    states: &'static [ScheduleState],
    schedules: Vec<ScheduleRow>,
    next: String,
}

/// `GET /schedules`
pub(crate) async fn list(
    State(parts): State<Parts>,
    Query(narrow): Query<Narrow>,
) -> Result<Response, Problem> {
    let now = parts.clock.now();
    let filter = ScheduleFilter {
        namespace: field::<Namespace>(&narrow.namespace)?.unwrap_or_default(),
        states: field::<ScheduleState>(&narrow.state)?.into_iter().collect(),
        task: field::<TaskName>(&narrow.task)?,
        after: field::<ScheduleName>(&narrow.after)?,
        limit: PAGE,
    };
    let found = parts.store.schedules(filter).await?;
    let page = Schedules {
        version: parts.version.clone(),
        narrow,
        states: ScheduleState::ALL,
        schedules: found.schedules.iter().map(|schedule| ScheduleRow::new(schedule, now)).collect(),
        next: found.next.map(|name| name.to_string()).unwrap_or_default(),
    };
    Ok(draw(&page))
}

/// Schedules that somebody should look at.
pub(crate) async fn disabled(store: &dyn Store, now: DateTime<Utc>) -> store::Result<Vec<ScheduleRow>> {
    let filter = ScheduleFilter {
        states: vec![ScheduleState::Disabled],
        limit: DISABLED,
        ..ScheduleFilter::default()
    };
    let found = store.schedules(filter).await?;
    Ok(found.schedules.iter().map(|schedule| ScheduleRow::new(schedule, now)).collect())
}

/// Which schedule of that name, and which part of its history.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Part {
    namespace: String,
    before: String,
}

#[derive(Template)]
#[template(path = "schedule.html")]
struct SchedulePage {
    version: String,
    row: ScheduleRow,
    namespace: Namespace,
    schedule: Schedule,
    created: Moment,
    updated: Moment,
    policies: Vec<Policy>,
    payload: String,
    outlook: Outlook,
    open: Vec<JobLink>,
    pending: Vec<(String, &'static str)>,
    fates: Vec<FateRow>,
    /// Whether this is a later page of the history.
    later: bool,
    older: String,
}

/// `GET /schedules/{name}`
pub(crate) async fn one(
    State(parts): State<Parts>,
    Path(name): Path<String>,
    Query(part): Query<Part>,
) -> Result<Response, Problem> {
    let now = parts.clock.now();
    let name: ScheduleName = name.parse().map_err(|invalid| Problem::invalid(&invalid))?;
    let namespace = field::<Namespace>(&part.namespace)?.unwrap_or_default();
    let before = before(&part.before)?;
    let schedule = parts.store.schedule(&namespace, &name).await?;
    let filter = FateFilter { schedule: schedule.id, before, limit: FATES };
    let fates = parts.store.fates(filter).await?;
    let standing = &schedule.standing;
    let page = SchedulePage {
        version: parts.version.clone(),
        row: ScheduleRow::new(&schedule, now),
        created: moment(schedule.created_at, now),
        updated: moment(schedule.updated_at, now),
        policies: policies(&schedule.spec),
        payload: pretty(schedule.payload.as_str()),
        outlook: Outlook::new(&schedule, now),
        open: standing.open.iter().map(|job| JobLink::new(&namespace, *job)).collect(),
        pending: standing.pending.iter().map(|it| (instant(it.instant), it.kind.as_str())).collect(),
        later: before.is_some(),
        older: older(&fates),
        fates: fates.iter().map(|fate| FateRow::new(fate, &namespace, now)).collect(),
        namespace,
        schedule,
    };
    Ok(draw(&page))
}

/// Reads where a page of a history begins.
fn before(text: &str) -> Result<Option<DateTime<Utc>>, Problem> {
    let refuse = |_| Problem::invalid(&Invalid::new("before", format!("{text:?} is not an instant")));
    Some(text).filter(|text| !text.is_empty()).map(str::parse).transpose().map_err(refuse)
}

/// Where the next page begins; nothing at the end.
fn older(fates: &[Fate]) -> String {
    match fates.last() {
        Some(last) if fates.len() >= FATES as usize => match last {
            Fate::Fired { instant: at, .. } => instant(*at),
            Fate::Skipped { skip, .. } => instant(skip.from),
        },
        _ => String::new(),
    }
}
