//! Processes whose clock is wrong.

use std::collections::BTreeSet;
use std::time::Duration;

use history::{Event, Hit};
use model::clock::{Clock as _, SystemClock};
use model::id::JobId;
use rpc::v1;
use serde_json::Value;
use stories::Answer;

use crate::calls;
use crate::load::{Fail, Load, LoadPlan, Work};
use crate::stages::faketime::{NEAR_S, OFFS, environment, instant, is_off, leads, restart};
use crate::trial::Trial;

/// Where clients with wrong clocks put their jobs.
const QUEUE: &str = "clocks";

/// Longer than anything takes that is to come.
const PATIENCE: Duration = Duration::from_secs(60);

/// A process and how its clock is off.
#[derive(Clone, Copy)]
enum Who {
    Host(usize),
    Scheduler(usize),
}

pub(super) fn wrong(trial: &mut Trial) {
    let all = OFFS.map(|off| [(Who::Host(0), off), (Who::Scheduler(0), off)]);
    let mut loads = Vec::new();
    let rounds = trial.times(all.len(), 1);
    // The short form has the farthest only.
    for round in all.iter().rev().take(rounds) {
        for (who, off) in round {
            loads.extend(with(trial, *who, *off));
        }
    }
    clients_may_be_wrong(trial);
    let settled = trial.settle_all(loads);
    let (lost, released) = (settled.outcomes("lost"), settled.outcomes("released"));
    trial.require(lost + released == 0, format!("{lost} attempts were lost, {released} released"));
}

/// Lets one process work with a wrong clock for a while.
fn with(trial: &mut Trial, who: Who, (off, seconds): (&str, i64)) -> Vec<Load> {
    let name = member(trial, who).name().to_owned();
    set_clock(trial, who, Some(off));
    is_off(trial, |trial| member(trial, who), seconds);
    if let Who::Scheduler(index) = who {
        leads(trial, index);
    }
    let sessions = open_sessions(trial);
    let term = trial.field.query("select term from leader");

    let told_by = trial.during(&format!("the clock of {name} is {off} off"), Hit::Nobody, |trial| {
        let jobs = trial.times(150, 60);
        let now = trial.load(LoadPlan { jobs, batch: 5, per_second: Some(60), ..LoadPlan::default() });
        let delay = Some(Duration::from_secs(2));
        let later = trial.load(LoadPlan { jobs: jobs / 2, batch: 5, delay, ..LoadPlan::default() });
        // Their first attempts leave lines in the log.
        let work =
            Work { sleep_ms: 300..=300, effects: 0, fail: Fail::Trap, succeed_from: 2, ..Work::default() };
        let lines = trial.load(LoadPlan { jobs: 12, batch: 12, work, ..LoadPlan::default() });
        if let Who::Scheduler(index) = who {
            ids_are_of_now(trial, index);
        }
        for load in [&later, &lines] {
            until_over(trial, load);
        }
        times_are_right(trial, who, &lines);
        [now, later, lines]
    });

    let now = (open_sessions(trial), trial.field.query("select term from leader"));
    trial.require(
        now == (sessions, term),
        format!("with the clock of {name} {off} off somebody was taken over"),
    );
    set_clock(trial, who, None);
    told_by.into_iter().collect()
}

fn member(trial: &mut Trial, who: Who) -> &mut crate::Member {
    match who {
        Who::Host(index) => trial.field.host(index),
        Who::Scheduler(index) => trial.field.scheduler(index),
    }
}

fn set_clock(trial: &mut Trial, who: Who, off: Option<&str>) {
    restart(member(trial, who), off);
    // Whoever leads now, and whatever session there is, is to stay.
    let _ = trial.field.leader();
    if let Who::Host(index) = who {
        let waited = "the host has a session";
        trial.eventually(waited, PATIENCE, |trial| trial.field.session(index).is_some());
    }
}

/// Waits until all jobs of the load have ended.
fn until_over(trial: &mut Trial, load: &Load) {
    load.until_asked();
    let ids = load.ids().iter().map(|id| format!("'{id}'")).collect::<Vec<_>>().join(", ");
    let left = format!("select count(*) from job_queue where job_id in ({ids})");
    trial.eventually("the jobs end", PATIENCE, |trial| trial.field.number(&left) == 0);
}

/// Whether a time that people are told is about now.
fn is_near(value: &Value) -> bool {
    let at = value.as_str().and_then(instant);
    at.is_some_and(|at| (at - SystemClock.now().timestamp()).abs() < NEAR_S)
}

