//! The leader does not reach PostgreSQL, or Redis.

use std::io::{self, Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use history::Hit;

use super::{Bad, steady};
use crate::load::{Load, Work};
use crate::trial::Trial;

/// How soon another leads when the leader's database is out of reach.
const LEADS: Duration = Duration::from_secs(3);

/// How soon another leads when its Redis is, and how soon jobs go on when all of them reach it again.
const OFFERS: Duration = Duration::from_secs(10);

/// Longer than anything takes that is to come.
const PATIENCE: Duration = Duration::from_secs(40);

/// What a leader says that steps down.
const NO_MORE: &str = "leads no more";

/// Jobs that end when references come again: more than ran or were being claimed.
const PROGRESS: usize = 60;

pub(super) fn postgres(trial: &mut Trial) {
    let load = steady(trial, 40, Work::default());
    load.until_ended(20);

    for bad in Bad::ALL.into_iter().take(trial.times(4, 1)) {
        let leader = trial.field.leader();
        let said = trial.field.scheduler(leader).log_lines(NO_MORE).len();
        trial.during(&format!("leader–Postgres {}", bad.words()), Hit::Nobody, |trial| {
            bad.make(trial.field.scheduler(leader).database());
            let took = another_leads(trial, leader, bad);
            trial.within(took, LEADS, &format!("another leads while the line is {}", bad.words()));
            trial.eventually("the first to step down", PATIENCE, |trial| {
                trial.field.scheduler(leader).log_lines(NO_MORE).len() > said
            });
            goes_on(trial, &load);
            trial.field.scheduler(leader).pass();
        });
        whole(trial, leader);
    }
    load.stop();

    let settled = trial.settle(load);
    trial.require(settled.outcomes("lost") == 0, "an attempt was taken for lost, and no host lost its lease");
}

pub(super) fn redis(trial: &mut Trial) {
    let load = steady(trial, 40, Work::default());
    load.until_ended(20);
    let before = term(trial);

    let ways = trial.times(4, 1);
    for bad in Bad::ALL.into_iter().take(ways) {
        let leader = trial.field.leader();
        trial.during(&format!("leader–Redis {}", bad.words()), Hit::Nobody, |trial| {
            bad.make(trial.field.scheduler(leader).redis());
            let took = another_leads(trial, leader, bad);
            trial.within(took, OFFERS, &format!("another leads while the line is {}", bad.words()));
            goes_on(trial, &load);
            trial.field.scheduler(leader).pass();
        });
        // It reaches Redis again before the next one is cut off.
        trial.eventually("a scheduler to reach Redis again", PATIENCE, |trial| {
            readiness(&trial.field.api(leader)).is_ok_and(|said| said.ends_with("\r\n\r\nready\n"))
        });
    }

    let moved = u64::try_from(ways).unwrap_or(0);
    let words = format!("the lead went from term {before} to {}, for {ways} cuts", term(trial));
    trial.require(term(trial) == before + moved, words);
    nobody_reaches(trial, &load);
    load.stop();
    let settled = trial.settle(load);
    trial.require(settled.outcomes("lost") == 0, "an attempt was taken for lost, and no host lost its lease");
}

/// With Redis out of everybody's reach the lead stays where it is.
fn nobody_reaches(trial: &mut Trial, load: &Load) {
    let (before, lasts) = (term(trial), Duration::from_secs(trial.times(12, 5) as u64));
    trial.during("all schedulers–Redis refused", Hit::Nobody, |trial| {
        for scheduler in trial.field.schedulers() {
            Bad::Refused.make(scheduler.redis());
        }
        trial.pause(lasts);
        let same = term(trial) == before;
        trial.require(same, "the lead moved although nobody reached Redis");
        for scheduler in trial.field.schedulers() {
            scheduler.pass();
        }
    });
    let began = Instant::now();
    goes_on(trial, load);
    trial.within(began.elapsed(), OFFERS, "jobs go on when Redis is reached again");
}

fn another_leads(trial: &mut Trial, leader: usize, bad: Bad) -> Duration {
    let words = format!("another to lead while the line is {}", bad.words());
    let took =
        trial.eventually(&words, PATIENCE, |trial| trial.field.leading().is_some_and(|now| now != leader));
    trial.takeover(took);
    took
}

fn goes_on(trial: &mut Trial, load: &Load) {
    let before = load.ended().unwrap_or(0);
    trial
        .eventually("jobs to go on", PATIENCE, |_| load.ended().is_ok_and(|ended| ended > before + PROGRESS));
}

/// Waits until the scheduler answers as one that follows.
fn whole(trial: &mut Trial, scheduler: usize) {
    trial.eventually("the scheduler to be ready again", PATIENCE, |trial| {
        readiness(&trial.field.api(scheduler)).is_ok_and(|said| said.starts_with("HTTP/1.1 200"))
    });
}

fn term(trial: &Trial) -> u64 {
    trial.field.number("select term from leader")
}

/// What a scheduler answers who asks whether it is ready, with its head.
fn readiness(api: &str) -> io::Result<String> {
    let address = api.trim_start_matches("http://");
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(Duration::from_secs(5)))?;
    write!(stream, "GET /readyz HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n")?;
    let mut said = String::new();
    stream.read_to_string(&mut said)?;
    Ok(said)
}
