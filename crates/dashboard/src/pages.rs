//! One function a page: read from the store, hand to the template.

use askama::Template;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Response};
use chrono::{DateTime, Utc};
use model::error::{Failure, Invalid};
use model::id::JobId;
use model::job::{Job, JobState, LogLine};
use model::name::{Namespace, QueueName, TaskName};
use serde::Deserialize;
use store::{HostSession, JobFilter, Leader, QueueDepth, TaskInfo};

use crate::attempt::AttemptCard;
use crate::show::{Moment, limits, moment, pretty, size, span};
use crate::timetable::{ScheduleRow, address, instant};
use crate::{Parts, schedules};

/// Jobs on one page.
const PAGE: u32 = 50;

/// Log lines on a job's page; `jobctl job logs` shows all.
const LOG_LINES: u32 = 500;

/// A page that cannot be drawn.
pub(crate) struct Problem(StatusCode, String);

impl Problem {
    pub(crate) fn invalid(invalid: &Invalid) -> Self {
        Self(StatusCode::BAD_REQUEST, invalid.to_string())
    }
}

impl From<store::Error> for Problem {
    fn from(error: store::Error) -> Self {
        let status = match &error {
            store::Error::NotFound { .. } => StatusCode::NOT_FOUND,
            store::Error::Unavailable { .. } => StatusCode::SERVICE_UNAVAILABLE,
            _ => StatusCode::INTERNAL_SERVER_ERROR,
        };
        if status == StatusCode::INTERNAL_SERVER_ERROR {
            tracing::error!(%error, "a page could not be drawn");
        }
        Self(status, error.to_string())
    }
}

#[derive(Template)]
#[template(path = "problem.html")]
struct ProblemPage {
    version: String,
    status: u16,
    message: String,
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let page = ProblemPage { version: String::new(), status: self.0.as_u16(), message: self.1 };
        (self.0, draw(&page)).into_response()
    }
}

