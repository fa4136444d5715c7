//! `jobctl job cancel`: one job by its id, or all that match, counted first.

use model::job::JobState;
use model::units::{millis, show_count, show_duration_ms};
use rpc::v1;
use serde::Serialize;

use super::bulk::{self, Deed, Page, Words};
use super::filter::Filter;
use crate::args::JobCancel;
use crate::commands::context::Context;
use crate::exit::{Error, Exit, Result};
use crate::server::Server;
use crate::show::escape;

/// Cancels what was asked for.
pub(super) async fn run(context: Context, cancel: JobCancel) -> Result {
    let grace_ms = cancel.grace.map_or(0, millis);
    if let Some(id) = cancel.id {
        return one(context, id, grace_ms).await;
    }
    let filter = checked(&context, &cancel)?;
    many(context, filter, grace_ms, cancel.yes).await
}

#[derive(Debug, Serialize)]
struct Cancelled<'a> {
    id: &'a str,
    state: &'a str,
    changed: bool,
    host_reached: bool,
}

async fn one(context: Context, id: String, grace_ms: u64) -> Result {
    let server = context.server().await?;
    let request = v1::CancelJobRequest { namespace: context.namespace(), id, grace_ms };
    let answer = server
        .call(|mut client| {
            let request = request.clone();
            async move { client.jobs.cancel_job(request).await }
        })
        .await?;
    let shown = Cancelled {
        id: &answer.id,
        state: &answer.state,
        changed: answer.changed,
        host_reached: answer.host_reached,
    };
    context.output.document(&shown, |_| escape::line(&how_cancelled(&answer, grace_ms)))?;
    Ok(Exit::Done)
}

fn how_cancelled(answer: &v1::CancelJobResponse, grace_ms: u64) -> String {
    let id = &answer.id;
    let grace = match grace_ms {
        0 => String::new(),
        ms => format!("; it may go on for {}", show_duration_ms(ms)),
    };
    match (answer.state.as_str(), answer.changed, answer.host_reached) {
        ("running", _, true) => format!("job {id} was told to stop{grace}"),
        ("running", _, false) => format!(
            "job {id} will be told to stop by its host's next heartbeat: the host was not reached{}",
            grace.replace("it may", "then it may")
        ),
        (state, true, _) => format!("job {id} is {state}"),
        (state, false, _) => format!("job {id} had ended already: {state}"),
    }
}

/// The jobs that are meant: none that have ended.
fn checked(context: &Context, cancel: &JobCancel) -> Result<Filter> {
    if let Some(ended) = cancel.filter.states.iter().copied().find(|state| JobState::is_final(*state)) {
        return Err(Error::usage(format!(
            "state: a job that is {ended} has ended: there is nothing to cancel"
        ))
        .hint("--state scheduled, queued or running"));
    }
    bulk::meant(context, &cancel.filter, cancel.all, Cancelling::WORDS)
}

/// What became of the jobs that matched.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
struct Sum {
    matched: u64,
    cancelled: u64,
    stopping: u64,
    unreached: u64,
    ended: u64,
}

impl Sum {
    fn add(&mut self, page: &v1::CancelJobsResponse) -> u64 {
        self.cancelled += page.cancelled;
        self.stopping += page.stopping;
        self.unreached += page.unreached;
        self.ended += page.ended;
        page.cancelled + page.stopping + page.unreached + page.ended
    }

    fn text(&self, grace_ms: u64) -> String {
        if self.matched == 0 {
            return "no unfinished jobs match".to_owned();
        }
        let mut parts = Vec::new();
        let mut part = |count: u64, what: &str| {
            if count > 0 {
                parts.push(format!("{what} {}", show_count(count)));
            }
        };
        part(self.cancelled, "cancelled");
        part(self.stopping, "stopping");
        part(self.unreached, "told by their hosts' next heartbeat");
        part(self.ended, "ended meanwhile");
        if grace_ms > 0 && self.stopping + self.unreached > 0 {
            parts.push(format!("each may go on for {}", show_duration_ms(grace_ms)));
        }
        if parts.is_empty() { "all of them ended meanwhile".to_owned() } else { parts.join(", ") }
    }
}

