//! `jobctl job …`.

mod bulk;
mod cancel;
mod file;
mod filter;
mod list;
mod logs;
mod retry;

use rpc::v1;

use super::context::Context;
use super::wait;
use crate::args::JobCommand;
use crate::exit::{Error, Exit, Result};
use crate::show::job::{File, Job};
use crate::show::job_text;

/// Does what was asked.
pub(crate) async fn run(context: Context, command: JobCommand) -> Result {
    match command {
        JobCommand::List(filter) => Box::pin(list::run(context, filter)).await,
        JobCommand::Show(job) => show(context, &job.id).await,
        JobCommand::Wait(what) => {
            let server = context.server().await?;
            let job = wait::get(&context, &server, &what.job.id).await?;
            let job = match is_final(&job) {
                true => job,
                false => wait::one(&context, &server, &job.id, what.wait_timeout).await?,
            };
            wait::conclude(&context, &job)
        }
        JobCommand::Logs(follow) => Box::pin(logs::run(context, follow)).await,
        JobCommand::Result(job) => result(context, &job.id).await,
        JobCommand::Files(job) => files(context, &job.id).await,
        JobCommand::File(what) => Box::pin(file::run(context, what)).await,
        JobCommand::Cancel(what) => Box::pin(cancel::run(context, what)).await,
        JobCommand::Retry(what) => Box::pin(retry::run(context, what)).await,
    }
}

fn is_final(job: &v1::Job) -> bool {
    job.state.parse().is_ok_and(model::job::JobState::is_final)
}

async fn show(context: Context, id: &str) -> Result {
    let server = context.server().await?;
    let job = wait::get(&context, &server, id).await?;
    context.output.document(&Job::from(&job), |view| job_text::job(view, context.times, &job))?;
    if let Some(hint) = job_text::what_to_do(&job) {
        context.output.hint(&hint);
    }
    Ok(Exit::Done)
}

/// Prints the result as it came, whatever the format: it is JSON.
async fn result(context: Context, id: &str) -> Result {
    let server = context.server().await?;
    let job = wait::get(&context, &server, id).await?;
    if !is_final(&job) {
        let message = format!("job {} has no result yet: it is {}", job.id, job.state);
        return Err(Error::new(Exit::Conflict, "conflict", message)
            .hint(format!("`jobctl job wait {}` waits for it and prints it", job.id))
            .with("job", job.id));
    }
    if Exit::of_job(&job.state) != Exit::Done {
        return Err(wait::not_succeeded(&job));
    }
    wait::print_result(&context, &job)?;
    Ok(Exit::Done)
}

async fn files(context: Context, id: &str) -> Result {
    let server = context.server().await?;
    let job = wait::get(&context, &server, id).await?;
    let files: Vec<_> = job.files.iter().map(File::from).collect();
    context.output.named("files", &files, |view| job_text::files(view, &job.files))?;
    Ok(Exit::Done)
}
