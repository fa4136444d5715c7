//! Judges histories: prints each trial and what does not hold; the exit code is 1 when anything does not.
#![expect(clippy::print_stdout, reason = "a program for people at a terminal")]

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::Parser;

/// Check histories of jobs: nothing lost, nothing succeeded twice.
#[derive(Debug, Parser)]
#[command(name = "check-history")]
struct Args {
    /// Histories as JSON lines
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
}

fn main() -> Result<ExitCode> {
    let mut code = ExitCode::SUCCESS;
    for file in Args::parse().files {
        println!("{}", file.display());
        for summary in history::check_all(&history::read(&file)?) {
            println!("  {summary}");
            for violation in &summary.violations {
                println!("    {violation}");
                code = ExitCode::FAILURE;
            }
        }
    }
    Ok(code)
}
