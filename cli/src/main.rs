//! The binary `jobctl`: client, scheduler, worker host and the all-in-one development server.

mod args;
mod commands;
mod config;
mod exit;
mod output;
mod server;
mod show;
mod usage;
mod version;

use std::process::ExitCode;

use clap::Parser;

use crate::args::Cli;
use crate::config::Settings;
use crate::exit::{Error, Exit, Result};
use crate::output::Output;

fn main() -> ExitCode {
    let words: Vec<_> = std::env::args_os().collect();
    if words.get(1).is_some_and(|word| word == "compile-worker") {
        // It limits its own memory: nothing else may have been set up in this process.
        sandbox::compile_worker()
    }
    let exit = match Cli::try_parse_from(&words) {
        Ok(cli) => run(cli),
        Err(refusal) => usage::answer(&refusal, &words),
    };
    exit.into()
}

fn run(cli: Cli) -> Exit {
    let flags = output::Config {
        format: cli.global.output.unwrap_or_default(),
        color: cli.global.color.unwrap_or_default(),
        quiet: cli.global.quiet,
        verbose: cli.global.verbose > 0,
    };
    let settings = match Settings::load(&cli.global) {
        Ok(settings) => settings,
        Err(error) => return ended(&Output::new(flags), Err(error)),
    };
    let output = Output::new(output::Config { format: settings.format, color: settings.color, ..flags });
    let result = commands::run(cli.command, &settings, &output);
    ended(&output, result)
}

fn ended(output: &Output, result: Result) -> Exit {
    match result {
        Ok(exit) => exit,
        Err(Error::Shown(shown)) => output.error(&shown),
        Err(Error::PipeClosed) => Exit::Done,
    }
}
