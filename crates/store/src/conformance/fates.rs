//! Facts about the history of schedules: what became of each instant.

use std::time::Duration;

use chrono::{DateTime, Utc};
use model::job::JobState;
use model::schedule::{Fate, FireKind, Schedule, Skip, SkipReason};

use super::lab::{Lab, cancelled, succeeded};
use super::timetable::{fire, instant, skip};
use crate::{FateFilter, NewFire, ScheduleChange};

/// The latest of what became of the schedule's instants.
async fn fates(lab: &Lab, schedule: &Schedule) -> Vec<Fate> {
    let filter = FateFilter { schedule: schedule.id, before: None, limit: 100 };
    lab.store.fates(filter).await.expect("fates")
}

fn instant_of(fate: &Fate) -> DateTime<Utc> {
    match fate {
        Fate::Fired { instant, .. } => *instant,
        Fate::Skipped { skip, .. } => skip.from,
    }
}

/// A schedule whose instants, a minute from one to the next, fired and were passed over in turns, beginning with a run;
/// with these instants.
async fn with_history(lab: &Lab, name: &str, count: u64) -> (Schedule, Vec<DateTime<Utc>>) {
    let version = lab.version().await;
    let schedule = lab.create(name).await;
    let start = instant("2026-01-01T00:00:00Z");
    let instants: Vec<_> = (0..count).map(|n| start + Duration::from_secs(60 * n)).collect();
    let fires = instants.iter().step_by(2).map(|at| fire(version, *at)).collect();
    let skips = instants.iter().skip(1).step_by(2).map(|at| skip(*at)).collect();
    lab.change(ScheduleChange { fires, skips, ..ScheduleChange::of(&schedule) }).await;
    (lab.schedule(name).await, instants)
}

pub async fn a_schedule_that_did_nothing_has_no_history(lab: &Lab) {
    let schedule = lab.create("a").await;

    assert_eq!(fates(lab, &schedule).await, Vec::new());
}

pub async fn a_run_is_told_with_its_job(lab: &Lab) {
    let version = lab.version().await;
    let schedule = lab.create("a").await;
    let at = instant("2026-01-01T00:00:00Z");
    let run = NewFire { kind: FireKind::Trigger, ..fire(version, at) };
    let job = run.job.id;
    let before = lab.now().await;
    lab.change(ScheduleChange { fires: vec![run], ..ScheduleChange::of(&schedule) }).await;

    let told = fates(lab, &schedule).await;

    let [Fate::Fired { instant, kind, job: made, state, fired_at }] = told[..] else {
        panic!("one run: {told:?}")
    };
    assert_eq!((instant, kind, made, state), (at, FireKind::Trigger, job, JobState::Queued));
    assert!(fired_at >= before && fired_at <= lab.now().await);
}

pub async fn instants_that_were_passed_over_are_told_with_the_reason(lab: &Lab) {
    let schedule = lab.create("a").await;
    let one = Skip {
        detail: Some("the payload lacks \"n\": 'it' must".to_owned()),
        reason: SkipReason::Refused,
        ..skip(instant("2026-01-02T00:00:00Z"))
    };
    let several = Skip {
        until: instant("2026-01-01T23:59:00Z"),
        count: Some(1440),
        reason: SkipReason::Missed,
        ..skip(instant("2026-01-01T00:00:00Z"))
    };
    let many = Skip {
        until: instant("2025-12-31T00:00:00Z"),
        count: None,
        reason: SkipReason::Paused,
        ..skip(instant("2020-01-01T00:00:00Z"))
    };
    let before = lab.now().await;
    let skips = vec![many.clone(), one.clone(), several.clone()];
    lab.change(ScheduleChange { skips, ..ScheduleChange::of(&schedule) }).await;

    let told = fates(lab, &schedule).await;

    let now = lab.now().await;
    let skips = told.into_iter().map(|fate| match fate {
        Fate::Skipped { skip, skipped_at } => {
            assert!(skipped_at >= before && skipped_at <= now);
            skip
        }
        fired @ Fate::Fired { .. } => panic!("nothing fired: {fired:?}"),
    });
    assert_eq!(skips.collect::<Vec<_>>(), [one, several, many]);
}

