//! One job, and pages of many.

use model::id::JobId;
use model::job::{Job, JobState};
use rpc::{Code, Error, v1};
use store::JobFilter;

use super::{Api, namespace, page_limit};
use crate::answer::ask;

/// Payloads and results on one page; the message that carries it may have twice that.
const PAGE_BYTES_MAX: usize = 32 << 20;

/// One job in full.
pub(super) async fn get(api: &Api, request: v1::GetJobRequest) -> Result<v1::Job, Error> {
    let namespace = namespace(&request.namespace)?;
    let id = api.job_id(&namespace, &request.id).await?;
    Ok(ask(api.store.job(&namespace, id)).await?.into())
}

/// One page, newest first.
pub(super) async fn list(api: &Api, request: v1::ListJobsRequest) -> Result<v1::ListJobsResponse, Error> {
    let page = ask(api.store.jobs(filter(request)?)).await?;
    let (jobs, next) = cut(page.jobs, page.next);
    Ok(v1::ListJobsResponse {
        jobs: jobs.into_iter().map(Into::into).collect(),
        next_cursor: next.map(|id| id.to_string()).unwrap_or_default(),
    })
}

/// Which jobs are meant.
///
/// # Errors
/// Names the first field that does not fit.
pub(super) fn filter(request: v1::ListJobsRequest) -> Result<JobFilter, Error> {
    let optional = |text: String| Some(text).filter(|text| !text.is_empty());
    Ok(JobFilter {
        namespace: namespace(&request.namespace)?,
        states: request.states.iter().map(|state| state.parse()).collect::<Result<_, _>>()?,
        task: optional(request.task).map(|task| task.parse()).transpose()?,
        queue: optional(request.queue).map(|queue| queue.parse()).transpose()?,
        tags: request.tags.into_iter().collect(),
        since: request.since.map(|at| rpc::instant("since", at)).transpose()?,
        before: optional(request.cursor).map(|cursor| cursor.parse()).transpose()?,
        limit: page_limit(request.limit)?,
    })
}

/// Jobs of one page that something is done to. They are read with their payloads, up to 1 MiB each, and as many
/// interrupts may go out at once.
const DEED_PAGE: u32 = 200;

/// What can be done to jobs a page at a time, and to which.
pub(super) struct Deed {
    /// `cancelled`: what a job of another state cannot be.
    pub(super) done: &'static str,
    /// The states that it can be done in.
    pub(super) states: &'static [JobState],
    /// Those that are meant when nobody says.
    pub(super) unless_said: &'static [JobState],
    /// For who named another state.
    pub(super) hint: &'static str,
}

/// Which jobs something is to be done to; the request's limit does not count.
///
/// # Errors
/// As [`filter`], and for a state that it cannot be done in.
pub(super) fn meant(request: v1::ListJobsRequest, deed: &Deed) -> Result<JobFilter, Error> {
    let mut filter = filter(v1::ListJobsRequest { limit: DEED_PAGE, ..request })?;
    if let Some(other) = filter.states.iter().find(|state| !deed.states.contains(state)) {
        let message = format!("state: a job that is {other} cannot be {}", deed.done);
        return Err(Error::new(Code::Invalid, message).hint(deed.hint));
    }
    if filter.states.is_empty() {
        filter.states = deed.unless_said.to_vec();
    }
    Ok(filter)
}

/// How many of these one page carries: a page of large payloads ends early.
pub(super) fn fitting<T>(items: &[T], bytes: impl Fn(&T) -> usize) -> usize {
    let mut sum = 0;
    items
        .iter()
        .take_while(|item| {
            sum += bytes(item);
            sum <= PAGE_BYTES_MAX
        })
        .count()
        // One always fits: its payload and its result have limits of their own.
        .max(1)
}

fn cut(mut jobs: Vec<Job>, next: Option<JobId>) -> (Vec<Job>, Option<JobId>) {
    let bytes = |job: &Job| {
        job.payload.as_bytes().len() + job.result.as_ref().map_or(0, |result| result.as_bytes().len())
    };
    let fitting = fitting(&jobs, bytes);
    if fitting >= jobs.len() {
        return (jobs, next);
    }
    jobs.truncate(fitting);
    let last = jobs.last().map(|job| job.id);
    (jobs, last)
}
