//! Two schedulers that believe they lead.

use std::time::Duration;

use history::{Hit, now_us};

use super::PATIENCE;
use super::fates::{note_lateness, require_all_fired};
use super::made::{Made, each_second, quick, until_at_firing, until_caught_up, until_fired};
use crate::stages::leaders::terms::TO_THE_OTHER;
use crate::stages::leaders::{TAKEOVER_MAX, next_term, taken_over, term};
use crate::trial::Trial;

/// How long the one that leads now is left alone with schedules before the other wakes.
const LEADS_MS: u64 = 1_000;

/// How long both are watched then.
const BOTH: Duration = Duration::from_millis(1_200);

pub(super) fn twice_led(trial: &mut Trial) {
    let mut made = Made::none();
    let spec = quick(trial);
    made.make(trial, 0, "cron", 0..10, &each_second(&spec));
    made.make_spread(trial, 0, "every", 0..10, &spec);
    until_fired(trial, 1);

    for _ in 0..trial.times(6, 1) {
        stop(trial);
    }
    for _ in 0..trial.times(8, 2) {
        hand_over(trial);
    }

    until_caught_up(trial);
    let least = made.instants_min();
    let settled = made.settle(trial);
    require_all_fired(trial, &settled, made.names(), least);
    note_lateness(trial, &settled);
}

/// Stops the leader in the midst of firing, and lets it go on once another has fired what it had begun.
fn stop(trial: &mut Trial) {
    let (leader, before) = (trial.field.leader(), term(trial));
    let downs = steps_down(trial, leader);
    until_at_firing(trial);
    let fault = trial.fault("SIGSTOP of the leader", Hit::Nobody);
    let hit_us = now_us();
    trial.field.scheduler(leader).freeze();
    let took = next_term(trial, before, hit_us);
    taken_over(trial, took, TAKEOVER_MAX);
    trial.pause(trial.random_ms(0..=LEADS_MS));
    trial.field.scheduler(leader).thaw();
    trial.eventually("the woken leader steps down", PATIENCE, |trial| steps_down(trial, leader) > downs);
    trial.pause(BOTH);
    trial.over(fault);
}

/// Hands the leader's row to the other in the midst of firing: until its next renewal the first does not know.
fn hand_over(trial: &mut Trial) {
    let leader = trial.field.leader();
    let downs = steps_down(trial, leader);
    until_at_firing(trial);
    trial.during("the leader's row handed to the other", Hit::Nobody, |trial| {
        trial.field.postgres().execute(TO_THE_OTHER);
        trial.eventually("the first steps down", PATIENCE, |trial| steps_down(trial, leader) > downs);
        trial.pause(BOTH);
    });
}

/// How often it has stepped down.
fn steps_down(trial: &mut Trial, scheduler: usize) -> usize {
    trial.field.scheduler(scheduler).log_lines("leads no more").len()
}
