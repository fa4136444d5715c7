//! Retry of a job that failed or was cancelled, and of all such jobs that match: they are counted, or retried a page a
//! call.
//!
//! Pages go from the newest job to the oldest, and the cursor of an answer lies behind every job it was about, so whoever
//! calls until there is no cursor comes to an end. A job that was retried and failed again meanwhile is not retried once
//! more by the same run, although a page may be asked for twice: `ended_by` is when the run counted its jobs, and what
//! ended later is passed over.

use chrono::{DateTime, Utc};
use model::job::{Job, JobState};
use rpc::{Error, v1};
use store::{JobFilter, Retried, Retry};

use super::list::{Deed, meant};
use super::{Api, namespace};
use crate::answer::{ask, refusal};
use crate::desk::reference;

/// What can be retried.
const RETRY: Deed = Deed {
    done: "retried",
    states: &[JobState::Failed, JobState::Cancelled],
    unless_said: &[JobState::Failed],
    hint: "only jobs that failed or were cancelled run again",
};

/// Lets a failed or cancelled job run again.
pub(super) async fn one(api: &Api, request: v1::RetryJobRequest) -> Result<v1::RetryJobResponse, Error> {
    let namespace = namespace(&request.namespace)?;
    let id = api.job_id(&namespace, &request.id).await?;
    let mut told = ask(api.store.retry(Retry { namespace, ids: vec![id] })).await?;
    match told.pop().unwrap_or(Retried::Unknown) {
        Retried::Queued(offer) => {
            api.bell.offer(vec![reference(offer)]);
            Ok(v1::RetryJobResponse { id: id.to_string(), state: JobState::Queued.as_str().to_owned() })
        }
        Retried::Already(state) => {
            let why = format!("job {id} is {state}; only a failed or cancelled job runs again");
            Err(refusal(store::Error::Conflict { why }))
        }
        Retried::Unknown => Err(refusal(store::Error::NotFound { what: format!("job {id}") })),
    }
}

/// Counts the jobs, or retries a page of them.
pub(super) async fn many(api: &Api, request: v1::RetryJobsRequest) -> Result<v1::RetryJobsResponse, Error> {
    let only_count = request.count_only;
    let ended_by = request.ended_by.map(|at| rpc::instant("ended_by", at)).transpose()?;
    let filter = filter(request)?;
    if only_count { count(api, filter).await } else { page(api, filter, ended_by).await }
}

fn filter(request: v1::RetryJobsRequest) -> Result<JobFilter, Error> {
    let asked = v1::ListJobsRequest {
        namespace: request.namespace,
        states: request.states,
        task: request.task,
        queue: request.queue,
        tags: request.tags,
        since: request.since,
        cursor: request.cursor,
        ..v1::ListJobsRequest::default()
    };
    meant(asked, &RETRY)
}

async fn count(api: &Api, filter: JobFilter) -> Result<v1::RetryJobsResponse, Error> {
    let count = ask(api.store.count(filter)).await?;
    let at = Some(rpc::timestamp(count.at));
    let mut answer = v1::RetryJobsResponse { counted_at: at, ..v1::RetryJobsResponse::default() };
    for (state, count) in count.states {
        match state {
            JobState::Failed => answer.failed = count,
            JobState::Cancelled => answer.cancelled = count,
            JobState::Scheduled | JobState::Queued | JobState::Running | JobState::Succeeded => {}
        }
    }
    Ok(answer)
}

async fn page(
    api: &Api,
    filter: JobFilter,
    ended_by: Option<DateTime<Utc>>,
) -> Result<v1::RetryJobsResponse, Error> {
    let namespace = filter.namespace.clone();
    let page = ask(api.store.jobs(filter)).await?;
    let next_cursor = page.next.map(|id| id.to_string()).unwrap_or_default();
    let mut answer = v1::RetryJobsResponse { next_cursor, ..v1::RetryJobsResponse::default() };
    let is_meant = |job: &Job| ended_by.is_none_or(|by| job.finished_at.is_none_or(|at| at <= by));
    let ids: Vec<_> = page.jobs.iter().filter(|job| is_meant(job)).map(|job| job.id).collect();
    answer.skipped = (page.jobs.len() - ids.len()) as u64;
    drop(page.jobs);
    if ids.is_empty() {
        return Ok(answer);
    }
    let mut offers = Vec::with_capacity(ids.len());
    for retried in ask(api.store.retry(Retry { namespace, ids })).await? {
        match retried {
            Retried::Queued(offer) => offers.push(reference(offer)),
            // Somebody else retried it, or removed it, since the page was read.
            Retried::Already(_) | Retried::Unknown => answer.skipped += 1,
        }
    }
    answer.retried = offers.len() as u64;
    api.bell.offer(offers);
    Ok(answer)
}
