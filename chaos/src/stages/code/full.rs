//! A cache on a disk that is full.

use std::process::Command;

use history::Hit;

use super::caches::cache;
use super::compiled;
use crate::load::LoadPlan;
use crate::stages::component;
use crate::trial::Trial;

/// Too little for any code, and enough for the key beside it.
const SIZE: &str = "16k";

/// What the host says of it, once.
const SAID: &str = "the cache folder cannot be used";

pub(super) fn disk(trial: &mut Trial) {
    let Some(namespace) = namespace() else {
        trial.require(false, "a small disk cannot be mounted: run as root, or allow user namespaces");
        return;
    };
    let load = trial.load(LoadPlan { jobs: trial.times(1_000, 100), ..LoadPlan::default() });
    load.until_ended(20);
    let before = trial.field.host(0).launch().clone();
    let folder = cache(trial, 0);

    let launch = trial.field.host(0).launch();
    // The process that comes of it is the host itself.
    let script = format!(r#"mount -t tmpfs -o size={SIZE},mode=700 none "$0" || exit 99; exec "$@""#);
    let mut arguments: Vec<String> = namespace.iter().map(|&word| word.to_owned()).collect();
    arguments.extend(["/bin/sh".to_owned(), "-c".to_owned(), script, folder.display().to_string()]);
    arguments.push(launch.program.display().to_string());
    arguments.append(&mut launch.arguments);
    launch.arguments = arguments;
    launch.program = "unshare".into();
    trial.during("cache disk full", Hit::Nobody, |trial| {
        trial.field.host(0).terminate();
        trial.field.host(0).start();
        for number in 0..trial.times(3, 2) {
            fresh_jobs(trial, number);
        }
    });
    let said = trial.field.host(0).log_lines(SAID).len();
    trial.require(said == 1, format!("the full disk was told of {said} times"));
    let compiled = compiled(trial)[0];
    trial.require(compiled >= 2, format!("the host without room compiled {compiled} components"));

    *trial.field.host(0).launch() = before;
    trial.field.host(0).terminate();
    trial.field.host(0).start();
    let _ = trial.settle(load);
}

/// Jobs of new code on all hosts: more at once than two of them take.
fn fresh_jobs(trial: &mut Trial, number: usize) {
    let namespace = format!("full-{number}");
    component::publish_fresh(trial, &namespace);
    let batch = trial.field.folder().join("full.jsonl");
    std::fs::write(&batch, "{\"payload\": {\"sleep_ms\": 200}}\n".repeat(24)).expect("it can be written");
    let batch = batch.to_str().expect("a plain path");
    let answer =
        trial.field.jobctl().run(&["enqueue", "touch", "--batch", batch, "--wait", "-n", &namespace]);
    trial.require(answer.code == 0, format!("jobs beside a full disk: {answer:?}"));
}

/// How a mount of one's own can be had: with a user namespace nobody need be root; where those are forbidden, root needs
/// none.
fn namespace() -> Option<&'static [&'static str]> {
    let ways: [&[&str]; 2] = [&["--map-root-user", "--mount"], &["--mount"]];
    ways.into_iter().find(|way| {
        let folder = tempfile::tempdir().expect("a folder");
        let mut command = Command::new("unshare");
        command.args(*way).args(["mount", "-t", "tmpfs", "-o", "size=16k", "none"]).arg(folder.path());
        command.output().is_ok_and(|output| output.status.success())
    })
}
