//! PostgreSQL and Redis that break while schedules fire.

use std::time::{Duration, Instant};

use history::Hit;

use super::PATIENCE;
use super::fates::{note_lateness, require_all_fired};
use super::made::{Made, each_second, quick, until_at_firing, until_caught_up, until_fired};
use crate::trial::Trial;

/// How soon everything goes on once a backend is back.
const BACK: Duration = Duration::from_secs(10);

pub(super) fn broken(trial: &mut Trial) {
    let mut made = Made::none();
    let spec = quick(trial);
    made.make(trial, 0, "cron", 0..10, &each_second(&spec));
    made.make_spread(trial, 0, "every", 0..10, &spec);
    until_fired(trial, 1);

    for time in 0..trial.times(4, 1) {
        until_at_firing(trial);
        // A crash forgets the last claims: their jobs run again.
        trial.during("Postgres restarted in immediate mode", Hit::Everybody, |trial| {
            trial.field.postgres().restart();
            goes_on(trial, "Postgres restarted");
        });
        until_at_firing(trial);
        trial.during("Redis emptied", Hit::Nobody, |trial| {
            if time % 2 == 0 {
                trial.field.redis().kill();
                trial.field.redis().restart();
            } else {
                trial.field.redis().command(&["FLUSHALL"]);
            }
            goes_on(trial, "Redis emptied");
        });
    }

    let least = made.instants_min();
    let settled = made.settle(trial);
    require_all_fired(trial, &settled, made.names(), least);
    note_lateness(trial, &settled);
}

/// Waits until all that is due has fired, and what came due by now has run.
fn goes_on(trial: &mut Trial, words: &str) {
    let began = Instant::now();
    let now = trial.field.query("select clock_timestamp()").pop().unwrap_or_default();
    until_caught_up(trial);
    let left = format!("select count(*) from job_queue where run_at <= '{now}'");
    trial.eventually("what came due has run", PATIENCE, |trial| trial.field.number(&left) == 0);
    let took = began.elapsed();
    trial.takeover(took);
    trial.within(took, BACK, &format!("{words}: schedules go on"));
}
