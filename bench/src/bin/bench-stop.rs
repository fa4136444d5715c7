//! Measures how fast anything that runs is stopped, and what trouble costs its neighbours. `make bench-stop` builds
//! what it needs and runs it; the exit code is 1 when a goal is missed.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a program for people at a terminal")]

use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, Result};
use bench::Machine;
use bench::stopping::{Ground, Report, Setting, Settings, beside_trouble, end_to_end, stops};
use clap::Parser;

/// How often the command is timed, unless fewer stops are asked for.
const COMMANDS: usize = 20;

/// Measure how fast anything that runs is stopped, and what trouble costs its neighbours.
#[derive(Debug, Parser)]
#[command(name = "bench-stop")]
struct Args {
    /// Stops of each kind of guest
    #[arg(long, value_name = "N", default_value_t = 200, value_parser = positive)]
    stops: usize,
    /// Attempts that trap, and as many memory bombs
    #[arg(long, value_name = "N", default_value_t = 1_000, value_parser = at_once)]
    troubles: usize,
    /// Only kinds whose name contains this
    #[arg(long, value_name = "TEXT", default_value = "")]
    only: String,
    /// Write everything that was measured as JSON
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Write the page that explains it
    #[arg(long, value_name = "FILE")]
    write: Option<PathBuf>,
}

fn main() -> Result<ExitCode> {
    let args = Args::parse();
    let machine = Machine::look();
    eprintln!("· {machine}");
    eprintln!("· starting a system of its own");
    let setting = Setting::prepare()?;
    let report = setting.runtime.block_on(measure(&args, machine, &setting))?;
    println!("{report}");
    if let Some(file) = &args.json {
        let json = serde_json::to_string_pretty(&report).context("write JSON")?;
        fs::write(file, json + "\n").with_context(|| format!("write {}", file.display()))?;
    }
    if let Some(file) = &args.write {
        fs::write(file, report.page()).with_context(|| format!("write {}", file.display()))?;
    }
    Ok(if report.met() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn measure(args: &Args, machine: Machine, setting: &Setting) -> Result<Report> {
    let Setting { kinds, caller, jobctl, pid, .. } = setting;
    let commands = args.stops.min(COMMANDS);
    let mut latencies = Vec::new();
    for kind in kinds.stopped.iter().filter(|kind| kind.name.contains(&args.only)) {
        eprintln!("· {} stops: {}", args.stops, kind.name);
        latencies.push(stops(caller, kind, args.stops).await?);
    }
    let mut command_line = Vec::new();
    for kind in kinds.by_command().filter(|kind| kind.name.contains(&args.only)) {
        eprintln!("· {commands} stops by the command: {}", kind.name);
        command_line.push(end_to_end(caller, jobctl, kind, commands).await?);
    }
    eprintln!("· short jobs beside trouble");
    let ground = Ground { caller, kinds, troubles: args.troubles };
    let (pace, memory) = beside_trouble(&ground, *pid).await?;
    Ok(Report {
        machine,
        version: jobctl.json(&["version"]),
        settings: Settings { stops: args.stops, commands, troubles: args.troubles },
        stops: latencies,
        command_line,
        pace,
        memory,
    })
}

fn positive(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(number) if number > 0 => Ok(number),
        _ => Err(format!("{text:?} is not a number from 1")),
    }
}

/// As many as one call may enqueue and wait for.
fn at_once(text: &str) -> Result<usize, String> {
    let most = model::bounds::BATCH_JOBS_MAX;
    positive(text)
        .and_then(|number| if number <= most { Ok(number) } else { Err(format!("{most} at the most")) })
}