pub(crate) fn draw(page: &impl Template) -> Response {
    match page.render() {
        Ok(html) => Html(html).into_response(),
        Err(error) => {
            tracing::error!(%error, "a template could not be rendered");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

/// A job as a row of a table.
struct Row {
    id: String,
    short: String,
    namespace: String,
    task: String,
    version: u32,
    queue: String,
    state: JobState,
    attempt: u32,
    created: Moment,
    took: String,
    problem: String,
}

impl Row {
    fn new(job: &Job, now: DateTime<Utc>) -> Self {
        let id = job.id.to_string();
        let took = match (job.started_at, job.finished_at) {
            (Some(start), Some(end)) => span(end - start),
            (Some(start), None) => span(now - start),
            _ => String::new(),
        };
        Self {
            short: id[id.len() - 12..].to_owned(),
            namespace: job.queue.namespace.to_string(),
            task: job.task.to_string(),
            version: job.version,
            queue: job.queue.queue.to_string(),
            state: job.state,
            attempt: job.attempt,
            created: moment(job.created_at, now),
            took,
            // The lines after the first are a backtrace; they stand with the attempt.
            problem: job.failure.as_ref().map(first_line).unwrap_or_default(),
            id,
        }
    }
}

fn first_line(failure: &Failure) -> String {
    failure.to_string().lines().next().unwrap_or_default().to_owned()
}

#[derive(Template)]
#[template(path = "overview.html")]
struct Overview {
    version: String,
    leader: Option<(Leader, Moment)>,
    schedulers: usize,
    hosts: Vec<(HostSession, Moment)>,
    queues: Vec<(QueueDepth, String)>,
    /// Those that somebody should look at.
    schedules: Vec<ScheduleRow>,
    jobs: Vec<Row>,
}

/// `GET /`
pub(crate) async fn overview(State(parts): State<Parts>) -> Result<Response, Problem> {
    let now = parts.clock.now();
    let store = &parts.store;
    let filter = JobFilter { limit: 10, ..JobFilter::default() };
    let page = Overview {
        version: parts.version.clone(),
        leader: store.leader().await?.map(|leader| (leader.clone(), moment(leader.since, now))),
        schedulers: store.schedulers(store::SILENT_MS).await?.len(),
        hosts: store
            .hosts()
            .await?
            .into_iter()
            .map(|host| (host.clone(), moment(host.started_at, now)))
            .collect(),
        queues: store
            .depths()
            .await?
            .into_iter()
            .map(|depth| {
                let oldest = depth.oldest_queued_seconds.map(|s| format!("{s:.1} s")).unwrap_or_default();
                (depth, oldest)
            })
            .collect(),
        schedules: schedules::disabled(store.as_ref(), now).await?,
        jobs: store.jobs(filter).await?.jobs.iter().map(|job| Row::new(job, now)).collect(),
    };
    Ok(draw(&page))
}

/// What a listing may be narrowed by; empty fields of the form do not narrow.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Narrow {
    namespace: String,
    state: String,
    task: String,
    queue: String,
    before: String,
}

#[derive(Template)]
#[template(path = "jobs.html")]
struct Jobs {
    version: String,
    narrow: Narrow,
    states: &'static [JobState],
    jobs: Vec<Row>,
    next: String,
}

/// Reads a field of the form that may be left empty.
pub(crate) fn field<T: std::str::FromStr<Err = Invalid>>(text: &str) -> Result<Option<T>, Problem> {
    Some(text)
        .filter(|text| !text.is_empty())
        .map(str::parse)
        .transpose()
        .map_err(|invalid| Problem::invalid(&invalid))
}

/// `GET /jobs`
pub(crate) async fn jobs(
    State(parts): State<Parts>,
    Query(narrow): Query<Narrow>,
) -> Result<Response, Problem> {
    let now = parts.clock.now();
    let filter = JobFilter {
        namespace: field::<Namespace>(&narrow.namespace)?.unwrap_or_default(),
        states: field::<JobState>(&narrow.state)?.into_iter().collect(),
        task: field::<TaskName>(&narrow.task)?,
        queue: field::<QueueName>(&narrow.queue)?,
        before: field::<JobId>(&narrow.before)?,
        limit: PAGE,
        ..JobFilter::default()
    };
    let found = parts.store.jobs(filter).await?;
    let page = Jobs {
        version: parts.version.clone(),
        narrow,
        states: JobState::ALL,
        jobs: found.jobs.iter().map(|job| Row::new(job, now)).collect(),
        next: found.next.map(|id| id.to_string()).unwrap_or_default(),
    };
    Ok(draw(&page))
}

#[derive(Template)]
#[template(path = "job.html")]
struct JobPage {
    version: String,
    row: Row,
    job: Job,
    run_at: Moment,
    /// The schedule that made it: name, page and instant.
    schedule: Option<(String, String, String)>,
    payload: String,
    result: String,
    limits: String,
    attempts: Vec<AttemptCard>,
    files: Vec<(String, String, String)>,
    lines: Vec<(u32, LogLine, String)>,
    more_lines: bool,
}

/// `GET /jobs/{namespace}/{id}`
pub(crate) async fn job(
    State(parts): State<Parts>,
    Path((namespace, id)): Path<(Namespace, String)>,
) -> Result<Response, Problem> {
    let now = parts.clock.now();
    let id: JobId = id.parse().map_err(|invalid| Problem::invalid(&invalid))?;
    let job = parts.store.job(&namespace, id).await?;
    let (lines, _) = parts.store.logs(id, 0, LOG_LINES + 1).await?;
    let more_lines = lines.len() > LOG_LINES as usize;
    let page = JobPage {
        version: parts.version.clone(),
        row: Row::new(&job, now),
        run_at: moment(job.run_at, now),
        schedule: job.schedule.as_ref().map(|name| {
            let instant = job.scheduled_for.map(instant).unwrap_or_default();
            (name.to_string(), address(&namespace, name), instant)
        }),
        payload: pretty(job.payload.as_str()),
        result: job.result.as_ref().map(|result| pretty(result.as_str())).unwrap_or_default(),
        limits: limits(&job.limits.shown()),
        attempts: job.attempts.iter().map(|attempt| AttemptCard::new(attempt, now)).collect(),
        files: job
            .files
            .iter()
            .map(|file| (file.name.clone(), file.media_type.clone(), size(file.size_bytes)))
            .collect(),
        lines: lines
            .into_iter()
            .take(LOG_LINES as usize)
            .map(|(attempt, line)| {
                let at = line.at.format("%H:%M:%S%.3f").to_string();
                (attempt, line, at)
            })
            .collect(),
        more_lines,
        job,
    };
    Ok(draw(&page))
}

#[derive(Template)]
#[template(path = "tasks.html")]
struct Tasks {
    version: String,
    namespace: Namespace,
    tasks: Vec<TaskRow>,
}

/// A task as a row, with its active version.
struct TaskRow {
    task: TaskInfo,
    size: String,
    /// The limits that are looked for first, and the others.
    limits: (String, String),
}

impl TaskRow {
    /// Limits that fit into a row.
    const FIRST: [&str; 3] = ["fuel", "memory", "timeout"];

    fn new(task: TaskInfo) -> Self {
        let active = task.active.as_ref();
        let shown = active.map(|version| version.manifest.limits.shown()).unwrap_or_default();
        let (first, others): (Vec<_>, Vec<_>) =
            shown.into_iter().partition(|(name, _)| Self::FIRST.contains(name));
        Self {
            size: active.map(|version| size(version.size_bytes)).unwrap_or_default(),
            limits: (limits(&first), limits(&others)),
            task,
        }
    }
}

/// `GET /tasks`
pub(crate) async fn tasks(
    State(parts): State<Parts>,
    Query(narrow): Query<Narrow>,
) -> Result<Response, Problem> {
    let namespace = field::<Namespace>(&narrow.namespace)?.unwrap_or_default();
    let tasks = parts.store.tasks(&namespace).await?;
    let page = Tasks {
        version: parts.version.clone(),
        tasks: tasks.into_iter().map(TaskRow::new).collect(),
        namespace,
    };
    Ok(draw(&page))
}
