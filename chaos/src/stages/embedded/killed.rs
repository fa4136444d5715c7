//! `jobctl dev` that is killed at any moment of its life.

use std::os::unix::fs::symlink;
use std::process::{Child, Stdio};

use history::Hit;

use super::dev::{Dev, HOST};
use super::truth;
use crate::load::LoadPlan;
use crate::stages::component;
use crate::trial::Trial;

/// Jobs a second, in calls of one and of ten.
const RATE: u32 = 30;

/// More than come while the stage lasts.
const ENOUGH: usize = 20_000;

pub(super) fn at_random(trial: &mut Trial) {
    while_it_is_made(trial);
    let data = trial.field.folder().join("dev-killed");
    let mut dev = Dev::on(&data, trial);
    dev.start();
    dev.publish(trial);
    let plan = LoadPlan { jobs: ENOUGH, per_second: Some(RATE), batch: 10, ..LoadPlan::default() };
    let load = trial.field.load_at(plan, &[dev.url()]);

    let mut publishing = Vec::new();
    for life in 0..trial.times(100, 10) {
        if life % 5 == 4 {
            dev.ready();
            publishing.extend(publish(trial, &dev));
        }
        if life % 10 == 9 {
            dev.ready();
            refuses_a_second(trial, &dev, life);
        }
        // It is ready after some 300 ms.
        trial.pause(trial.random_ms(0..=800));
        trial.during("kill -9 of jobctl dev", Hit::host(HOST), |_| {
            dev.kill();
            dev.begin();
        });
    }
    dev.ready();
    for mut child in publishing {
        // Refused or done: whoever waited for it knows.
        let _ = child.wait();
    }
    load.stop();
    load.until_asked();
    dev.until_ended(trial, "all jobs of jobctl dev to end");
    dev.look_at_log(trial);
    dev.terminate();
    let truth = truth::of_file(&dev.file(), trial);
    let _ = trial.judge(truth);
}

/// Lives of a folder that end before it has all of its schema, or before anything else is there.
fn while_it_is_made(trial: &mut Trial) {
    for number in 0..trial.times(12, 3) {
        let data = trial.field.folder().join(format!("dev-made-{number}"));
        let mut dev = Dev::on(&data, trial);
        dev.begin();
        trial.pause(trial.random_ms(0..=250));
        trial.during("kill -9 of jobctl dev at its first start", Hit::host(HOST), |_| {
            dev.kill();
            dev.start();
        });
        dev.look_at_log(trial);
        dev.terminate();
    }
}

/// Begins to publish code that is new, which the next kill may hit.
fn publish(trial: &Trial, dev: &Dev) -> Option<Child> {
    let path = component::fresh(trial.field.folder());
    let arguments = ["task", "publish", path.to_str()?, "--allow-http", &trial.field.sink().place()];
    let mut command = dev.jobctl().command(&arguments);
    Some(
        command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("jobctl starts"),
    )
}

/// A second process on the folder, by its own path and by another.
fn refuses_a_second(trial: &mut Trial, dev: &Dev, life: usize) {
    let data = dev.file().parent().expect("it is in a folder").to_owned();
    let by_another_path = trial.field.folder().join(format!("dev-link-{life}"));
    symlink(&data, &by_another_path).expect("linked");
    for path in [&data, &by_another_path] {
        let refused = trial.during("a second process on the folder", Hit::Nobody, |_| dev.second(path));
        let lines: Vec<_> = refused.stderr.lines().collect();
        let told =
            matches!(lines[..], [error, hint] if error.starts_with("error: ") && hint.starts_with("hint: "));
        trial.require(refused.code == 9 && told, format!("a second process on the folder: {refused:?}"));
    }
}
