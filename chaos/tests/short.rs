//! The short form of every stage, each as a test of its own on a field of its own.
//!
//! There is no list to keep: this program is its own harness and names the stages as tests, in the words that
//! `cargo test` and `cargo nextest` speak with test programs.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a test program tells its tests and their ends"
)]

use std::path::Path;
use std::process::ExitCode;

use chaos::{Effort, Stage, run_alone, stages};

fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let has = |flag: &str| arguments.iter().any(|argument| argument == flag);
    let names = names(&arguments);
    let wanted = |stage: &&Stage| {
        let exact = has("--exact");
        names.is_empty()
            || names.iter().any(|name| stage.name == *name || (!exact && stage.name.contains(name)))
    };
    // None is ignored.
    let stages = stages::all().filter(|_| !has("--ignored")).filter(wanted);
    if has("--list") {
        stages.for_each(|stage| println!("{}: test", stage.name));
        return ExitCode::SUCCESS;
    }
    let mut code = ExitCode::SUCCESS;
    for stage in stages {
        if !holds(stage) {
            code = ExitCode::FAILURE;
        }
    }
    code
}

/// What is neither a flag nor the value of one.
fn names(arguments: &[String]) -> Vec<&str> {
    let before = [""].into_iter().chain(arguments.iter().map(String::as_str));
    let pairs = before.zip(arguments);
    pairs
        .filter(|(flag, name)| !name.starts_with("--") && *flag != "--format")
        .map(|(_, name)| name.as_str())
        .collect()
}

fn holds(stage: &Stage) -> bool {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("chaos");
    let row = run_alone(stage, Effort::Short, &folder).expect("the history can be written");
    println!("{}: {} faults, {} jobs, {:.1?}", stage.name, row.faults, row.jobs(), row.took);
    for note in &row.notes {
        println!("  note: {note}");
    }
    if !row.passed() {
        eprintln!("{}\n{} failed:", row.logs, stage.name);
        for reason in &row.reasons {
            eprintln!("  {reason}");
        }
    }
    row.passed()
}
