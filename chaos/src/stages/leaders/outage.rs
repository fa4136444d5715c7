//! No scheduler at all.

use std::time::{Duration, Instant};

use history::Hit;

use super::{PATIENCE, judge_starts, rest_of};
use crate::load::{Load, LoadPlan, Work};
use crate::trial::Trial;

/// References of a queue in Redis at the most, and what was under way while they were counted.
const WINDOW_MAX: u64 = 10_500;

/// Connections of a process to PostgreSQL at the most.
const CONNECTIONS_MAX: u64 = 13;

/// The queue of what falls due meanwhile.
const BACKLOG: &str = "backlog";

pub(super) fn all_down(trial: &mut Trial) {
    let outage = Duration::from_secs(if trial.times(1, 0) == 1 { 30 } else { 5 });
    // More than the window of references takes, and due in the middle of it. They do next to nothing.
    let backlog = trial.load(LoadPlan {
        jobs: trial.times(12_000, 200),
        batch: 500,
        queue: BACKLOG.to_owned(),
        delay: Some(outage / 2),
        work: Work { sleep_ms: 0..=0, effects: 0, ..Work::default() },
        ..LoadPlan::default()
    });
    backlog.until_asked();
    let running = trial.load(LoadPlan { jobs: trial.times(600, 100), ..LoadPlan::default() });
    running.until_asked();
    // The leader rings for what was just stored.
    trial.pause(Duration::from_millis(500));

    trial.during("all schedulers killed", Hit::Nobody, |trial| {
        let began = Instant::now();
        for scheduler in trial.field.schedulers() {
            scheduler.kill();
        }
        clients_are_told(trial);
        let all = running.len();
        trial.eventually("hosts go on with what they have", PATIENCE, |_| running.ended() == Ok(all));
        rest_of(trial, began, outage);
    });

    come_back(trial, &backlog);
    let settled = trial.settle_all(vec![backlog, running]);
    judge_starts(trial, &settled);
}

/// Whoever asks is told at once, with the code for it and a hint.
fn clients_are_told(trial: &mut Trial) {
    let asked = Instant::now();
    let error = trial.field.jobctl().refusal(7, &["enqueue", "touch", "{}"]);
    trial.within(asked.elapsed(), Duration::from_secs(5), "a client is told");
    trial.require(error["code"] == "unavailable", format!("a client was told {error}"));
    let hint = error["hint"].as_str().unwrap_or_default();
    trial.require(hint.contains("jobctl"), format!("a client was given no way out: {error}"));
}

/// Starts the schedulers, and watches how the backlog is worked off.
fn come_back(trial: &mut Trial, backlog: &Load) {
    let (mut references_most, mut connections_most) = (0, 0);
    let mut first = None;
    let began = Instant::now();
    for scheduler in trial.field.schedulers() {
        scheduler.begin();
    }
    let all = backlog.len();
    let took = trial.eventually("all that fell due runs", Duration::from_secs(180), |trial| {
        references_most = references(trial).max(references_most);
        connections_most = connections(trial).max(connections_most);
        let ended = backlog.ended().unwrap_or(0);
        if ended > 0 {
            first.get_or_insert_with(|| began.elapsed());
        }
        ended == all
    });
    for scheduler in trial.field.schedulers() {
        scheduler.ready();
    }
    if let Some(first) = first {
        trial.takeover(first);
    }
    trial.note(format!(
        "{all} jobs fell due meanwhile: all had run {took:.1?} after the restart; at the most {references_most} \
         references in Redis and {connections_most} connections"
    ));
    let members = trial.field.members().count() as u64;
    trial.require(references_most <= WINDOW_MAX, format!("{references_most} references in Redis at once"));
    trial.require(
        connections_most <= members * CONNECTIONS_MAX,
        format!("{connections_most} connections of {members} processes"),
    );
}

/// How many references of the backlog lie in Redis.
fn references(trial: &mut Trial) -> u64 {
    let answer = trial.field.redis().command(&["ZCARD", &format!("jobctl:queue:default/{BACKLOG}")]);
    let text = String::from_utf8_lossy(&answer);
    text.trim().trim_start_matches(':').parse().unwrap_or_else(|_| panic!("ZCARD: {text}"))
}

fn connections(trial: &Trial) -> u64 {
    trial.field.number("select count(*) from pg_stat_activity where application_name = 'jobctl'")
}
