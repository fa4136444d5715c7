//! Bytes of a component that are changed in the database.

use std::time::Duration;

use history::{Event, Hit};

use crate::load::LoadPlan;
use crate::stages::component;
use crate::trial::Trial;

/// What the host says of it, as an error: somebody must look.
const ALARM: &str = "a stored component has been altered";

/// How long a line of a log may take to be written.
const PATIENCE: Duration = Duration::from_secs(10);

pub(super) fn bytes(trial: &mut Trial) {
    let load = trial.load(LoadPlan { jobs: trial.times(1_000, 100), ..LoadPlan::default() });

    for number in 0..trial.times(4, 2) {
        one(trial, number);
    }

    let _ = trial.settle(load);
}

fn one(trial: &mut Trial, number: usize) {
    let namespace = format!("altered-{number}");
    let sha256 = component::publish_fresh(trial, &namespace).to_string();
    let digest = format!("decode('{}', 'hex')", sha256.trim_start_matches("sha256:"));
    // One bit of one byte; no host has this component yet.
    let flip = format!(
        "update components set bytes = set_byte(bytes, length(bytes) / 2, get_byte(bytes, length(bytes) / 2) # 1) \
         where sha256 = {digest} returning 1"
    );
    let fault = trial.fault("a bit of the stored component flipped", Hit::Nobody);
    let changed = trial.field.query(&flip).len();
    trial.require(changed == 1, format!("{changed} components were changed"));
    let job = run(trial, &namespace);
    let refused = job["state"] == "failed" && job["error"]["kind"] == "invalid_module";
    trial.require(refused, format!("a job of altered code: {job}"));
    let attempts = job["attempts"].as_array().map(Vec::len);
    trial.require(attempts == Some(1), format!("altered code was tried {attempts:?} times"));
    let told = job["error"]["message"].as_str().is_some_and(|message| message.contains("altered"));
    trial.require(told, format!("the job does not say what is wrong: {job}"));
    trial.eventually("the alarm in a host's log", PATIENCE, |trial| {
        let alarmed = |line: &String| line.contains("ERROR") && line.contains(&sha256);
        trial.field.hosts().iter().any(|host| host.log_lines(ALARM).iter().any(alarmed))
    });

    let restored = trial.field.query(&flip).len();
    trial.over(fault);
    trial.require(restored == 1, format!("{restored} components were restored"));
    let job = run(trial, &namespace);
    trial.require(job["state"] == "succeeded", format!("a job of restored code: {job}"));
}

/// Makes a job, and returns it when it has ended.
fn run(trial: &mut Trial, namespace: &str) -> serde_json::Value {
    let jobctl = trial.field.jobctl();
    let id = jobctl.enqueue("touch", "{}", &["-n", namespace]);
    trial.record(Event::Asked { job: id.clone(), key: None });
    trial.record(Event::Told { asked: id.clone(), job: id.clone() });
    let _ = jobctl.run(&["job", "wait", &id, "-n", namespace, "--wait-timeout", "60s"]);
    jobctl.json(&["job", "show", &id, "-n", namespace])
}