async fn many(context: Context, filter: Filter, grace_ms: u64, yes: bool) -> Result {
    let server = context.server().await?;
    let request = v1::CancelJobsRequest {
        namespace: context.namespace(),
        states: filter.states,
        task: filter.task,
        queue: filter.queue,
        tags: filter.tags,
        since: filter.since,
        grace_ms,
        count_only: true,
        cursor: String::new(),
    };
    let mut cancelling = Cancelling { request, sum: Sum::default() };
    let Some(matched) = bulk::run(&context, &server, &mut cancelling, yes).await? else {
        return Ok(Exit::Usage);
    };
    let sum = Sum { matched, ..cancelling.sum };
    context.output.document(&sum, |_| sum.text(grace_ms))?;
    Ok(Exit::Done)
}

/// Cancels page by page. A page that is asked for twice does no harm: what was cancelled already is counted as ended.
struct Cancelling {
    request: v1::CancelJobsRequest,
    sum: Sum,
}

impl Deed for Cancelling {
    const WORDS: Words = Words {
        ask: "Cancel",
        does: "cancels",
        going_on: "cancelling",
        done: "cancelled",
        all: "unfinished",
    };

    async fn count(&mut self, server: &Server) -> Result<Vec<(u64, &'static str)>> {
        let count = ask(server, &self.request).await?;
        Ok(vec![(count.running, "running"), (count.queued, "queued"), (count.scheduled, "scheduled")])
    }

    async fn page(&mut self, server: &Server, cursor: String) -> Result<Page> {
        self.request.count_only = false;
        self.request.cursor = cursor;
        let page = ask(server, &self.request).await?;
        Ok(Page { jobs: self.sum.add(&page), next_cursor: page.next_cursor })
    }

    fn done(&self) -> u64 {
        self.sum.cancelled + self.sum.stopping + self.sum.unreached
    }

    fn with_done(&self, error: Error) -> Error {
        error.with("cancelled", self.sum.cancelled).with("stopping", self.sum.stopping + self.sum.unreached)
    }
}

async fn ask(server: &Server, request: &v1::CancelJobsRequest) -> Result<v1::CancelJobsResponse> {
    let answer = server.call(|mut client| {
        let request = request.clone();
        async move { client.jobs.cancel_jobs(request).await }
    });
    Ok(answer.await?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cancel_says_what_came_of_it() {
        let said = |state: &str, changed, host_reached, grace_ms| {
            let state = state.to_owned();
            let answer = v1::CancelJobResponse { id: "x".to_owned(), state, changed, host_reached };
            how_cancelled(&answer, grace_ms)
        };

        assert_eq!(said("cancelled", true, false, 5_000), "job x is cancelled");
        assert_eq!(said("running", true, true, 0), "job x was told to stop");
        assert_eq!(said("running", true, true, 5_000), "job x was told to stop; it may go on for 5s");
        let unreached = said("running", true, false, 5_000);
        assert!(
            unreached.contains("heartbeat") && unreached.ends_with("; then it may go on for 5s"),
            "{unreached}"
        );
        assert_eq!(said("succeeded", false, false, 0), "job x had ended already: succeeded");
    }

    #[test]
    fn a_bulk_cancel_says_what_became_of_how_many() {
        let sum = Sum { matched: 12, cancelled: 2, stopping: 10, ..Sum::default() };

        assert_eq!(sum.text(0), "cancelled 2, stopping 10");
        assert_eq!(sum.text(5_000), "cancelled 2, stopping 10, each may go on for 5s");
        assert_eq!(Sum { matched: 3, cancelled: 3, ..Sum::default() }.text(5_000), "cancelled 3");
        assert_eq!(Sum::default().text(0), "no unfinished jobs match");
        let rest = Sum { matched: 3, unreached: 1, ended: 2, ..Sum::default() };
        assert_eq!(rest.text(0), "told by their hosts' next heartbeat 1, ended meanwhile 2");
    }
}
