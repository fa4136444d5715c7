//! `jobctl job cancel`: one job by its id, or all that match, counted first.

use model::job::JobState;
use model::units::{millis, show_count, show_duration_ms};
use rpc::v1;
use serde::Serialize;

use super::filter::{self, Filter};
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

/// The jobs that are meant: never all of them by mistake, and none that have ended.
fn checked(context: &Context, cancel: &JobCancel) -> Result<Filter> {
    if let Some(ended) = cancel.filter.states.iter().copied().find(|state| JobState::is_final(*state)) {
        return Err(Error::usage(format!(
            "state: a job that is {ended} has ended: there is nothing to cancel"
        ))
        .hint("--state scheduled, queued or running"));
    }
    let filter = filter::of(context, &cancel.filter)?;
    if filter.is_empty() && !cancel.all {
        return Err(Error::usage("which jobs? neither an ID nor a filter was given").hint(
            "--task, --state, --queue, --tag or --since, or --all for every unfinished job of the namespace",
        ));
    }
    Ok(filter)
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
    let count = ask(&server, &request).await?;
    let mut sum = Sum { matched: count.scheduled + count.queued + count.running, ..Sum::default() };
    if sum.matched > 0 {
        let matching = matching(&count, sum.matched);
        if yes {
            context.output.detail(&matching);
        } else if !confirmed(&context, &matching)? {
            context.output.note("nothing was cancelled");
            return Ok(Exit::Usage);
        }
        cancel_all(&context, &server, request, &mut sum).await?;
    }
    context.output.document(&sum, |_| sum.text(grace_ms))?;
    Ok(Exit::Done)
}

/// `12 jobs match: 10 running, 2 queued`.
fn matching(count: &v1::CancelJobsResponse, matched: u64) -> String {
    let states = [(count.running, "running"), (count.queued, "queued"), (count.scheduled, "scheduled")];
    let states: Vec<_> = states
        .iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, state)| format!("{} {state}", show_count(*count)))
        .collect();
    let matched = match matched {
        1 => "1 job matches".to_owned(),
        many => format!("{} jobs match", show_count(many)),
    };
    format!("{matched}: {}", states.join(", "))
}

/// Asks whoever sits at the terminal; without one somebody must have said `-y`.
fn confirmed(context: &Context, matching: &str) -> Result<bool> {
    if !context.output.can_ask() {
        return Err(Error::usage(format!("{matching}; nothing was cancelled, for nobody can be asked"))
            .hint("-y cancels them without asking"));
    }
    context.output.ask(&format!("{matching}\nCancel them? [y/N] "))
}

/// Page by page. A page that is asked for twice does no harm: what was cancelled already is counted as ended.
async fn cancel_all(
    context: &Context,
    server: &Server,
    mut request: v1::CancelJobsRequest,
    sum: &mut Sum,
) -> Result<()> {
    request.count_only = false;
    let progress = context.output.progress_count("cancelling", sum.matched);
    loop {
        let page = ask(server, &request).await.map_err(|error| {
            let done = sum.cancelled + sum.stopping + sum.unreached;
            match done {
                0 => error,
                done => error
                    .exit(Exit::Unexpected)
                    .context(|what| format!("{what}; {} jobs were cancelled before", show_count(done)))
                    .with("cancelled", sum.cancelled)
                    .with("stopping", sum.stopping + sum.unreached),
            }
        })?;
        progress.advance(sum.add(&page));
        request.cursor = page.next_cursor;
        if request.cursor.is_empty() {
            return Ok(());
        }
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
    fn jobs_that_match_are_counted_by_their_state() {
        let count =
            v1::CancelJobsResponse { running: 10, queued: 2_000, ..v1::CancelJobsResponse::default() };

        assert_eq!(matching(&count, 2_010), "2,010 jobs match: 10 running, 2,000 queued");
        let one = v1::CancelJobsResponse { scheduled: 1, ..v1::CancelJobsResponse::default() };
        assert_eq!(matching(&one, 1), "1 job matches: 1 scheduled");
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
