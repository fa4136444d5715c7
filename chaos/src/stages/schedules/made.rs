//! The schedules of a stage: made, watched, paused and deleted through the API, whatever it takes.

use std::time::{Duration, Instant};

use chrono::{SubsecRound as _, TimeDelta};
use history::now_us;
use model::clock::{Clock as _, SystemClock};
use rpc::{Client, v1};
use tonic::{Response, Status};

use super::PATIENCE;
use crate::calls::{self, NAMESPACE};
use crate::settle::Settled;
use crate::trial::Trial;

/// Before a scheduler that did not answer well is asked again.
const AGAIN: Duration = Duration::from_millis(200);

/// How late a schedule may be looked at that nothing holds up: a busy machine's tick.
const HELD_UP: &str = "interval '1 s'";

/// Longest after a full second that a schedule of each second is still at firing: a tick of the leader and its work.
const AT_FIRING_MS: u64 = 150;

/// From the instants of one schedule to those of the next, where they are spread: as often as a leader looks.
const APART_MS: usize = 100;

/// The schedules of a stage.
pub(super) struct Made {
    names: Vec<String>,
    since: Instant,
}

impl Made {
    /// None yet.
    pub(super) fn none() -> Self {
        Self { names: Vec::new(), since: Instant::now() }
    }

    /// Makes schedules of `spec`, one for each of `numbers`, as `NAME-NUMBER`, by the scheduler `at`.
    pub(super) fn make(
        &mut self,
        trial: &Trial,
        at: usize,
        name: &str,
        numbers: std::ops::Range<usize>,
        spec: &v1::ScheduleSpec,
    ) {
        for number in numbers {
            self.make_one(trial, at, &format!("{name}-{number}"), spec, false);
        }
    }

    /// The same with a period of a second, each with instants at another part of it: whoever leads has always something to
    /// fire.
    pub(super) fn make_spread(
        &mut self,
        trial: &Trial,
        at: usize,
        name: &str,
        numbers: std::ops::Range<usize>,
        spec: &v1::ScheduleSpec,
    ) {
        let began = SystemClock.now().trunc_subsecs(3) - TimeDelta::seconds(1);
        for number in numbers {
            let part_ms = (number * APART_MS) % 1_000;
            let anchor = began + TimeDelta::milliseconds(i64::try_from(part_ms).unwrap_or(0));
            let anchor = Some(rpc::timestamp(anchor));
            let spec = v1::ScheduleSpec { every_ms: Some(1_000), anchor, ..spec.clone() };
            self.make_one(trial, at, &format!("{name}-{number}"), &spec, false);
        }
    }

    /// Makes one, by the scheduler `at`.
    pub(super) fn make_one(
        &mut self,
        trial: &Trial,
        at: usize,
        name: &str,
        spec: &v1::ScheduleSpec,
        paused: bool,
    ) {
        let request = v1::CreateScheduleRequest {
            namespace: NAMESPACE.to_owned(),
            name: name.to_owned(),
            spec: Some(spec.clone()),
            paused,
        };
        ask(trial, &[at], async |mut client| client.schedules.create_schedule(request.clone()).await);
        self.names.push(name.to_owned());
    }

    /// Their names.
    pub(super) fn names(&self) -> &[String] {
        &self.names
    }

    /// How many instants each of them has had at least, if it is one of each second: those of its first and last moments
    /// are not counted on.
    pub(super) fn instants_min(&self) -> usize {
        usize::try_from(self.since.elapsed().as_secs()).unwrap_or(usize::MAX).saturating_sub(4)
    }

    /// Pauses all, waits for their jobs, judges the trial, and deletes them.
    pub(super) fn settle(&self, trial: &mut Trial) -> Settled {
        let all: Vec<_> = (0..trial.field.schedulers().len()).collect();
        for name in &self.names {
            let request = v1::PauseScheduleRequest { namespace: NAMESPACE.to_owned(), name: name.clone() };
            ask(trial, &all, async |mut client| client.schedules.pause_schedule(request.clone()).await);
        }
        let settled = trial.settle_all([]);
        let jobs = settled.truth.fires.iter().filter(|fire| fire.job.is_some()).count();
        trial.count_jobs(jobs);
        for name in &self.names {
            let request = v1::DeleteScheduleRequest { namespace: NAMESPACE.to_owned(), name: name.clone() };
            ask(trial, &all, async |mut client| client.schedules.delete_schedule(request.clone()).await);
        }
        settled
    }
}

/// A schedule of the task `touch` whose jobs sleep for a moment and tell the sink; its timing is still to be said.
pub(super) fn quick(trial: &Trial) -> v1::ScheduleSpec {
    let payload = serde_json::json!({ "sleep_ms": 10, "url": trial.field.sink().url() });
    let payload = payload.to_string().into_bytes();
    v1::ScheduleSpec { task: "touch".to_owned(), payload, ..v1::ScheduleSpec::default() }
}

/// At each full second.
pub(super) fn each_second(spec: &v1::ScheduleSpec) -> v1::ScheduleSpec {
    v1::ScheduleSpec { cron: "* * * * * *".to_owned(), ..spec.clone() }
}

/// Waits until each schedule that is active has fired this often.
pub(super) fn until_fired(trial: &mut Trial, times: u64) {
    let words = format!("each schedule has fired {times} times");
    trial.eventually(&words, PATIENCE, |trial| {
        let least = "select coalesce(min(n), 0) from (select count(f.instant) as n from schedules s
                     left join schedule_fires f on f.schedule_id = s.id
                     where s.deleted_at is null and s.state = 'active' group by s.id) as fired";
        trial.field.number(least) >= times
    });
}

/// Waits until nothing has waited to be looked at for longer than a busy leader takes.
pub(super) fn until_caught_up(trial: &mut Trial) -> Duration {
    let left = format!(
        "select count(*) from schedules where deleted_at is null and look_at < clock_timestamp() - {HELD_UP}"
    );
    trial.eventually("all that is due has fired", PATIENCE, |trial| trial.field.number(&left) == 0)
}

/// Waits for the moment at which schedules of each second fire.
pub(super) fn until_at_firing(trial: &Trial) {
    let into_us = u64::try_from(now_us().rem_euclid(1_000_000)).unwrap_or(0);
    trial.pause(Duration::from_micros(1_000_000 - into_us) + trial.random_ms(0..=AT_FIRING_MS));
}

/// What one of the schedulers answers, asked in turn until it is no error that may pass.
pub(super) fn ask<T>(
    trial: &Trial,
    schedulers: &[usize],
    call: impl AsyncFn(Client) -> Result<Response<T>, Status>,
) -> T {
    let deadline = Instant::now() + PATIENCE;
    for scheduler in schedulers.iter().cycle() {
        let client = trial.field.client(*scheduler);
        let answer = trial.field.runtime().block_on(call(client));
        match answer.map_err(rpc::Error::from) {
            Ok(answer) => return answer.into_inner(),
            Err(error) if calls::passes(&error) && Instant::now() < deadline => trial.pause(AGAIN),
            Err(error) => panic!("scheduler {scheduler} answers {error:?}"),
        }
    }
    unreachable!("there is a scheduler to ask")
}
