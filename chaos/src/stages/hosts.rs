//! Hosts that are killed, stopped and drained.

use std::time::Duration;

use history::Hit;

use crate::load::LoadPlan;
use crate::stage::Stage;
use crate::trial::Trial;

/// The stages of this group.
pub(super) const STAGES: &[Stage] = &[Stage {
    name: "host-killed-once",
    fault: "kill -9 of a host mid-job; restarted under the same name",
    pass: "I1–I8; its jobs run again within 1 s",
    run: killed_once,
}];

fn killed_once(trial: &mut Trial) {
    let load = trial.load(LoadPlan { jobs: trial.times(500, 100), ..LoadPlan::default() });
    load.until_ended(trial.times(100, 20));

    let host = trial.field.host(0).name().to_owned();
    trial.during("kill -9", Hit::host(host), |trial| {
        trial.field.host(0).kill();
        trial.field.host(0).start();
    });

    let settled = trial.settle(load);
    for takeover in settled.takeovers() {
        trial.takeover(takeover);
        trial.within(takeover, Duration::from_secs(1), "its jobs run again");
    }
}
