//! Leaders that are killed while schedules fire.

use std::time::{Duration, Instant};

use history::Job;
use rpc::v1;

use super::fates::{Fates, note_lateness, require_all_fired};
use super::made::{Made, each_second, quick, until_at_firing, until_fired};
use crate::settle::Settled;
use crate::stages::leaders::{TAKEOVER_MAX, kill_leader, rest_of};
use crate::trial::Trial;

/// How late an instant may fire besides: what came due meanwhile fires in one go.
const BESIDES: Duration = Duration::from_secs(1);

/// Between two kills of a short form.
const SHORT: Duration = Duration::from_secs(3);

/// What schedules are called whose runs wait for each other.
const IN_TURN: &str = "in-turn";

pub(super) fn leader(trial: &mut Trial) {
    let mut made = Made::none();
    let spec = quick(trial);
    made.make(trial, 0, "cron", 0..10, &each_second(&spec));
    made.make_spread(trial, 0, "every", 0..10, &spec);
    let in_turn = v1::ScheduleSpec { overlap: "queue".to_owned(), ..spec };
    made.make(trial, 0, IN_TURN, 0..2, &each_second(&in_turn));
    made.make_spread(trial, 0, IN_TURN, 2..4, &in_turn);
    until_fired(trial, 1);

    let kills = trial.times(10, 2);
    for kill in 0..kills {
        let every = if trial.times(1, 0) == 1 { trial.random_ms(5_000..=7_000) } else { SHORT };
        // In the midst of firing, and at any moment.
        if kill % 2 == 0 {
            until_at_firing(trial);
        } else {
            trial.pause(trial.random_ms(0..=1_000));
        }
        let began = Instant::now();
        kill_leader(trial);
        rest_of(trial, began, every);
    }

    let least = made.instants_min();
    let settled = made.settle(trial);
    require_all_fired(trial, &settled, made.names(), least);
    let latest = note_lateness(trial, &settled);
    trial.within(latest, TAKEOVER_MAX + BESIDES, "an instant fires");
    for name in made.names().iter().filter(|name| name.starts_with(IN_TURN)) {
        went_in_turn(trial, &settled, name);
    }
}

/// No run of the schedule began before the one before it had ended.
fn went_in_turn(trial: &mut Trial, settled: &Settled, name: &str) {
    let fates = Fates::of(settled, name);
    let began = |job: &Job| job.attempts.first().map_or(0, |attempt| attempt.started_us);
    let ended = |job: &Job| job.attempts.last().map_or(0, |attempt| attempt.finished_us);
    let mut jobs: Vec<_> = fates.jobs().collect();
    jobs.sort_by_key(|job| began(job));
    let beside = jobs.windows(2).filter(|pair| began(pair[1]) < ended(pair[0])).count();
    trial.require(beside == 0, format!("{beside} runs of {name} began while another went"));
}
