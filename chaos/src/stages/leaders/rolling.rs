//! Everything is restarted, one after the other.

use std::time::{Duration, Instant};

use history::Hit;

use crate::load::LoadPlan;
use crate::trial::Trial;

/// Between two restarts: what was restarted takes part again.
const REST: Duration = Duration::from_secs(1);

pub(super) fn restart(trial: &mut Trial) {
    let load = trial.load(LoadPlan {
        jobs: trial.times(3_000, 300),
        per_second: Some(u32::try_from(trial.times(100, 40)).expect("it is small")),
        ..LoadPlan::default()
    });
    load.until_ended(1);
    let began = Instant::now();

    for index in 0..trial.field.hosts().len() {
        let host = trial.field.host(index).name().to_owned();
        trial.during("a host is restarted", Hit::host(host), |trial| {
            trial.field.host(index).terminate();
            trial.field.host(index).start();
        });
        rest(trial);
    }
    for index in 0..trial.field.schedulers().len() {
        trial.during("a scheduler is restarted", Hit::Nobody, |trial| {
            trial.field.scheduler(index).terminate();
            trial.field.scheduler(index).start();
        });
        rest(trial);
    }
    trial.during("Redis is restarted, empty", Hit::Nobody, |trial| trial.field.redis().restart());
    rest(trial);
    trial.during("PostgreSQL is restarted", Hit::Everybody, |trial| {
        trial.field.postgres().stop();
        trial.field.postgres().start_again();
    });
    let (took, slowest) = (began.elapsed(), load.slowest_call());
    let still_asking = load.acknowledged() < load.len();
    trial.note(format!(
        "all of it was restarted within {took:.1?}{}; the longest that a call took: {slowest:.2?}",
        if still_asking { " while clients went on asking" } else { "" }
    ));

    trial.settle(load);
}

fn rest(trial: &Trial) {
    if trial.times(1, 0) == 1 {
        trial.pause(REST);
    }
}
