//! Waiting until jobs have ended, through restarts of the server.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use futures::stream::{self, StreamExt, TryStreamExt};
use model::units::show_duration;
use rpc::{Code, v1};

use super::context::Context;
use crate::args::Format;
use crate::exit::{Error, Exit, Result};
use crate::output::Progress;
use crate::server::{PATIENCE, Server, waits};
use crate::show::job::Job;

/// Jobs fetched at once: a batch of thousands would take as many round trips one after another.
const LOOKUPS: usize = 32;

/// Jobs asked about in one stream.
const IDS_MAX: usize = 1_000;

/// How often the progress of a job is looked at while somebody watches.
const LOOK: Duration = Duration::from_millis(500);

/// A job as it stands now.
pub(crate) async fn get(context: &Context, server: &Server, id: &str) -> Result<v1::Job> {
    let request = v1::GetJobRequest { namespace: context.namespace(), id: id.to_owned() };
    let answer = server.call(|mut client| {
        let request = request.clone();
        async move { client.jobs.get_job(request).await }
    });
    Ok(answer.await?)
}

/// Waits until the job has ended, and returns it.
pub(crate) async fn one(
    context: &Context,
    server: &Server,
    id: &str,
    timeout: Option<Duration>,
) -> Result<v1::Job> {
    let progress = context.output.progress("waiting");
    let ids = [id.to_owned()];
    let ended = async {
        let no_count = Progress::hidden();
        if !context.output.shows_progress() {
            return all_of(context, server, &ids, &no_count).await;
        }
        tokio::select! {
            ended = all_of(context, server, &ids, &no_count) => ended,
            never = watch(context, server, id, &progress) => match never {},
        }
    };
    within(timeout, ended).await?.map_err(|timeout| {
        Error::new(Exit::TimedOut, Code::Timeout.as_str(), format!("job {id} has not ended within {timeout}"))
            .hint(format!(
                "it goes on: `jobctl job wait {id}` waits again, `jobctl job cancel {id}` stops it"
            ))
            .with("job", id)
    })?;
    drop(progress);
    get(context, server, id).await
}

/// Waits until all the jobs have ended, and returns them in the order of `ids`.
pub(crate) async fn many(
    context: &Context,
    server: &Server,
    ids: &[String],
    timeout: Option<Duration>,
) -> Result<Vec<v1::Job>> {
    let progress = context.output.progress_count("waiting", ids.len() as u64);
    within(timeout, all_of(context, server, ids, &progress)).await?.map_err(|timeout| {
        let message = format!("not all of {} jobs have ended within {timeout}", ids.len());
        Error::new(Exit::TimedOut, Code::Timeout.as_str(), message)
            .hint("they go on: `jobctl job list` shows how they stand")
            .with("jobs", ids)
    })?;
    drop(progress);
    stream::iter(ids).map(|id| get(context, server, id)).buffered(LOOKUPS).try_collect().await
}

/// What a wait came to, or, inside, how long it took in vain.
async fn within(
    timeout: Option<Duration>,
    wait: impl Future<Output = Result<()>>,
) -> Result<std::result::Result<(), String>> {
    match timeout {
        None => wait.await.map(Ok),
        Some(timeout) => match tokio::time::timeout(timeout, wait).await {
            Ok(ended) => ended.map(Ok),
            Err(_) => Ok(Err(show_duration(timeout))),
        },
    }
}

async fn all_of(context: &Context, server: &Server, ids: &[String], progress: &Progress) -> Result<()> {
    for ids in ids.chunks(IDS_MAX) {
        let mut left: HashSet<String> = ids.iter().cloned().collect();
        let mut silent_since: Option<Instant> = None;
        let mut waits = waits();
        while !left.is_empty() {
            let before = left.len();
            let Some(error) = listen(context, server, &mut left, progress).await else { continue };
            if error.code != Code::Unavailable {
                return Err(error.into());
            }
            if left.len() < before {
                silent_since = None;
            }
            let since = *silent_since.get_or_insert_with(Instant::now);
            if since.elapsed() > PATIENCE {
                let error = Error::from(error);
                return Err(match ids {
                    [id] => error
                        .hint(format!("the job is safe: `jobctl job wait {id}` waits for it again"))
                        .with("job", id.as_str()),
                    _ => error,
                });
            }
            context.output.detail(&format!("the wait was cut off ({error}); trying again"));
            tokio::time::sleep(waits.next().unwrap_or(PATIENCE)).await;
        }
    }
    Ok(())
}

/// Takes from `left` what has ended, until all has or the stream breaks; returns why it broke.
async fn listen(
    context: &Context,
    server: &Server,
    left: &mut HashSet<String>,
    progress: &Progress,
) -> Option<rpc::Error> {
    let request = v1::WaitJobsRequest { namespace: context.namespace(), ids: left.iter().cloned().collect() };
    let mut client = server.client();
    let mut ended = match server.call_once(client.jobs.wait_jobs(request)).await {
        Ok(ended) => ended,
        Err(error) => return Some(error),
    };
    while !left.is_empty() {
        match ended.message().await {
            Ok(Some(job)) => {
                if left.remove(&job.id) {
                    progress.advance(1);
                }
            }
            Ok(None) => return Some(server.unavailable("it ended the wait")),
            Err(status) => return Some(server.error(status)),
        }
    }
    None
}

/// Shows how far a job says it is, for ever.
async fn watch(
    context: &Context,
    server: &Server,
    id: &str,
    progress: &Progress,
) -> std::convert::Infallible {
    loop {
        // What cannot be had now is shown at the next look.
        if let Ok(job) = get(context, server, id).await {
            match &job.progress {
                Some(now) => {
                    progress.percent(now.percent.into());
                    progress.say(&now.message);
                }
                None => progress.say(&job.state),
            }
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// Prints what became of a job that was waited for: its result for people, the whole job for programs.
pub(crate) fn conclude(context: &Context, job: &v1::Job) -> Result {
    let exit = Exit::of_job(&job.state);
    if context.output.format() != Format::Text {
        context.output.document(&Job::from(job), |_| String::new())?;
        return Ok(exit);
    }
    if exit == Exit::Done {
        print_result(context, job)?;
        return Ok(exit);
    }
    Err(not_succeeded(job))
}

/// Prints the result as it came.
pub(crate) fn print_result(context: &Context, job: &v1::Job) -> Result<()> {
    let result = job.result.as_deref().unwrap_or(b"null");
    context.output.raw_json(&String::from_utf8_lossy(result))
}

/// Why there is no result of a job that has ended.
pub(crate) fn not_succeeded(job: &v1::Job) -> Error {
    let why = job.error.as_ref().map(|failure| format!(": {}: {}", failure.kind, failure.message));
    let message = format!("job {} {}{}", job.id, job.state, why.unwrap_or_default());
    let hint = format!("`jobctl job show {0}` shows its attempts, `jobctl job logs {0}` its log", job.id);
    match Exit::of_job(&job.state) {
        Exit::JobCancelled => {
            Error::new(Exit::JobCancelled, "job_cancelled", message).with("job", job.id.as_str())
        }
        _ => Error::new(Exit::JobFailed, "job_failed", message).hint(hint).with("job", job.id.as_str()),
    }
}