pub async fn a_history_begins_with_the_latest_instant(lab: &Lab) {
    let (schedule, mut instants) = with_history(lab, "a", 7).await;
    let version = lab.version().await;
    let backfill = instant("2020-01-01T00:00:00Z");
    let fires = vec![NewFire { kind: FireKind::Backfill, ..fire(version, backfill) }];
    lab.change(ScheduleChange { fires, ..ScheduleChange::of(&schedule) }).await;

    let told = fates(lab, &schedule).await;

    instants.insert(0, backfill);
    instants.reverse();
    assert_eq!(told.iter().map(instant_of).collect::<Vec<_>>(), instants);
    let fired = told.iter().filter(|fate| matches!(fate, Fate::Fired { .. }));
    assert_eq!(fired.count(), 5);
}

pub async fn a_history_is_told_in_pages(lab: &Lab) {
    let (schedule, mut instants) = with_history(lab, "a", 10).await;
    let mut told = Vec::new();
    let mut pages = Vec::new();

    loop {
        let before = told.last().map(instant_of);
        let page = lab.store.fates(FateFilter { schedule: schedule.id, before, limit: 4 }).await;
        let mut page = page.expect("fates");
        if page.is_empty() {
            break;
        }
        pages.push(page.len());
        told.append(&mut page);
    }

    instants.reverse();
    assert_eq!(told.iter().map(instant_of).collect::<Vec<_>>(), instants);
    assert_eq!(pages, [4, 4, 2]);
}

pub async fn a_history_is_of_one_schedule(lab: &Lab) {
    let (one, instants) = with_history(lab, "a", 4).await;
    let (other, _) = with_history(lab, "b", 2).await;

    assert_eq!(fates(lab, &one).await.len(), 4);
    assert_eq!(fates(lab, &other).await.len(), 2);
    let fired = lab.store.fired(other.id, &instants).await.expect("fired");
    assert_eq!(fired.iter().map(|(at, _)| *at).collect::<Vec<_>>(), [instants[0]]);
}

pub async fn a_history_shows_how_a_job_goes_on(lab: &Lab) {
    let (schedule, _) = with_history(lab, "a", 5).await;
    let jobs = schedule.standing.open.clone();
    let session = lab.host().await;
    let (first, second) = (lab.claim(session, jobs[0]).await, lab.claim(session, jobs[1]).await);
    let states = async || -> Vec<JobState> {
        let told = fates(lab, &schedule).await;
        let states = told.into_iter().filter_map(|fate| match fate {
            Fate::Fired { state, .. } => Some(state),
            Fate::Skipped { .. } => None,
        });
        states.collect()
    };
    assert_eq!(states().await, [JobState::Queued, JobState::Running, JobState::Running]);

    lab.finish(succeeded(first.lease)).await;
    lab.cancel(jobs[1]).await;
    lab.finish(cancelled(second.lease)).await;
    lab.cancel(jobs[2]).await;

    assert_eq!(states().await, [JobState::Cancelled, JobState::Cancelled, JobState::Succeeded]);
}

pub async fn those_instants_that_made_a_job_are_found_and_no_others(lab: &Lab) {
    let (schedule, instants) = with_history(lab, "a", 7).await;
    let jobs = &schedule.standing.open;
    let never = instant("2030-01-01T00:00:00Z");
    let asked = [instants[4], instants[1], never, instants[0]];

    let mut found = lab.store.fired(schedule.id, &asked).await.expect("fired");

    found.sort_unstable();
    assert_eq!(found, [(instants[0], jobs[0]), (instants[4], jobs[2])]);
    assert_eq!(lab.store.fired(schedule.id, &[]).await.expect("fired"), []);
}
