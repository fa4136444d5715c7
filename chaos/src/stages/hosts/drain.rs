//! Processes that are asked to end.

use std::time::{Duration, Instant};

use history::{Hit, Truth};

use crate::effort::Effort;
use crate::load::{Load, LoadPlan, Work};
use crate::trial::Trial;

use super::now_us;

/// The drain timeout of the hosts here, as it is typed.
const DEADLINE: Duration = Duration::from_secs(3);
const DEADLINE_FLAG: [&str; 2] = ["--drain-timeout", "3s"];

/// How soon a host that was asked to end begins nothing more.
const NO_MORE: Duration = Duration::from_millis(500);

/// How long the end may take beyond what was to be waited for: stop, report, close.
const END: Duration = Duration::from_secs(1);

/// How soon another scheduler leads when the leader resigns.
const LEADS: Duration = Duration::from_secs(1);

/// A host that was asked to end under load, and what there is to hold against it.
struct Drained {
    session: i64,
    asked_us: i64,
    long: Load,
}

pub(super) fn at_the_deadline(trial: &mut Trial) {
    hosts_with(trial, &DEADLINE_FLAG);
    let jobs = trial.times(900, 150);
    let short = trial.load(LoadPlan { jobs, per_second: Some(50), batch: 5, ..LoadPlan::default() });
    let mut drained = Vec::new();
    for signal in &["TERM", "INT"][..trial.times(2, 1)] {
        drained.push(drain(trial, &[signal], DEADLINE));
    }
    end(trial, short, drained, DEADLINE);
}

pub(super) fn twice(trial: &mut Trial) {
    let jobs = trial.times(300, 100);
    let short = trial.load(LoadPlan { jobs, per_second: Some(50), batch: 5, ..LoadPlan::default() });
    let drained = drain(trial, &["TERM", "TERM"], NO_MORE);
    end(trial, short, vec![drained], NO_MORE);
}

/// Gives the hosts more flags, or takes them away, and starts them again.
fn hosts_with(trial: &mut Trial, flags: &[&str]) {
    for host in trial.field.hosts() {
        host.terminate();
        host.launch().arguments.extend(flags.iter().map(|flag| (*flag).to_owned()));
    }
    trial.field.start_all();
}

/// Sends the signals to the host that has most of some long jobs, and watches it end `after` so long.
fn drain(trial: &mut Trial, signals: &[&str], after: Duration) -> Drained {
    // One attempt is allowed: one that is released must not count.
    let work = Work { sleep_ms: 7_000..=8_000, effects: 0, ..Work::default() };
    let long = trial.load(LoadPlan { jobs: 9, batch: 1, max_attempts: 1, work, ..LoadPlan::default() });
    long.until_asked();
    let ids = long.ids().iter().map(|id| format!("'{id}'")).collect::<Vec<_>>().join(", ");
    let running = format!("select count(*) from job_queue where session is not null and job_id in ({ids})");
    trial.eventually("the long jobs run", Duration::from_secs(30), |trial| trial.field.number(&running) == 9);
    let busiest = format!(
        "select s.name from job_queue q join host_sessions s on s.id = q.session where q.job_id in ({ids})
         group by s.name order by count(*) desc, s.name limit 1"
    );
    let name = trial.field.query(&busiest).pop().expect("the long jobs run");
    let index = trial.field.hosts().iter().position(|host| host.name() == name).expect("it is one of ours");
    let session = trial.field.session(index).expect("it has a session");

    let asked_us = now_us(trial);
    let asked = Instant::now();
    trial.during(&format!("SIG{}", signals.join(", SIG")), Hit::Nobody, |trial| {
        for (number, signal) in signals.iter().enumerate() {
            trial.pause(NO_MORE * u32::try_from(number).unwrap_or(0));
            trial.field.host(index).signal(signal);
        }
        let beating = format!(
            "select count(*) from host_sessions where id = {session} and (closed_at is not null or lease_until > now())"
        );
        let mut silent = 0;
        while trial.field.host(index).is_running() {
            silent += u32::from(trial.field.number(&beating) == 0);
            trial.pause(Duration::from_millis(50));
        }
        let took = asked.elapsed();
        trial.require(silent == 0, "heartbeats go on to the end");
        trial.within(took, after + END, "the host ends");
        trial.require(took >= after, format!("the host ended after {took:.1?}, with long jobs in hand"));
        let status = trial.field.host(index).exit();
        trial.require(status.success(), format!("the host ended with {status}"));
        let open = trial.field.number(&format!("select count(*) from host_sessions where id = {session} and closed_at is null"));
        trial.require(open == 0, "its session is closed");
        trial.field.host(index).start();
    });
    Drained { session, asked_us, long }
}

