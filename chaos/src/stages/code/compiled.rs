//! Many jobs of code that nobody has compiled yet.

use std::fmt::Write as _;
use std::fs;

use guests::Tasks;
use history::{Event, Hit};

use super::compiled;
use crate::load::LoadPlan;
use crate::stages::component;
use crate::trial::Trial;

/// Jobs at once.
const JOBS: usize = 50;

/// Functions of the component: they take the compiler some seconds.
const FUNCTIONS: usize = 4_000;

pub(super) fn once(trial: &mut Trial) {
    // Two hosts, as they are told of in the fault.
    trial.field.host(2).terminate();

    for number in 0..trial.times(2, 1) {
        one(trial, number);
    }

    trial.field.host(2).start();
    let load = trial.load(LoadPlan { jobs: 100, ..LoadPlan::default() });
    let _ = trial.settle(load);
}

fn one(trial: &mut Trial, number: usize) {
    let namespace = format!("big-{number}");
    let path = component::write(trial.field.folder(), component::differing(big()));
    component::publish(trial, &path, &namespace);
    let before = compiled(trial);
    let batch = trial.field.folder().join("big.jsonl");
    fs::write(&batch, "{\"payload\": 1}\n".repeat(JOBS)).expect("the folder can be written");
    let batch = batch.to_str().expect("a plain path");

    let jobctl = trial.field.jobctl();
    let jobs = trial.during("50 jobs of one new big component", Hit::Nobody, |_| {
        jobctl.json(&["enqueue", "big", "--batch", batch, "--wait", "-n", &namespace])
    });

    let jobs = jobs["jobs"].as_array().cloned().unwrap_or_default();
    for job in &jobs {
        let id = job["id"].as_str().unwrap_or_default().to_owned();
        trial.record(Event::Asked { job: id.clone(), key: None });
        trial.record(Event::Told { asked: id.clone(), job: id });
    }
    let succeeded = jobs.iter().filter(|job| job["state"] == "succeeded").count();
    trial.require(succeeded == JOBS, format!("{succeeded} of {JOBS} jobs succeeded"));
    let more: Vec<_> = compiled(trial).iter().zip(before).map(|(after, before)| after - before).collect();
    trial.require(more == [1, 1], format!("the hosts compiled it {more:?} times"));
}

/// A component with a task `big` that gives back its payload, and much more that nobody calls.
fn big() -> Vec<u8> {
    let mut extra = String::new();
    for number in 0..FUNCTIONS {
        let _ = write!(
            extra,
            "(func (param $n i64) (result i64) (local $i i64) (local $sum i64)
               (loop $next
                 (local.set $sum (i64.add (i64.mul (local.get $sum) (i64.const {number})) (local.get $i)))
                 (local.set $i (i64.add (local.get $i) (i64.const 1)))
                 (br_if $next (i64.lt_u (local.get $i) (local.get $n))))
               (i64.xor (local.get $sum) (i64.rotl (local.get $n) (i64.const 7))))"
        );
    }
    let echo = "(return (call $ok (local.get $payload) (local.get $payload_len)))";
    Tasks { imports: "", extra: &extra, tasks: &[("big", echo)] }.build()
}
