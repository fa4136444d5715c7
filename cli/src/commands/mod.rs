//! What each command does.

mod context;
mod enqueue;
mod files;
mod job;
mod pages;
mod payload;
mod plain;
mod role;
mod schedule;
mod status;
mod task;
mod wait;

use crate::args::{Command, HostCommand, SchedulerCommand};
use crate::config::Settings;
use crate::exit::{Exit, Result};
use crate::output::Output;
use context::Context;

/// Does what was asked.
pub(crate) fn run(command: Command, settings: &Settings, output: &Output) -> Result {
    let context = Context::new(settings, output);
    match command {
        Command::Dev(dev) => role::serve(role::dev::run(context, dev)),
        Command::Scheduler(SchedulerCommand::Run(run)) => role::serve(role::scheduler::run(context, run)),
        Command::Host(HostCommand::Run(run)) => role::serve(role::host::run(context, run)),
        Command::Migrate(migrate) => context::ask(role::migrate::run(context, migrate)),
        Command::Enqueue(enqueue) => enqueue::run(context, *enqueue),
        Command::Job(command) => context::ask(job::run(context, command)),
        Command::Schedule(command) => context::ask(schedule::run(context, command)),
        Command::Task(command) => task::run(context, command),
        Command::Status => context::ask(status::run(context)),
        Command::Completions { shell } => plain::completions(&context, shell),
        Command::Version => plain::version(&context),
        // Not reached: `main` looks for it before anything else.
        Command::CompileWorker => Ok(Exit::Unexpected),
    }
}
