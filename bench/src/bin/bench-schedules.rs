//! Measures what a hundred thousand schedules cost while nothing is due, and how punctual a thousand are that are due in one
//! second. `make bench-schedules` builds what it needs and runs it; the exit code is 1 when a goal is missed.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a program for people at a terminal")]

use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, Result, ensure};
use bench::schedules::{Report, Setting, Settings, due_at_once, idle, listings, make};
use bench::{Machine, write_between};
use clap::Parser;
use model::clock::{Clock as _, SystemClock};

/// Measure what schedules cost, and how punctual they are.
#[derive(Debug, Parser)]
#[command(name = "bench-schedules")]
struct Args {
    /// Schedules
    #[arg(long, value_name = "N", default_value_t = 100_000)]
    schedules: usize,
    /// How many of them are due in one and the same second
    #[arg(long, value_name = "N", default_value_t = 1_000)]
    due: usize,
    /// Ticks of the leader with nothing due
    #[arg(long, value_name = "N", default_value_t = 300)]
    ticks: usize,
    /// Write everything that was measured as JSON
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Put the run into the page that explains it
    #[arg(long, value_name = "FILE")]
    write: Option<PathBuf>,
}

fn main() -> Result<ExitCode> {
    let args = Args::parse();
    ensure!(
        0 < args.due && args.due <= args.schedules && args.ticks > 0,
        "--due is 1 to --schedules, --ticks from 1"
    );
    let machine = Machine::look();
    eprintln!("· {machine}");
    eprintln!("· starting a system of its own");
    let mut setting = Setting::prepare()?;
    let report = setting.runtime.block_on(measure(&args, machine, &setting))?;
    ensure!(setting.is_whole(), "the scheduler or the host ended by itself:\n{}", setting.log());
    println!("{report}");
    if let Some(file) = &args.json {
        let json = serde_json::to_string_pretty(&report).context("write JSON")?;
        fs::write(file, json + "\n").with_context(|| format!("write {}", file.display()))?;
    }
    if let Some(file) = &args.write {
        write_between(file, "make bench-schedules", &report.to_string())?;
    }
    Ok(if report.met() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn measure(args: &Args, machine: Machine, setting: &Setting) -> Result<Report> {
    let Args { schedules, due, ticks, .. } = *args;
    eprintln!("· {ticks} idle ticks without a schedule");
    let empty = idle(setting, 0, ticks).await?;
    eprintln!("· making {schedules} schedules");
    let (made, making) = make(&setting.client, schedules, SystemClock.now()).await?;
    eprintln!("· {ticks} idle ticks beside {schedules} schedules");
    let full = idle(setting, schedules, ticks).await?;
    eprintln!("· pages of schedules");
    let listings = listings(setting, schedules).await?;
    eprintln!("· {due} schedules due in one second");
    let due_at_once = due_at_once(setting, &made, due).await?;
    Ok(Report {
        machine,
        version: setting.jobctl.json(&["version"]),
        settings: Settings { schedules, due, ticks },
        making,
        idle: vec![empty, full],
        due: due_at_once,
        listings,
    })
}
