//! Everything at random, until the run has had its jobs.

use std::time::{Duration, Instant};

use history::Hit;
use rand::Rng as _;

use crate::effort::Effort;
use crate::load::{LoadPlan, Work};
use crate::stage::Stage;
use crate::trial::Trial;

/// The stages of this group.
pub(super) const STAGES: &[Stage] = &[Stage {
    name: "mixed",
    fault: "any of eight faults at random, one every few seconds, until the run has had its jobs",
    pass: "I1–I8",
    run: mixed,
}];

/// Jobs of a run that had enough before, or of this stage alone.
const JOBS_MIN: usize = 2000;

/// Between two faults: time enough to be whole again, now and then not.
const BETWEEN_MS: std::ops::RangeInclusive<u64> = 500..=4000;

/// How long a fault waits for a host to have work, and how often it looks.
const AT_WORK: Duration = Duration::from_secs(2);
const LOOK: Duration = Duration::from_millis(50);

/// Something that can happen.
#[derive(Debug, Clone, Copy)]
struct Mishap {
    name: &'static str,
    befall: fn(&mut Trial, &'static str),
}

/// What can happen.
const MISHAPS: [Mishap; 8] = [
    Mishap { name: "a host killed", befall: host_killed },
    Mishap { name: "a host stopped for a second", befall: host_stopped },
    Mishap { name: "a host's connections to PostgreSQL reset", befall: database_reset },
    Mishap { name: "a host's connections to Redis cut for a second", befall: redis_cut },
    Mishap { name: "the leader killed", befall: leader_killed },
    Mishap { name: "FLUSHALL", befall: flushed },
    Mishap { name: "Redis restarted empty", befall: redis_restarted },
    Mishap { name: "PostgreSQL restarted in immediate mode", befall: postgres_restarted },
];

fn mixed(trial: &mut Trial) {
    let jobs = trial.times(trial.jobs_wanted().max(JOBS_MIN), 300);
    // Short, so that many fit into a run, and long enough for a fault to find some of them at work.
    let work = Work { sleep_ms: 10..=50, ..Work::default() };
    // A short run would be over before the second fault.
    let per_second = (trial.effort == Effort::Short).then_some(50);
    let load =
        trial.load(LoadPlan { jobs, per_second, batch: trial.times(500, 10), work, ..LoadPlan::default() });

    // Each of them once, and then as they come.
    for round in 0..trial.times(usize::MAX, MISHAPS.len()) {
        if round >= MISHAPS.len() && load.ended().is_ok_and(|ended| ended >= jobs) {
            break;
        }
        let pick = if round < MISHAPS.len() { round } else { rand::rng().random_range(0..MISHAPS.len()) };
        let Mishap { name, befall } = MISHAPS[pick];
        befall(trial, name);
        if trial.effort == Effort::Full {
            trial.pause(trial.random_ms(BETWEEN_MS));
        }
    }

    let settled = trial.settle(load);
    for takeover in settled.takeovers() {
        trial.takeover(takeover);
    }
}

/// One of the hosts, at work if there is any.
fn any_host(trial: &mut Trial) -> (usize, Hit) {
    let host = rand::rng().random_range(0..trial.field.hosts().len());
    let until = Instant::now() + AT_WORK;
    while Instant::now() < until && !is_at_work(trial, host) {
        trial.pause(LOOK);
    }
    (host, Hit::host(trial.field.host(host).name()))
}

fn is_at_work(trial: &Trial, host: usize) -> bool {
    let Some(session) = trial.field.session(host) else { return false };
    trial.field.number(&format!("select count(*) from job_queue where session = {session}")) > 0
}

fn host_killed(trial: &mut Trial, name: &'static str) {
    let (host, hit) = any_host(trial);
    trial.during(name, hit, |trial| {
        trial.field.host(host).kill();
        trial.field.host(host).start();
    });
}

fn host_stopped(trial: &mut Trial, name: &'static str) {
    let (host, hit) = any_host(trial);
    trial.during(name, hit, |trial| {
        trial.field.host(host).freeze();
        trial.pause(Duration::from_secs(1));
        trial.field.host(host).thaw();
    });
}

fn database_reset(trial: &mut Trial, name: &'static str) {
    let (host, hit) = any_host(trial);
    trial.during(name, hit, |trial| {
        trial.field.host(host).database().reset();
        trial.pause(Duration::from_millis(100));
    });
}

fn redis_cut(trial: &mut Trial, name: &'static str) {
    let (host, _) = any_host(trial);
    trial.during(name, Hit::Nobody, |trial| {
        trial.field.host(host).redis().cut();
        trial.pause(Duration::from_secs(1));
        trial.field.host(host).redis().pass();
    });
}

fn leader_killed(trial: &mut Trial, name: &'static str) {
    let leader = trial.field.leader();
    trial.during(name, Hit::Nobody, |trial| {
        trial.field.scheduler(leader).kill();
        trial.field.scheduler(leader).start();
    });
}

fn flushed(trial: &mut Trial, name: &'static str) {
    trial.during(name, Hit::Nobody, |trial| trial.field.redis().command(&["FLUSHALL"]));
}

fn redis_restarted(trial: &mut Trial, name: &'static str) {
    trial.during(name, Hit::Nobody, |trial| trial.field.redis().restart());
}

/// A crash forgets the last moments of claims, so that anybody's jobs may run again.
fn postgres_restarted(trial: &mut Trial, name: &'static str) {
    trial.during(name, Hit::Everybody, |trial| {
        trial.field.postgres().restart();
        trial.pause(Duration::from_secs(1));
    });
}
