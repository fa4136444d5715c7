//! Cancel of all unfinished jobs that match: they are counted, or cancelled a page a call.
//!
//! Pages go from the newest job to the oldest, and the cursor of an answer lies behind every job it was about. So each
//! call gets on, and whoever calls until there is no cursor comes to an end while new jobs arrive. Nothing is
//! remembered between calls: one that broke off is made again.

use broker::Signal;
use model::job::JobState;
use rpc::{Error, v1};
use store::{Cancel, Cancelled, JobFilter};

use super::Api;
use super::cancel::grace;
use super::list::{Deed, meant};
use crate::answer::ask;

/// What can be cancelled.
const UNFINISHED: &[JobState] = &[JobState::Scheduled, JobState::Queued, JobState::Running];
const CANCEL: Deed = Deed {
    done: "cancelled",
    states: UNFINISHED,
    unless_said: UNFINISHED,
    hint: "only jobs that are scheduled, queued or running can be cancelled",
};

/// Counts the jobs, or cancels a page of them.
pub(super) async fn cancel(
    api: &Api,
    request: v1::CancelJobsRequest,
) -> Result<v1::CancelJobsResponse, Error> {
    let grace_ms = grace(request.grace_ms)?;
    let only_count = request.count_only;
    let filter = filter(request)?;
    if only_count { count(api, filter).await } else { page(api, filter, grace_ms).await }
}

fn filter(request: v1::CancelJobsRequest) -> Result<JobFilter, Error> {
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
    meant(asked, &CANCEL)
}

async fn count(api: &Api, filter: JobFilter) -> Result<v1::CancelJobsResponse, Error> {
    let mut answer = v1::CancelJobsResponse::default();
    for (state, count) in ask(api.store.count(filter)).await?.states {
        match state {
            JobState::Scheduled => answer.scheduled = count,
            JobState::Queued => answer.queued = count,
            JobState::Running => answer.running = count,
            JobState::Succeeded | JobState::Failed | JobState::Cancelled => {}
        }
    }
    Ok(answer)
}

async fn page(api: &Api, filter: JobFilter, grace_ms: u64) -> Result<v1::CancelJobsResponse, Error> {
    let namespace = filter.namespace.clone();
    let page = ask(api.store.jobs(filter)).await?;
    let next_cursor = page.next.map(|id| id.to_string()).unwrap_or_default();
    let mut answer = v1::CancelJobsResponse { next_cursor, ..v1::CancelJobsResponse::default() };
    let ids: Vec<_> = page.jobs.iter().map(|job| job.id).collect();
    drop(page.jobs);
    if ids.is_empty() {
        return Ok(answer);
    }
    let cancel = Cancel { namespace, ids: ids.clone(), grace_ms };
    let cancelled = ask(api.store.cancel(cancel)).await?;
    let (mut done, mut leases) = (Vec::new(), Vec::new());
    for (id, cancelled) in ids.into_iter().zip(cancelled) {
        match cancelled {
            Cancelled::Done => done.push(id),
            Cancelled::Asked(lease) => leases.push(lease),
            // It ended, or was removed, since the page was read.
            Cancelled::Already(_) | Cancelled::Unknown => answer.ended += 1,
        }
    }
    let running = leases.len();
    answer.cancelled = done.len() as u64;
    if !done.is_empty() {
        api.bell.signal(Signal::Ended(done));
    }
    let reached = api.hosts.interrupt(leases, grace_ms).await;
    answer.stopping = reached as u64;
    answer.unreached = running.saturating_sub(reached) as u64;
    Ok(answer)
}
