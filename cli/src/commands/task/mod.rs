//! `jobctl task …`.

mod check;
mod component;
mod manifest;
mod publish;
mod run;

use rpc::v1;

use super::context::{Context, ask};
use super::role;
use crate::args::{TaskCommand, TaskTarget};
use crate::exit::{Exit, Result};
use crate::show::task::{Task, Version, tasks, version, versions};

/// Does what was asked.
pub(crate) fn run(context: Context, command: TaskCommand) -> Result {
    match command {
        TaskCommand::Check(check) => role::serve(check::run(context, *check)),
        TaskCommand::Run(run) => run::run(context, *run),
        TaskCommand::Publish(publish) => publish::run(context, &publish),
        TaskCommand::List => ask(list(context)),
        TaskCommand::Show(target) => ask(show(context, target)),
        TaskCommand::Versions(target) => ask(all_versions(context, target)),
    }
}

async fn list(context: Context) -> Result {
    let server = context.server().await?;
    let namespace = context.namespace();
    let answer = server
        .call(|mut client| {
            let request = v1::ListTasksRequest { namespace: namespace.clone() };
            async move { client.tasks.list_tasks(request).await }
        })
        .await?;
    let shown: Vec<_> = answer.tasks.iter().map(Task::from).collect();
    context.output.named("tasks", &shown, |view| tasks(view, context.times, &answer.tasks))?;
    Ok(Exit::Done)
}

async fn show(context: Context, target: TaskTarget) -> Result {
    let server = context.server().await?;
    let request = v1::GetTaskRequest { namespace: context.namespace(), task: target.task.to_string() };
    let answer = server
        .call(|mut client| {
            let request = request.clone();
            async move { client.tasks.get_task(request).await }
        })
        .await?;
    context.output.document(&Version::from(&answer), |view| version(view, context.times, &answer))?;
    Ok(Exit::Done)
}

async fn all_versions(context: Context, target: TaskTarget) -> Result {
    let server = context.server().await?;
    let request = v1::ListVersionsRequest {
        namespace: context.namespace(),
        task: target.task.task.as_str().to_owned(),
    };
    let answer = server
        .call(|mut client| {
            let request = request.clone();
            async move { client.tasks.list_versions(request).await }
        })
        .await?;
    let shown: Vec<_> = answer.versions.iter().map(Version::from).collect();
    context.output.named("versions", &shown, |view| versions(view, context.times, &answer.versions))?;
    Ok(Exit::Done)
}
