//! What the facts about schedules do first.

use chrono::{DateTime, Utc};
use model::id::VersionId;
use model::name::{Namespace, ScheduleName};
use model::schedule::{FireKind, Schedule, ScheduleSpec, ScheduleState, Skip, SkipReason, Standing, Timing};

use super::lab::{Lab, json, new_job};
use crate::{NewFire, NewSchedule, ScheduleChange, ScheduleChanged, Submitted};

impl Lab {
    /// Makes the schedule [`new_schedule`] of this name.
    pub(super) async fn create(&self, name: &str) -> Schedule {
        let made = self.store.create_schedule(new_schedule(name)).await.expect("create");
        assert!(made.fresh, "the name was free");
        made.schedule
    }

    /// The schedule in full.
    pub(super) async fn schedule(&self, name: &str) -> Schedule {
        self.store.schedule(&Namespace::default(), &schedule_name(name)).await.expect("schedule")
    }

    /// Makes one change.
    pub(super) async fn try_change(&self, change: ScheduleChange) -> ScheduleChanged {
        let mut told = self.store.change_schedules(vec![change]).await.expect("change");
        assert_eq!(told.len(), 1, "one answer for one change");
        told.remove(0)
    }

    /// Makes one change that fits what is there; tells what became of its fires.
    pub(super) async fn change(&self, change: ScheduleChange) -> Vec<Option<Submitted>> {
        match self.try_change(change).await {
            ScheduleChanged::Done(fires) => fires,
            ScheduleChanged::Stale => panic!("nobody changed it meanwhile"),
        }
    }

    /// Fires once, as a schedule that was looked at just now.
    pub(super) async fn fire(&self, name: &str, run: NewFire) -> Option<Submitted> {
        let schedule = self.schedule(name).await;
        self.change(ScheduleChange { fires: vec![run], ..ScheduleChange::of(&schedule) }).await.remove(0)
    }
}

pub(super) fn schedule_name(name: &str) -> ScheduleName {
    name.parse().expect("a good name")
}

/// An instant from its text, as `2026-01-31T12:00:00Z`.
pub(super) fn instant(text: &str) -> DateTime<Utc> {
    text.parse().expect("an instant")
}

/// The task `work`, at the beginning of each hour.
pub(super) fn spec() -> ScheduleSpec {
    ScheduleSpec::new("work".parse().expect("a task"), Timing::Cron("0 * * * *".to_owned()))
}

/// An active one that nobody has to look at.
pub(super) fn standing() -> Standing {
    Standing {
        state: ScheduleState::Active,
        reason: None,
        next_at: None,
        look_at: None,
        pending: Vec::new(),
        open: Vec::new(),
    }
}

/// A schedule of [`spec`], [`standing`] as it does.
pub(super) fn new_schedule(name: &str) -> NewSchedule {
    NewSchedule {
        namespace: Namespace::default(),
        name: schedule_name(name),
        spec: spec(),
        payload: json("{\"n\":1}"),
        standing: standing(),
    }
}

/// A run for `at` that starts at once, in the name of the clock.
pub(super) fn fire(version: VersionId, at: DateTime<Utc>) -> NewFire {
    NewFire { instant: at, kind: FireKind::Clock, job: new_job(version) }
}

/// One instant of the clock that was passed over because a run still went on.
pub(super) fn skip(at: DateTime<Utc>) -> Skip {
    Skip {
        from: at,
        until: at,
        count: Some(1),
        kind: FireKind::Clock,
        reason: SkipReason::Overlap,
        detail: None,
    }
}