fn open_sessions(trial: &Trial) -> Vec<String> {
    trial.field.query("select id from host_sessions where closed_at is null order by id")
}

/// Ids that the API makes itself bear the database's time.
fn ids_are_of_now(trial: &mut Trial, scheduler: usize) {
    let client = trial.field.client(scheduler);
    let job = v1::NewJob { task: "touch".to_owned(), payload: b"{}".to_vec(), ..v1::NewJob::default() };
    let told = trial.field.runtime().block_on(calls::enqueue(&client, vec![job]));
    let id = match told.as_deref() {
        Ok([told]) => told.id.clone(),
        other => return trial.require(false, format!("a job without an id was answered with {other:?}")),
    };
    trial.record(Event::Asked { job: id.clone(), key: None });
    trial.record(Event::Told { asked: id.clone(), job: id.clone() });
    let made = id.parse::<JobId>().ok().and_then(|id| id.0.get_timestamp()).map(|at| at.to_unix().0);
    let now = SystemClock.now().timestamp();
    let near = made.and_then(|made| i64::try_from(made).ok()).is_some_and(|made| (made - now).abs() < NEAR_S);
    trial.require(near, format!("the id {id}, which the API made, is of {made:?}; it is {now}"));
}

/// What people are told of jobs, whoever answers and whoever ran them: instants, and lines of the log.
fn times_are_right(trial: &mut Trial, who: Who, jobs: &Load) {
    let asked = if let Who::Scheduler(index) = who { index } else { 0 };
    let jobctl = trial.field.jobctl_at(asked);
    let (mut wrong, mut lines) = (Vec::new(), 0);
    for id in jobs.ids() {
        let job = jobctl.job(&id);
        for field in ["created_at", "run_at", "started_at", "finished_at"] {
            if !is_near(&job[field]) {
                wrong.push(format!("{field} {}", job[field]));
            }
        }
        for line in jobctl.list(&["job", "logs", &id]) {
            lines += 1;
            if !is_near(&line["at"]) {
                wrong.push(format!("a line of the log {}", line["at"]));
            }
        }
    }
    trial.require(lines > 0, "the jobs left lines in the log");
    trial.require(wrong.is_empty(), format!("times that people are told are off: {wrong:?}"));
    let status = jobctl.json(&["status"]);
    trial.require(is_recent(&status["leader"]["since"]), format!("since when it leads is off: {status}"));
}

/// Whether it is a time of this run.
fn is_recent(value: &Value) -> bool {
    let at = value.as_str().and_then(instant);
    at.is_some_and(|at| (0..=3_600).contains(&(SystemClock.now().timestamp() - at + NEAR_S)))
}

/// A client with a wrong clock makes ids of another time. Its jobs run all the same, and whoever walks through a
/// listing by its cursors still sees each of them once.
fn clients_may_be_wrong(trial: &mut Trial) {
    const EACH: usize = 3;
    let words = ["enqueue", "touch", "{}", "--queue", QUEUE, "--wait", "-o", "json"];
    for (off, _) in OFFS.iter().chain(&[("+0", 0)]).cycle().take(EACH * (OFFS.len() + 1)) {
        let mut command = trial.field.jobctl().command(&words);
        command.envs(environment(off));
        let answer = Answer::from(command.output().expect("jobctl starts"));
        trial.require(answer.code == 0, format!("a client whose clock is {off} off: {answer:?}"));
        let job = answer.json();
        trial.require(is_near(&job["created_at"]), format!("its job was made at {}", job["created_at"]));
    }
    let seen = walk(trial);
    let (all, distinct) = (EACH * (OFFS.len() + 1), seen.iter().collect::<BTreeSet<_>>().len());
    let whole = seen.len() == all && distinct == all;
    trial.require(whole, format!("a walk through {all} jobs saw {}, {distinct} different ones", seen.len()));
}

/// The ids of the queue's jobs, in small pages.
fn walk(trial: &Trial) -> Vec<String> {
    let mut client = trial.field.client(0);
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    loop {
        let queue = QUEUE.to_owned();
        let request = v1::ListJobsRequest { limit: 5, cursor, queue, ..v1::ListJobsRequest::default() };
        let page = trial.field.runtime().block_on(client.jobs.list_jobs(request));
        let page = page.expect("a page").into_inner();
        seen.extend(page.jobs.into_iter().map(|job| job.id));
        cursor = page.next_cursor;
        if cursor.is_empty() {
            return seen;
        }
    }
}
