//! `jobctl job retry`: one job by its id, or all that match, counted first.

use model::job::JobState;
use model::units::show_count;
use rpc::v1;
use serde::Serialize;

use super::bulk::{self, Deed, Page, Words};
use super::filter::Filter;
use crate::args::JobRetry;
use crate::commands::context::Context;
use crate::exit::{Error, Exit, Result};
use crate::server::Server;
use crate::show::escape;

/// Retries what was asked for.
pub(super) async fn run(context: Context, retry: JobRetry) -> Result {
    if let Some(id) = retry.id {
        return one(context, id).await;
    }
    let filter = checked(&context, &retry)?;
    many(context, filter, retry.yes).await
}

#[derive(Debug, Serialize)]
struct Retried<'a> {
    id: &'a str,
    state: &'a str,
}

/// Not made twice: the second call would find the job waiting, and refuse.
async fn one(context: Context, id: String) -> Result {
    let server = context.server().await?;
    let request = v1::RetryJobRequest { namespace: context.namespace(), id };
    let mut client = server.client();
    let answer = server.call_once(client.jobs.retry_job(request)).await?;
    context.output.document(&Retried { id: &answer.id, state: &answer.state }, |_| {
        escape::line(&format!("job {} is {}", answer.id, answer.state))
    })?;
    Ok(Exit::Done)
}

/// The jobs that are meant: only such as can be retried.
fn checked(context: &Context, retry: &JobRetry) -> Result<Filter> {
    let is_other = |state: &JobState| !matches!(state, JobState::Failed | JobState::Cancelled);
    if let Some(other) = retry.filter.states.iter().copied().find(is_other) {
        let why = match other {
            JobState::Succeeded => "is done",
            _ => "has not ended",
        };
        return Err(Error::usage(format!("state: a job that is {other} {why}: there is nothing to retry"))
            .hint("--state failed or cancelled"));
    }
    bulk::meant(context, &retry.filter, retry.all, Retrying::WORDS)
}

/// What became of the jobs that matched.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
struct Sum {
    matched: u64,
    retried: u64,
    skipped: u64,
}

impl Sum {
    fn text(&self) -> String {
        if self.matched == 0 {
            return "no failed or cancelled jobs match".to_owned();
        }
        let skipped = match self.skipped {
            0 => String::new(),
            skipped => format!(", skipped {} that changed meanwhile", show_count(skipped)),
        };
        format!("retried {}{skipped}", show_count(self.retried))
    }
}

async fn many(context: Context, filter: Filter, yes: bool) -> Result {
    let server = context.server().await?;
    let request = v1::RetryJobsRequest {
        namespace: context.namespace(),
        states: filter.states,
        task: filter.task,
        queue: filter.queue,
        tags: filter.tags,
        since: filter.since,
        count_only: true,
        cursor: String::new(),
        ended_by: None,
    };
    let mut retrying = Retrying { request, sum: Sum::default() };
    let Some(matched) = bulk::run(&context, &server, &mut retrying, yes).await? else {
        return Ok(Exit::Usage);
    };
    let sum = Sum { matched, ..retrying.sum };
    context.output.document(&sum, |_| sum.text())?;
    Ok(Exit::Done)
}

/// Retries page by page what had ended when it was counted. So a page may be asked for twice, when its answer was lost:
/// what was retried and failed again by then is passed over, and only the sum knows less of it.
struct Retrying {
    request: v1::RetryJobsRequest,
    sum: Sum,
}

impl Deed for Retrying {
    const WORDS: Words =
        Words { ask: "Retry", does: "retries", going_on: "retrying", done: "retried", all: "failed" };

    async fn count(&mut self, server: &Server) -> Result<Vec<(u64, &'static str)>> {
        let count = ask(server, &self.request).await?;
        self.request.ended_by = count.counted_at;
        Ok(vec![(count.failed, "failed"), (count.cancelled, "cancelled")])
    }

    async fn page(&mut self, server: &Server, cursor: String) -> Result<Page> {
        self.request.count_only = false;
        self.request.cursor = cursor;
        let page = ask(server, &self.request).await?;
        self.sum.retried += page.retried;
        self.sum.skipped += page.skipped;
        Ok(Page { jobs: page.retried + page.skipped, next_cursor: page.next_cursor })
    }

    fn done(&self) -> u64 {
        self.sum.retried
    }

    fn with_done(&self, error: Error) -> Error {
        error.with("retried", self.sum.retried)
    }
}

async fn ask(server: &Server, request: &v1::RetryJobsRequest) -> Result<v1::RetryJobsResponse> {
    let answer = server.call(|mut client| {
        let request = request.clone();
        async move { client.jobs.retry_jobs(request).await }
    });
    Ok(answer.await?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bulk_retry_says_what_became_of_how_many() {
        assert_eq!(Sum { matched: 1_200, retried: 1_200, skipped: 0 }.text(), "retried 1,200");
        let rest = Sum { matched: 3, retried: 1, skipped: 2 };
        assert_eq!(rest.text(), "retried 1, skipped 2 that changed meanwhile");
        assert_eq!(Sum::default().text(), "no failed or cancelled jobs match");
    }
}
