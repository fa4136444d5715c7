//! `jobctl job list`.

use model::bounds::PAGE_MAX;
use rpc::v1;

use super::filter;
use crate::args::JobList;
use crate::commands::context::Context;
use crate::exit::{Exit, Result};
use crate::show::job::{Job, Jobs};
use crate::show::job_text;

/// Lists jobs, newest first, page by page until there are as many as were asked for.
pub(super) async fn run(context: Context, list: JobList) -> Result {
    let mut request = request(&context, &list)?;
    let server = context.server().await?;
    let mut jobs: Vec<v1::Job> = Vec::new();
    loop {
        let left = list.limit.saturating_sub(u32::try_from(jobs.len()).unwrap_or(u32::MAX));
        request.limit = left.min(PAGE_MAX);
        let page = server
            .call(|mut client| {
                let request = request.clone();
                async move { client.jobs.list_jobs(request).await }
            })
            .await?;
        let is_empty = page.jobs.is_empty();
        jobs.extend(page.jobs);
        request.cursor = page.next_cursor;
        if request.cursor.is_empty() || is_empty || jobs.len() >= list.limit as usize {
            break;
        }
    }
    let cursor = Some(request.cursor.as_str()).filter(|cursor| !cursor.is_empty());
    let shown: Vec<_> = jobs.iter().map(Job::from).collect();
    let whole = Jobs { jobs: &shown, next_cursor: cursor };
    context.output.list(&shown, &whole, |view| job_text::jobs(view, context.times, &jobs))?;
    if let Some(cursor) = cursor {
        context.output.hint(&format!("there are more: --cursor {cursor}"));
    }
    Ok(Exit::Done)
}

fn request(context: &Context, list: &JobList) -> Result<v1::ListJobsRequest> {
    let filter = filter::of(context, &list.filter)?;
    Ok(v1::ListJobsRequest {
        namespace: context.namespace(),
        states: filter.states,
        task: filter.task,
        queue: filter.queue,
        tags: filter.tags,
        since: filter.since,
        limit: 0,
        cursor: list.cursor.clone().unwrap_or_default(),
    })
}
