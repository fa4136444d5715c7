//! Files of compiled code that are not what they were.

use std::fs;
use std::path::{Path, PathBuf};

use history::{Event, Hit};
use rand::Rng as _;

use crate::load::LoadPlan;
use crate::member::Member;
use crate::stages::component;
use crate::trial::Trial;

/// Another component's tasks are here.
const OTHER: &str = "other-code";

/// Jobs of the other component at once: all slots of all hosts.
const NAPS: usize = 24;

/// Rounds of jobs until each host has had some of both.
const ROUNDS_MORE: usize = 4;

/// What is done to the files of a cache.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Manner {
    Flipped,
    Swapped,
    Cut,
    Junk,
    Emptied,
    Deleted,
    KeyLost,
}

impl Manner {
    /// The two that are hardest to see first.
    const ALL: [Self; 7] =
        [Self::Swapped, Self::Flipped, Self::Cut, Self::Junk, Self::Emptied, Self::Deleted, Self::KeyLost];

    fn words(self) -> &'static str {
        match self {
            Self::Flipped => "one bit flipped in each cache file",
            Self::Swapped => "cache files swapped",
            Self::Cut => "cache files truncated",
            Self::Junk => "cache files of junk",
            Self::Emptied => "cache files of no bytes",
            Self::Deleted => "cache files deleted",
            Self::KeyLost => "key of the cache deleted",
        }
    }

    fn spoil(self, folder: &Path) {
        let files = code_in(folder);
        let change = |with: &dyn Fn(Vec<u8>) -> Vec<u8>| {
            for file in &files {
                let bytes = with(fs::read(file).expect("it can be read"));
                fs::write(file, bytes).expect("it can be written");
            }
        };
        match self {
            Self::Flipped => change(&|mut bytes| {
                // The code lies behind the head.
                let at = rand::rng().random_range(64..bytes.len());
                bytes[at] ^= 1 << rand::rng().random_range(0..8);
                bytes
            }),
            Self::Cut => change(&|bytes| bytes[..bytes.len() / 2].to_vec()),
            Self::Junk => change(&|mut bytes| {
                rand::rng().fill(&mut bytes[..]);
                bytes
            }),
            Self::Emptied => change(&|_| Vec::new()),
            Self::Swapped => swap(&files),
            Self::Deleted => files.iter().for_each(|file| fs::remove_file(file).expect("it is there")),
            Self::KeyLost => fs::remove_file(folder.join("key")).expect("it is there"),
        }
    }
}

/// Each file gets what the next one had.
fn swap(files: &[PathBuf]) {
    let mut contents: Vec<_> = files.iter().map(|file| fs::read(file).expect("it can be read")).collect();
    contents.rotate_left(1);
    for (file, bytes) in files.iter().zip(contents) {
        fs::write(file, bytes).expect("it can be written");
    }
}

/// The files of compiled code in the cache.
fn code_in(folder: &Path) -> Vec<PathBuf> {
    let entries =
        fs::read_dir(folder).expect("the cache is there").map(|entry| entry.expect("an entry").path());
    let mut files: Vec<_> =
        entries.filter(|path| path.file_name().is_some_and(|name| name != "key")).collect();
    files.retain(|path| path.is_file());
    files.sort();
    files
}

pub(super) fn spoilt(trial: &mut Trial) {
    let guest = stories::guest(trial.field.folder());
    let bytes = component::differing(fs::read(guest).expect("it was written"));
    let path = component::write(trial.field.folder(), bytes);
    component::publish(trial, &path, OTHER);
    for _ in 0..=ROUNDS_MORE {
        everything_runs(trial);
        if caches(trial).iter().all(|folder| code_in(folder).len() >= 2) {
            break;
        }
    }

    for manner in Manner::ALL.into_iter().take(trial.times(7, 2)) {
        spoil(trial, manner);
    }

    let _ = trial.settle_all([]);
}

fn spoil(trial: &mut Trial, manner: Manner) {
    let folders = caches(trial);
    for folder in &folders {
        let files = code_in(folder).len();
        trial.require(files >= 2, format!("{} keeps {files} files of code", folder.display()));
    }
    trial.during(manner.words(), Hit::Nobody, |trial| {
        folders.iter().for_each(|folder| manner.spoil(folder));
        everything_runs(trial);
        for host in trial.field.hosts() {
            host.terminate();
            host.begin();
        }
        trial.field.hosts().iter_mut().for_each(Member::ready);
        everything_runs(trial);
    });
    // A host that had loaded what it found would not have compiled. One that came up later may have had no work yet.
    let mut compiled = super::compiled(trial);
    for _ in 0..ROUNDS_MORE {
        if compiled.iter().any(|count| *count < 2) {
            everything_runs(trial);
            compiled = super::compiled(trial);
        }
    }
    trial.require(
        compiled.iter().all(|count| *count >= 2),
        format!("{}: after the restart the hosts compiled {compiled:?} components", manner.words()),
    );
}

/// Those of all hosts.
fn caches(trial: &mut Trial) -> Vec<PathBuf> {
    (0..trial.field.hosts().len()).map(|host| cache(trial, host)).collect()
}

pub(super) fn cache(trial: &mut Trial, host: usize) -> PathBuf {
    let name = trial.field.host(host).name().to_owned();
    trial.field.folder().join(name).join("cache")
}

/// Jobs of both components, on every host, each with the result of its own code.
fn everything_runs(trial: &mut Trial) {
    let load = trial.load(LoadPlan { jobs: 60, ..LoadPlan::default() });
    let lines = "{\"payload\": 300}\n".repeat(NAPS);
    let batch = trial.field.folder().join("naps.jsonl");
    fs::write(&batch, lines).expect("the folder can be written");
    let batch = batch.to_str().expect("a plain path");
    let jobctl = trial.field.jobctl();
    let jobs = jobctl.json(&["enqueue", "nap", "--batch", batch, "--wait", "-n", OTHER]);
    let jobs = jobs["jobs"].as_array().cloned().unwrap_or_default();
    trial.require(jobs.len() == NAPS, format!("{} of {NAPS} jobs were made", jobs.len()));
    for job in &jobs {
        let id = job["id"].as_str().unwrap_or_default().to_owned();
        trial.record(Event::Asked { job: id.clone(), key: None });
        trial.record(Event::Told { asked: id.clone(), job: id.clone() });
        // It gives back its payload, which the other component would not take.
        let own = job["state"] == "succeeded" && job["result"] == 300;
        trial.require(own, format!("a job of the other component ended so: {job}"));
    }
    load.until_ended(load.len());
}
