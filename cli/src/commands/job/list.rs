//! `jobctl job list`.

use rpc::v1;

use super::filter;
use crate::args::JobList;
use crate::commands::context::Context;
use crate::commands::pages::gather;
use crate::exit::{Exit, Result};
use crate::show::job::{Job, Jobs};
use crate::show::job_text;

/// Lists jobs, newest first, page by page until there are as many as were asked for.
pub(super) async fn run(context: Context, list: JobList) -> Result {
    let request = request(&context, &list)?;
    let server = context.server().await?;
    let (jobs, cursor) = gather(list.limit, request.cursor.clone(), async |limit, cursor| {
        let page = v1::ListJobsRequest { limit, cursor, ..request.clone() };
        let page = server
            .call(|mut client| {
                let page = page.clone();
                async move { client.jobs.list_jobs(page).await }
            })
            .await?;
        Ok((page.jobs, page.next_cursor))
    })
    .await?;
    let cursor = Some(cursor.as_str()).filter(|cursor| !cursor.is_empty());
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
