//! Redis is away, silent or full for a while: jobs are taken, what runs is finished, and nothing piles up.

use std::time::{Duration, Instant};

use history::Hit;

use super::{PATIENCE, PROGRESS, no_flood};
use crate::load::{Load, LoadPlan, Work};
use crate::trial::Trial;

/// Jobs that run when it begins, fewer than there are slots.
const RUNNING: usize = 12;

/// How long an enqueue may take while Redis is away: a commit, and no more.
const ENQUEUE: Duration = Duration::from_secs(2);

/// Jobs a second that clients ask for all the while.
const RATE: u32 = 30;

/// Threads more than before.
const THREADS_MORE: usize = 16;

/// Memory more than before, in KiB.
const RESIDENT_MORE_KIB: u64 = 64 << 10;

/// A way to be of no use, and back.
struct Outage {
    name: &'static str,
    lasts: Duration,
    begin: fn(&mut Trial),
    end: fn(&mut Trial),
}

pub(super) fn down(trial: &mut Trial) {
    let lasts = Duration::from_secs(trial.times(60, 8) as u64);
    let begin = |trial: &mut Trial| trial.field.redis().kill();
    let end = |trial: &mut Trial| trial.field.redis().restart();
    outage(trial, &Outage { name: "Redis is down", lasts, begin, end });
}

pub(super) fn frozen(trial: &mut Trial) {
    let lasts = Duration::from_secs(trial.times(20, 6) as u64);
    let begin = |trial: &mut Trial| trial.field.redis().freeze();
    let end = |trial: &mut Trial| trial.field.redis().thaw();
    outage(trial, &Outage { name: "Redis is frozen", lasts, begin, end });
}

pub(super) fn full(trial: &mut Trial) {
    fn limit(trial: &mut Trial, bytes: &str) {
        let answer = trial.field.redis().command(&["CONFIG", "SET", "maxmemory", bytes]);
        let policy = trial.field.redis().command(&["CONFIG", "SET", "maxmemory-policy", "noeviction"]);
        trial.require(answer.starts_with(b"+OK") && policy.starts_with(b"+OK"), "Redis takes its limit");
    }
    let lasts = Duration::from_secs(trial.times(20, 6) as u64);
    let begin = |trial: &mut Trial| limit(trial, "1mb");
    let end = |trial: &mut Trial| limit(trial, "0");
    outage(trial, &Outage { name: "Redis is full", lasts, begin, end });
}

/// What a process holds.
struct Held {
    name: String,
    threads: usize,
    resident_kib: u64,
}

fn outage(trial: &mut Trial, outage: &Outage) {
    let long = Work { sleep_ms: 2500..=3000, ..Work::default() };
    let running = trial.load(LoadPlan { jobs: RUNNING, work: long, ..LoadPlan::default() });
    let claimed = "select count(*) from job_queue where session is not null";
    trial.eventually("jobs to run", PATIENCE, |trial| trial.field.number(claimed) >= RUNNING as u64);
    let before = held(trial);

    let asks = usize::try_from(RATE).unwrap_or(0) * usize::try_from(outage.lasts.as_secs()).unwrap_or(0);
    let plan = LoadPlan { jobs: asks, per_second: Some(RATE), batch: 20, ..LoadPlan::default() };
    let load = trial.during(outage.name, Hit::Nobody, |trial| {
        (outage.begin)(trial);
        let began = Instant::now();
        let load = trial.load(plan);
        trial.eventually("what ran to be finished", outage.lasts.max(PATIENCE), |_| {
            running.ended().is_ok_and(|ended| ended == RUNNING)
        });
        trial.pause(outage.lasts.saturating_sub(began.elapsed()));
        acknowledged(trial, &load, outage.lasts);
        nothing_piled_up(trial, &before);
        (outage.end)(trial);
        load
    });
    trial.recovers(&load, PROGRESS, Instant::now(), outage.name);

    no_flood(trial, 12);
    let settled = trial.settle_all(vec![running, load]);
    trial.require(settled.outcomes("lost") == 0, "an attempt was taken for lost");
}

/// Every enqueue was answered well, and soon.
fn acknowledged(trial: &mut Trial, load: &Load, lasted: Duration) {
    let (told, errors) = (load.acknowledged(), load.errors());
    // Clients that are a second behind are not what this is about.
    let expected =
        usize::try_from(lasted.as_secs().saturating_sub(2)).unwrap_or(0) * usize::try_from(RATE).unwrap_or(0);
    trial.require(errors.is_empty(), format!("enqueues failed meanwhile: {errors:?}"));
    trial.within(load.slowest_call(), ENQUEUE, "an enqueue meanwhile is answered");
    let words = format!("only {told} jobs were acknowledged meanwhile, of {expected} or more");
    trial.require(told >= trial.times(expected, expected / 2), words);
}

fn held(trial: &mut Trial) -> Vec<Held> {
    let hold = |member: &mut crate::member::Member| Held {
        name: member.name().to_owned(),
        threads: member.threads(),
        resident_kib: member.resident_kib(),
    };
    trial.field.members().map(hold).collect()
}

fn nothing_piled_up(trial: &mut Trial, before: &[Held]) {
    for (before, now) in before.iter().zip(held(trial)) {
        let name = &before.name;
        let (threads, most) = (now.threads, before.threads + THREADS_MORE);
        trial.require(threads <= most, format!("threads piled up in {name}: {} → {threads}", before.threads));
        let (kib, most) = (now.resident_kib, before.resident_kib + RESIDENT_MORE_KIB);
        let words = format!("memory piled up in {name}: {} → {kib} KiB", before.resident_kib);
        trial.require(kib <= most, words);
    }
}
