//! Schedules in a room, made as they stand in a store, so that a test decides what they have yet to do.

use chrono::{DateTime, SubsecRound, TimeDelta, Utc};
use model::json::Json;
use model::name::Namespace;
use model::schedule::{
    Fate, FireKind, Overlap, Schedule, ScheduleSpec, ScheduleState, Skip, Standing, Timing,
};
use store::{FateFilter, NewSchedule, ScheduleChange, ScheduleChanged};
use testkit::eventually::eventually;

use crate::room::Room;

/// Each second from `from` on.
pub(crate) fn each_second(from: DateTime<Utc>) -> ScheduleSpec {
    every(1_000, from)
}

/// Each `period_ms` from `from` on; the first is `from`.
pub(crate) fn every(period_ms: u64, from: DateTime<Utc>) -> ScheduleSpec {
    let timing = Timing::Every { period_ms, anchor: from };
    ScheduleSpec { starts_at: Some(from), ..of(timing) }
}

/// Once.
pub(crate) fn once(at: DateTime<Utc>) -> ScheduleSpec {
    of(Timing::At(at))
}

/// Where an active schedule stands whose next instant is `next_at`.
pub(crate) fn timed(next_at: DateTime<Utc>) -> Standing {
    Standing {
        state: ScheduleState::Active,
        reason: None,
        next_at: Some(next_at),
        look_at: Some(next_at),
        pending: Vec::new(),
        open: Vec::new(),
    }
}

/// Of the task `t`.
pub(crate) fn of(timing: Timing) -> ScheduleSpec {
    ScheduleSpec::new("t".parse().expect("a name"), timing)
}

/// So many instants, a second apart, that begin with `from`.
pub(crate) fn seconds(from: DateTime<Utc>, count: i64) -> Vec<DateTime<Utc>> {
    (0..count).map(|at| from + TimeDelta::seconds(at)).collect()
}

/// The instants that made a job, in their order.
pub(crate) fn fired(fates: &[Fate]) -> Vec<DateTime<Utc>> {
    let instants = fates.iter().rev().filter_map(|fate| match fate {
        Fate::Fired { instant, kind: FireKind::Clock, .. } => Some(*instant),
        _ => None,
    });
    instants.collect()
}

/// Their jobs.
pub(crate) fn jobs(fates: &[Fate]) -> Vec<String> {
    let jobs = fates.iter().rev().filter_map(|fate| match fate {
        Fate::Fired { job, .. } => Some(job.to_string()),
        Fate::Skipped { .. } => None,
    });
    jobs.collect()
}

/// What was passed over, in its order.
pub(crate) fn skipped(fates: &[Fate]) -> Vec<Skip> {
    let skips = fates.iter().rev().filter_map(|fate| match fate {
        Fate::Skipped { skip, .. } => Some(skip.clone()),
        Fate::Fired { .. } => None,
    });
    skips.collect()
}

impl Room {
    /// The database's present instant, in whole milliseconds.
    pub(crate) async fn now(&self) -> DateTime<Utc> {
        self.store.now().await.expect("the store answers").trunc_subsecs(3)
    }

    /// Makes a schedule whose next instant is `next_at`.
    pub(crate) async fn timed(&self, name: &str, spec: ScheduleSpec, next_at: DateTime<Utc>) -> Schedule {
        self.standing(name, spec, timed(next_at)).await
    }

    /// Makes a schedule that stands there.
    pub(crate) async fn standing(&self, name: &str, spec: ScheduleSpec, standing: Standing) -> Schedule {
        let new = NewSchedule {
            namespace: Namespace::default(),
            name: name.parse().expect("a name"),
            spec,
            payload: Json::trusted(br#"{"at":"{{scheduled_for}}"}"#.to_vec()),
            standing,
        };
        self.store.create_schedule(new).await.expect("the store takes it").schedule
    }

    /// Makes a schedule that was not looked at until now fire once, at `at`.
    pub(crate) async fn comes(&self, schedule: &Schedule, at: DateTime<Utc>) {
        let change = ScheduleChange {
            standing: timed(at),
            spec: Some((once(at), schedule.payload.clone())),
            ..ScheduleChange::of(schedule)
        };
        let changed = self.store.change_schedules(vec![change]).await.expect("the store takes it");
        assert_eq!(changed, [ScheduleChanged::Done(Vec::new())]);
    }

    /// Makes a schedule of each second from now on, with that policy.
    pub(crate) async fn overlapping(&self, overlap: Overlap) -> (Schedule, DateTime<Utc>) {
        let now = self.now().await;
        let schedule = self.timed("s", ScheduleSpec { overlap, ..each_second(now) }, now).await;
        (schedule, now)
    }

    /// It as it is now.
    pub(crate) async fn again(&self, schedule: &Schedule) -> Schedule {
        self.store.schedule(&schedule.namespace, &schedule.name).await.expect("it is there")
    }

    /// What became of its instants, the latest first.
    pub(crate) async fn fates(&self, schedule: &Schedule) -> Vec<Fate> {
        let filter = FateFilter { schedule: schedule.id, before: None, limit: 1_000 };
        self.store.fates(filter).await.expect("the store answers")
    }

    /// Waits until that much became of its instants.
    pub(crate) async fn eventually(
        &self,
        schedule: &Schedule,
        what: &str,
        is: impl Fn(&[Fate]) -> bool,
    ) -> Vec<Fate> {
        eventually(what, || async { Some(self.fates(schedule).await).filter(|fates| is(fates)) }).await
    }

    /// Waits until so many of its instants made a job.
    pub(crate) async fn fires(&self, schedule: &Schedule, count: usize) -> Vec<Fate> {
        self.eventually(schedule, "the jobs", |fates| fired(fates).len() >= count).await
    }

    /// Waits until it is in that state.
    pub(crate) async fn becomes(&self, schedule: &Schedule, state: ScheduleState) -> Schedule {
        eventually("the state", || async {
            Some(self.again(schedule).await).filter(|now| now.standing.state == state)
        })
        .await
    }
}
