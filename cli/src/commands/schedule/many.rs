//! What is done to one or more schedules by their names: pause, resume, delete.

use std::collections::BTreeSet;

use model::name::ScheduleName;
use rpc::{Code, v1};
use serde::Serialize;

use crate::args::{Format, ScheduleNames};
use crate::commands::context::Context;
use crate::exit::{Error, Exit, Result};
use crate::server::Server;
use crate::show::schedule::{Schedule, Schedules};
use crate::show::{escape, time};

/// What is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verb {
    Pause,
    Resume,
    Delete,
}

impl Verb {
    fn done(self) -> &'static str {
        match self {
            Self::Pause => "paused",
            Self::Resume => "resumed",
            Self::Delete => "deleted",
        }
    }
}

/// What was deleted.
#[derive(Debug, Serialize)]
struct Deleted<'a> {
    name: &'a str,
    deleted: bool,
}

/// Does it to each, in their order. One that cannot be had does not keep the others; a server that is away does.
pub(super) async fn run(context: Context, names: ScheduleNames, verb: Verb) -> Result {
    let server = context.server().await?;
    let mut named = BTreeSet::new();
    let names: Vec<_> = names.names.into_iter().filter(|name| named.insert(name.clone())).collect();
    let mut done: Vec<v1::Schedule> = Vec::new();
    let mut refused: Vec<(&ScheduleName, rpc::Error)> = Vec::new();
    for name in &names {
        match one(&context, &server, name, verb).await {
            Ok(schedule) => {
                told(&context, &schedule, verb)?;
                done.push(schedule);
            }
            Err(error) => {
                let is_away = error.code == Code::Unavailable;
                refused.push((name, error));
                if is_away {
                    break;
                }
            }
        }
    }
    if refused.is_empty() {
        return whole(&context, &done, names.len(), verb).map(|()| Exit::Done);
    }
    Err(failed(refused, &done, names.len(), verb))
}

/// Does it to one. All three do no harm when they are done twice.
async fn one(
    context: &Context,
    server: &Server,
    name: &ScheduleName,
    verb: Verb,
) -> std::result::Result<v1::Schedule, rpc::Error> {
    let (namespace, name) = (context.namespace(), name.as_str().to_owned());
    let namespace = || namespace.clone();
    match verb {
        Verb::Pause => {
            let request = || v1::PauseScheduleRequest { namespace: namespace(), name: name.clone() };
            server
                .call(|mut client| {
                    let request = request();
                    async move { client.schedules.pause_schedule(request).await }
                })
                .await
        }
        Verb::Resume => {
            let request = || v1::ResumeScheduleRequest { namespace: namespace(), name: name.clone() };
            server
                .call(|mut client| {
                    let request = request();
                    async move { client.schedules.resume_schedule(request).await }
                })
                .await
        }
        Verb::Delete => {
            let request = || v1::DeleteScheduleRequest { namespace: namespace(), name: name.clone() };
            let mut calls = 0;
            let answer = server.call(|mut client| {
                calls += 1;
                let request = request();
                async move { client.schedules.delete_schedule(request).await }
            });
            match answer.await {
                // The answer that was lost had deleted it.
                Err(error) if !(error.code == Code::NotFound && calls > 1) => Err(error),
                _ => Ok(v1::Schedule { name, ..v1::Schedule::default() }),
            }
        }
    }
}

/// Tells people, and programs that read a line at a time, of each as it is done.
fn told(context: &Context, schedule: &v1::Schedule, verb: Verb) -> Result<()> {
    match (context.output.format(), verb) {
        (Format::Text, _) => context.output.text(&said(context, schedule, verb)),
        (Format::Json, _) => Ok(()),
        (Format::Jsonl, Verb::Delete) => context.output.json_line(&deleted(schedule)),
        (Format::Jsonl, _) => context.output.json_line(&Schedule::of(schedule)),
    }
}

fn said(context: &Context, schedule: &v1::Schedule, verb: Verb) -> String {
    let name = &schedule.name;
    let next = schedule.next_at.as_ref().and_then(time::instant).map(|at| context.times.at_both(at));
    let text = match (verb, next) {
        (Verb::Resume, Some(next)) => {
            format!("schedule {name} is {}; it fires next at {next}", schedule.state)
        }
        (Verb::Pause | Verb::Resume, _) => format!("schedule {name} is {}", schedule.state),
        (Verb::Delete, _) => format!("schedule {name} is deleted"),
    };
    escape::line(&text)
}

fn deleted(schedule: &v1::Schedule) -> Deleted<'_> {
    Deleted { name: &schedule.name, deleted: true }
}

/// The one document for programs: of one schedule when one was named, else the list.
fn whole(context: &Context, done: &[v1::Schedule], named: usize, verb: Verb) -> Result<()> {
    if context.output.format() != Format::Json {
        return Ok(());
    }
    let nothing = |_: &crate::show::view::View| String::new();
    match (verb, done) {
        (Verb::Delete, [one]) if named == 1 => context.output.document(&deleted(one), nothing),
        (Verb::Delete, _) => {
            let all: Vec<_> = done.iter().map(deleted).collect();
            context.output.named("schedules", &all, nothing)
        }
        (_, [one]) if named == 1 => context.output.document(&Schedule::of(one), nothing),
        _ => {
            let all: Vec<_> = done.iter().filter_map(Schedule::of).collect();
            context.output.list(&all, &Schedules { schedules: &all, next_cursor: None }, nothing)
        }
    }
}

/// The error for all that could not be done, with the names of those that were.
fn failed(
    refused: Vec<(&ScheduleName, rpc::Error)>,
    done: &[v1::Schedule],
    named: usize,
    verb: Verb,
) -> Error {
    let many = refused.len() > 1;
    let messages: Vec<_> = refused.iter().map(|(_, error)| error.message.clone()).collect();
    let names: Vec<_> = refused.iter().map(|(name, _)| name.as_str().to_owned()).collect();
    let done: Vec<_> = done.iter().map(|schedule| schedule.name.clone()).collect();
    let Some((_, first)) = refused.into_iter().next() else {
        return Error::usage("no schedule was named");
    };
    let error = Error::from(first);
    if named == 1 {
        return error;
    }
    let error = if many { error.context(|_| messages.join("; ")) } else { error };
    error
        .context(|what| format!("{what} ({} of {named} were {})", done.len(), verb.done()))
        .with("refused", names)
        .with("done", done)
}
