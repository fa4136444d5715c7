//! Breaks a whole system in every way that is known, and tells what became of its jobs. `make chaos` builds what it
//! needs and runs it; the exit code is 1 when a verdict failed.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a program for people at a terminal")]

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Result, bail};
use chaos::{Effort, Plan, run, stages, write_page};
use clap::Parser;

/// Break a whole system in every way that is known, and tell what became of its jobs.
#[derive(Debug, Parser)]
#[command(name = "chaos")]
struct Args {
    /// Name the stages, and run none
    #[arg(long)]
    list: bool,
    /// Only these stages, by their names
    #[arg(long, value_name = "NAME", num_args = 1..)]
    only: Vec<String>,
    /// A short form of each stage: whether it works, not how fast
    #[arg(long)]
    short: bool,
    /// Jobs that all stages together are to see: the stage `mixed` brings what lacks
    #[arg(long, value_name = "N", default_value_t = 100_000)]
    jobs: usize,
    /// Stages that run at once, each on a system of its own
    #[arg(long, value_name = "N", default_value_t = 3)]
    lanes: usize,
    /// Where the history is written; those of further lanes stand beside it
    #[arg(long, value_name = "FILE", default_value = "target/chaos/history.jsonl")]
    history: PathBuf,
    /// Write the table into this page
    #[arg(long, value_name = "FILE")]
    write: Option<PathBuf>,
}

fn main() -> Result<ExitCode> {
    let args = Args::parse();
    if args.list {
        for stage in stages::all() {
            println!("{:24} {}", stage.name, stage.fault);
        }
        return Ok(ExitCode::SUCCESS);
    }
    let stages = if args.only.is_empty() { stages::all().collect() } else { named(&args.only)? };
    let effort = if args.short { Effort::Short } else { Effort::Full };
    let Args { jobs, lanes, history, .. } = args;
    let report = run(&Plan { stages, effort, jobs, lanes, history }, |line| eprintln!("· {line}"))?;
    println!("{report}");
    if let Some(page) = &args.write {
        write_page(page, &report)?;
    }
    Ok(if report.passed() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn named(names: &[String]) -> Result<Vec<&'static chaos::Stage>> {
    let mut found = Vec::new();
    for name in names {
        let Some(stage) = stages::find(name) else { bail!("there is no stage {name}; --list names them") };
        found.push(stage);
    }
    Ok(found)
}