/// Settles, and holds the attempts of the hosts that ended against what is promised.
fn end(trial: &mut Trial, short: Load, drained: Vec<Drained>, after: Duration) {
    let marks: Vec<_> = drained.iter().map(|one| (one.session, one.asked_us, one.long.ids())).collect();
    let settled = trial.settle_all([short].into_iter().chain(drained.into_iter().map(|one| one.long)));
    for (session, asked_us, long) in marks {
        judge(trial, &settled.truth, session, asked_us, &long, after);
    }
    let lost = settled.outcomes("lost");
    trial.require(lost == 0, format!("{lost} attempts were lost"));
    trial.require(settled.in_state("failed") == 0, "no attempt that was released counts");
    for host in trial.field.hosts() {
        let arguments = &mut host.launch().arguments;
        if arguments.ends_with(&DEADLINE_FLAG.map(str::to_owned)) {
            arguments.truncate(arguments.len() - DEADLINE_FLAG.len());
            host.terminate();
        }
    }
    trial.field.start_all();
}

fn judge(trial: &mut Trial, truth: &Truth, session: i64, asked_us: i64, long: &[String], after: Duration) {
    let us = |time: Duration| i64::try_from(time.as_micros()).unwrap_or(i64::MAX);
    let (mut late, mut cut, mut given_back, mut untimely) = (0, 0, 0, 0);
    for job in &truth.jobs {
        for attempt in job.attempts.iter().filter(|attempt| attempt.session == session) {
            late += u32::from(attempt.started_us > asked_us + us(NO_MORE));
            if attempt.outcome != "released" {
                continue;
            }
            let waited = attempt.finished_us - asked_us;
            if long.contains(&job.id) {
                given_back += 1;
                untimely += u32::from(waited < us(after) || waited > us(after + END));
            } else if attempt.started_us < asked_us {
                cut += 1;
            }
        }
    }
    trial.require(late == 0, format!("{late} attempts began later than {NO_MORE:?} after the signal"));
    trial.require(given_back > 0, "long jobs are given back");
    if trial.effort == Effort::Full {
        trial.require(untimely == 0, format!("{untimely} long jobs were not given back at the deadline"));
        trial.require(cut == 0 || after < DEADLINE, format!("{cut} short jobs were not let end"));
    }
}

pub(super) fn schedulers(trial: &mut Trial) {
    let jobs = trial.times(1200, 200);
    let load = trial.load(LoadPlan { jobs, per_second: Some(80), batch: 5, ..LoadPlan::default() });
    load.until_ended(20);
    for signal in ["TERM", "INT"] {
        let leader = trial.field.leader();
        trial.during(&format!("SIG{signal} of the leader"), Hit::Nobody, |trial| {
            trial.field.scheduler(leader).signal(signal);
            let took = trial.eventually("another one leads", Duration::from_secs(30), |trial| {
                trial.field.leading().is_some_and(|leads| leads != leader)
            });
            trial.takeover(took);
            trial.within(took, LEADS, "another one leads");
            ends_well(trial, leader);
            let resigned = trial.field.scheduler(leader).log_lines("this replica resigned").len();
            trial.require(resigned > 0, "the leader resigns");
            trial.field.scheduler(leader).start();
        });
    }
    let follower = trial.field.follower();
    trial.during("SIGTERM of a follower", Hit::Nobody, |trial| {
        trial.field.scheduler(follower).signal("TERM");
        ends_well(trial, follower);
        trial.field.scheduler(follower).start();
    });
    load.until_asked();
    trial.require(load.acknowledged() == load.len(), "every call is answered by one or the other");
    trial.settle(load);
}

fn ends_well(trial: &mut Trial, scheduler: usize) {
    let asked = Instant::now();
    let status = trial.field.scheduler(scheduler).exit();
    trial.within(asked.elapsed(), 2 * END, "the scheduler ends");
    trial.require(status.success(), format!("the scheduler ended with {status}"));
}
