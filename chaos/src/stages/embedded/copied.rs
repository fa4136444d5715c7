//! The folder of a `jobctl dev` that is copied while it runs.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use history::{Event, Hit, Truth};

use super::dev::Dev;
use super::truth;
use crate::load::{LoadPlan, Work};
use crate::trial::Trial;

/// Jobs a second, in calls of one and of ten.
const RATE: u32 = 40;

/// More than come while the stage lasts.
const ENOUGH: usize = 20_000;

/// How long a copy may take until it is ready: it waits for no lease of the one that was copied.
const READY: Duration = Duration::from_secs(3);

/// How a folder is copied.
#[derive(Debug, Clone, Copy)]
enum Manner {
    Cp,
    Tar,
    /// The log, and the file a while later.
    LogFirst,
    /// The file, and the log a while later.
    FileFirst,
}

impl Manner {
    const ALL: [Self; 4] = [Self::Cp, Self::LogFirst, Self::FileFirst, Self::Tar];

    fn copy(self, from: &Path, to: &Path, trial: &Trial) {
        match self {
            Self::Cp => run(Command::new("cp").arg("-r").args([from, to])),
            Self::Tar => {
                fs::create_dir_all(to).expect("a folder");
                let script = r#"tar -C "$0" --warning=no-file-changed -cf - . | tar -C "$1" -xf -"#;
                run(Command::new("sh").args(["-c", script]).args([from, to]));
            }
            Self::LogFirst => slowly(["jobs.db-wal", "jobs.db"], from, to, trial),
            Self::FileFirst => slowly(["jobs.db", "jobs.db-wal"], from, to, trial),
        }
    }
}

fn run(command: &mut Command) {
    assert!(command.status().expect("it starts").success(), "{command:?} failed");
}

/// Lists the folder, and copies one file a while after the other.
fn slowly(names: [&str; 2], from: &Path, to: &Path, trial: &Trial) {
    fs::create_dir_all(to).expect("a folder");
    let listed = fs::read_dir(from).expect("a list").count();
    assert!(listed >= names.len());
    for name in names {
        fs::copy(from.join(name), to.join(name)).expect("copied");
        trial.pause(trial.random_ms(300..=1_500));
    }
}

pub(super) fn while_it_runs(trial: &mut Trial) {
    let data = trial.field.folder().join("dev-copied");
    let mut dev = Dev::on(&data, trial);
    dev.start();
    dev.publish(trial);
    // A copy runs again what had not ended: the sink is not told, so that it does not take that for a fault.
    let work = Work { effects: 0, ..Work::default() };
    let plan = LoadPlan { jobs: ENOUGH, per_second: Some(RATE), batch: 10, work, ..LoadPlan::default() };
    let load = trial.field.load_at(plan, &[dev.url()]);
    load.until_acknowledged(50);
    let made = changed(&dev);

    for number in 0..trial.times(8, 4) {
        trial.pause(trial.random_ms(0..=1_500));
        let copy = trial.field.folder().join(format!("dev-copy-{number}"));
        let before = told(trial);
        let manner = Manner::ALL[number % Manner::ALL.len()];
        trial.during(&format!("{manner:?}"), Hit::Nobody, |trial| manner.copy(&data, &copy, trial));
        open(trial, &copy, &before, manner);
    }
    let folded = changed(&dev) > made;
    let enough = trial.times(1, 0) == 0;
    trial.require(folded || enough, "the log was never folded back while folders were copied");

    load.stop();
    load.until_asked();
    dev.until_ended(trial, "all jobs of the one that was copied to end");
    dev.look_at_log(trial);
    dev.terminate();
    let truth = truth::of_file(&dev.file(), trial);
    let _ = trial.judge(truth);
}

/// When the file of its database was last written to, the log aside.
fn changed(dev: &Dev) -> std::time::SystemTime {
    fs::metadata(dev.file()).and_then(|file| file.modified()).expect("it is there")
}

/// The jobs that clients were told are stored.
fn told(trial: &Trial) -> Vec<String> {
    let told = trial.lines().into_iter().filter_map(|line| match line.event {
        Event::Told { job, .. } => Some(job),
        _ => None,
    });
    told.collect()
}

/// Runs the copy until all in it has ended, and looks for what had been acknowledged before it was begun.
fn open(trial: &mut Trial, copy: &Path, before: &[String], manner: Manner) {
    let mut dev = Dev::on(copy, trial);
    let began = Instant::now();
    dev.start();
    let took = began.elapsed();
    trial.takeover(took);
    trial.within(took, READY, "a copy is ready");
    dev.until_ended(trial, &format!("all jobs of a copy ({manner:?}) to end"));
    dev.look_at_log(trial);
    dev.terminate();
    let truth = truth::of_file(&dev.file(), trial);
    for wrong in wrong(&truth, before) {
        trial.require(false, format!("in a copy ({manner:?}) {wrong}"));
    }
    fs::remove_dir_all(copy).expect("it is ours");
}

fn wrong(truth: &Truth, before: &[String]) -> Vec<String> {
    let jobs: std::collections::HashMap<_, _> = truth.jobs.iter().map(|job| (job.id.as_str(), job)).collect();
    let lost = before.iter().filter(|id| !jobs.contains_key(id.as_str())).count();
    let open =
        truth.jobs.iter().filter(|job| !["succeeded", "failed", "cancelled"].contains(&job.state.as_str()));
    let twice = truth
        .jobs
        .iter()
        .filter(|job| job.attempts.iter().filter(|attempt| attempt.outcome == "succeeded").count() > 1);
    let counts = [
        (lost, "acknowledged jobs are not there"),
        (open.count(), "jobs have not ended"),
        (twice.count(), "jobs succeeded twice"),
    ];
    counts.iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}")).collect()
}
