//! Somebody else writes into our keys.

use history::Hit;
use rand::Rng as _;

use super::{QUEUE, no_flood};
use crate::load::{LoadPlan, Work};
use crate::trial::Trial;

/// Members in one command.
const AT_ONCE: usize = 500;

/// One that is no reference by its size alone.
const BIG: usize = 10 << 20;

/// What the line says.
const LINE: &str = "dropped what is no";

pub(super) fn junk(trial: &mut Trial) {
    let finished = trial.load(LoadPlan { jobs: trial.times(400, 60), ..LoadPlan::default() });
    finished.until_asked();
    finished.until_ended(finished.len());
    let ended = members(&finished.ids());

    let long = Work { sleep_ms: 800..=1500, ..Work::default() };
    let delay = Some(std::time::Duration::from_secs(trial.times(8, 4) as u64));
    let later = trial.load(LoadPlan { jobs: trial.times(200, 30), delay, ..LoadPlan::default() });
    let runs = trial.load(LoadPlan { jobs: trial.times(300, 40), work: long, ..LoadPlan::default() });
    later.until_asked();
    runs.until_asked();
    runs.until_ended(1);

    trial.during("junk among the references", Hit::Nobody, |trial| {
        put(trial, "0", &random(trial.times(10_000, 1_000), 16));
        put(trial, "-inf", &ended);
        put(trial, "-1", &members(&later.ids()));
        put(trial, "5", &members(&runs.ids()));
        put(trial, "inf", &members(&runs.ids())[..10]);
        put(trial, "1e300", &random(50, 16));
        for size in [0, 1, 15, 17, 31, 1000] {
            put(trial, "-inf", &random(20, size));
        }
        put(trial, "-inf", &random(1, BIG));
    });
    trial.during("junk among the names and wake-ups", Hit::Nobody, |trial| {
        let redis = trial.field.redis();
        redis.command(&["SADD", "jobctl:queues", "", "a", "a/b/c", "a b/c", "no/such-queue"]);
        for message in ["", "junk", "e123", "c!"] {
            redis.command(&["PUBLISH", "jobctl:signals", message]);
        }
    });
    // What comes after the junk is served too.
    let after = trial.load(LoadPlan { jobs: trial.times(600, 60), ..LoadPlan::default() });

    let settled = trial.settle_all(vec![finished, later, runs, after]);
    let attempts: usize = settled.truth.jobs.iter().map(|job| job.attempts.len()).sum();
    let jobs = settled.truth.jobs.len();
    trial.require(attempts == jobs, format!("{attempts} attempts of {jobs} jobs: junk made one run again"));
    not_early(trial, &settled);
    said_once(trial);
    no_flood(trial, 6);
}

/// No job began before it was due, although its reference lay there.
fn not_early(trial: &mut Trial, settled: &crate::settle::Settled) {
    let early = settled.truth.jobs.iter().filter(|job| {
        let first = job.attempts.first();
        first.is_some_and(|first| first.started_us < job.run_at_us)
    });
    let early = early.count();
    trial.require(early == 0, format!("{early} jobs began before they were due"));
}

/// Somebody said that there was junk, and nobody said it twice within the minute.
fn said_once(trial: &mut Trial) {
    let mut lines = Vec::new();
    for member in trial.field.members() {
        lines.push(member.log_lines(LINE).len());
    }
    trial.require(lines.iter().sum::<usize>() > 0, "nobody said that junk was dropped");
    trial.require(lines.iter().all(|count| *count <= 1), format!("junk was said more than once: {lines:?}"));
}

fn put(trial: &mut Trial, score: &str, members: &[Vec<u8>]) {
    for some in members.chunks(AT_ONCE) {
        let mut command: Vec<&[u8]> = vec![b"ZADD", QUEUE.as_bytes()];
        for member in some {
            command.extend([score.as_bytes(), member]);
        }
        let answer = trial.field.redis().command(&command);
        trial.require(answer.starts_with(b":"), "Redis takes the junk");
    }
}

fn random(count: usize, size: usize) -> Vec<Vec<u8>> {
    let mut rng = rand::rng();
    let mut one = || {
        let mut bytes = vec![0; size];
        rng.fill(&mut bytes[..]);
        bytes
    };
    (0..count).map(|_| one()).collect()
}

/// The bytes that ids, as they are written, have in Redis.
fn members(ids: &[String]) -> Vec<Vec<u8>> {
    ids.iter().map(|id| bytes(id)).collect()
}

fn bytes(id: &str) -> Vec<u8> {
    let digits: Vec<u8> =
        id.chars().filter_map(|c| c.to_digit(16)).filter_map(|d| u8::try_from(d).ok()).collect();
    digits.chunks(2).map(|pair| pair.iter().fold(0, |byte, digit| byte << 4 | digit)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_sixteen_bytes() {
        let bytes = bytes("0190abcd-ef12-7000-8000-0000000000ff");

        assert_eq!(bytes.len(), 16);
        assert_eq!((bytes[0], bytes[1], bytes[15]), (0x01, 0x90, 0xff));
    }
}
