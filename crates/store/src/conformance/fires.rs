//! Facts about the runs of schedules: the jobs of the instants.

use std::time::Duration;

use futures::future::join_all;
use model::id::VersionId;
use model::job::{JobState, NewJob, Priority, Start};
use model::limits::LimitOverrides;
use model::name::Namespace;
use model::schedule::{FireKind, LastFire, OPEN_MAX};

use super::lab::{AT_ONCE, Lab, failed, json, new_job, succeeded, task};
use super::timetable::{fire, instant, schedule_name};
use crate::{Error, NewFire, ScheduleChange, ScheduleChanged};

pub async fn a_run_is_stored_as_a_submitted_job_is(lab: &Lab) {
    let version = lab.version().await;
    let schedule = lab.create("a").await;
    let mut run = fire(version, instant("2026-01-01T00:00:00Z"));
    run.job.payload = json("{\"n\": 1e400}");
    run.job.options.queue = "slow".parse().expect("a good name");
    run.job.options.priority = Priority::try_from(2).expect("1 to 9");
    run.job.options.tags = [("team".to_owned(), "blue".to_owned())].into();
    run.job.options.limits = LimitOverrides { timeout_ms: Some(1500), ..LimitOverrides::default() };
    let asked = run.job.clone();

    let told =
        lab.change(ScheduleChange { fires: vec![run], ..ScheduleChange::of(&schedule) }).await.remove(0);

    let told = told.expect("it is the first");
    assert_eq!((told.id, told.duplicate, told.state), (asked.id, false, JobState::Queued));
    let offer = told.offer.expect("it is due");
    assert_eq!(
        (offer.job, offer.priority.get(), offer.queue.to_string().as_str()),
        (asked.id, 2, "default/slow")
    );
    let stored = lab.look(asked.id).await;
    assert_eq!((stored.task, stored.version, stored.max_attempts), (task("work"), 1, asked.max_attempts));
    assert_eq!((stored.payload, stored.tags), (asked.payload.clone(), asked.options.tags));
    assert_eq!((stored.limits, stored.run_at), (asked.options.limits, offer.run_at));
    assert_eq!(lab.due().await, [offer]);
    let claimed = lab.claim(lab.host().await, asked.id).await;
    assert_eq!((claimed.version, claimed.payload), (version, asked.payload));
}

pub async fn a_run_that_starts_later_is_scheduled_and_not_offered(lab: &Lab) {
    let version = lab.version().await;
    let schedule = lab.create("a").await;
    let later = lab.now().await + Duration::from_secs(3600);
    let mut run = fire(version, instant("2026-01-01T00:00:00Z"));
    run.job.options.start = Start::At(later);
    let job = run.job.id;

    let told =
        lab.change(ScheduleChange { fires: vec![run], ..ScheduleChange::of(&schedule) }).await.remove(0);

    let told = told.expect("it is the first");
    assert_eq!((told.id, told.state, told.offer), (job, JobState::Scheduled, None));
    assert_eq!(lab.due().await, Vec::new());
    assert_eq!(lab.look(job).await.run_at.timestamp_millis(), later.timestamp_millis());
    assert_eq!(lab.schedule("a").await.standing.open, [job]);
}

pub async fn a_run_of_an_unknown_version_is_refused_with_its_batch(lab: &Lab) {
    let version = lab.version().await;
    let schedule = lab.create("a").await;
    let unknown = VersionId(version.0 + 1000);
    let fires =
        vec![fire(version, instant("2026-01-01T00:00:00Z")), fire(unknown, instant("2026-01-02T00:00:00Z"))];

    let refusal =
        lab.store.change_schedules(vec![ScheduleChange { fires, ..ScheduleChange::of(&schedule) }]).await;

    assert!(matches!(refusal, Err(Error::NotFound { .. })), "{refusal:?}");
    assert_eq!(lab.schedule("a").await, schedule);
    assert_eq!(lab.due().await, Vec::new());
}

pub async fn an_instant_makes_one_job_whoever_makes_it(lab: &Lab) {
    let version = lab.version().await;
    lab.create("a").await;
    let at = instant("2026-01-01T00:00:00Z");
    let first = fire(version, at);
    let again = NewFire { kind: FireKind::Backfill, ..fire(version, at) };
    let (job, refused) = (first.job.id, again.job.id);
    assert!(lab.fire("a", first).await.is_some());
    let before = lab.schedule("a").await;

    let told = lab.fire("a", again).await;

    assert_eq!(told, None);
    let after = lab.schedule("a").await;
    assert_eq!((after.standing.open, after.last), (vec![job], before.last));
    let refused = lab.store.job(&Namespace::default(), refused).await;
    assert!(matches!(refused, Err(Error::NotFound { .. })), "{refused:?}");
    assert_eq!(lab.due().await.len(), 1);
}

pub async fn an_instant_that_a_change_names_twice_makes_one_job(lab: &Lab) {
    let version = lab.version().await;
    let schedule = lab.create("a").await;
    let at = instant("2026-01-01T00:00:00Z");
    let later = instant("2026-01-01T00:00:01Z");
    let fires = vec![fire(version, at), fire(version, at), fire(version, later)];
    let jobs = [fires[0].job.id, fires[2].job.id];

    let told = lab.change(ScheduleChange { fires, ..ScheduleChange::of(&schedule) }).await;

    let ids: Vec<_> = told.iter().map(|one| one.as_ref().map(|job| job.id)).collect();
    assert_eq!(ids, [Some(jobs[0]), None, Some(jobs[1])]);
    assert_eq!(lab.schedule("a").await.standing.open, jobs);
}

pub async fn an_instant_finer_than_the_stores_own_makes_one_job(lab: &Lab) {
    let version = lab.version().await;
    let schedule = lab.create("a").await;
    let at = instant("2026-01-01T00:00:00.123456789Z");
    let first = fire(version, at);
    let job = first.job.id;
    lab.fire("a", first).await;

    let told = lab.fire("a", fire(version, at)).await;

    assert_eq!(told, None);
    let found = lab.store.fired(schedule.id, &[at]).await.expect("fired");
    assert_eq!(found.iter().map(|(_, job)| *job).collect::<Vec<_>>(), [job]);
}

pub async fn schedules_that_share_an_instant_make_a_job_each(lab: &Lab) {
    let version = lab.version().await;
    let at = instant("2026-01-01T00:00:00Z");
    for name in ["a", "b"] {
        lab.create(name).await;
        let told = lab.fire(name, fire(version, at)).await;
        assert!(told.is_some(), "{name}");
    }
    assert_eq!(lab.due().await.len(), 2);
}

pub async fn a_job_tells_the_schedule_and_the_instant_it_is_for(lab: &Lab) {
    let version = lab.version().await;
    lab.create("a").await;
    let at = instant("2026-01-01T00:00:00Z");
    let run = fire(version, at);
    let job = run.job.id;

    lab.fire("a", run).await;

    let stored = lab.look(job).await;
    assert_eq!((stored.schedule, stored.scheduled_for), (Some(schedule_name("a")), Some(at)));
    let plain = lab.look(lab.put().await).await;
    assert_eq!((plain.schedule, plain.scheduled_for), (None, None));
}

pub async fn the_latest_instant_that_made_a_job_is_told(lab: &Lab) {
    let version = lab.version().await;
    assert_eq!(lab.create("a").await.last, None);
    let at = instant("2026-01-02T00:00:00Z");
    let run = fire(version, at);
    let job = run.job.id;
    let before = lab.now().await;
    lab.fire("a", run).await;

    let backfill = fire(version, instant("2026-01-01T00:00:00Z"));
    lab.fire("a", NewFire { kind: FireKind::Backfill, ..backfill }).await;

    let last = lab.schedule("a").await.last.expect("it fired");
    assert_eq!(last, LastFire { instant: at, job, fired_at: last.fired_at });
    assert!(last.fired_at >= before && last.fired_at <= lab.now().await);
}

pub async fn runs_are_open_until_they_end(lab: &Lab) {
    let version = lab.version().await;
    lab.create("a").await;
    let jobs: Vec<NewJob> = (0..4).map(|_| new_job(version)).collect();
    for (n, job) in jobs.iter().enumerate() {
        let at = instant("2026-01-01T00:00:00Z") + Duration::from_secs(n as u64);
        lab.fire("a", NewFire { job: job.clone(), ..fire(version, at) }).await;
    }
    let ids: Vec<_> = jobs.iter().map(|job| job.id).collect();
    assert_eq!(lab.schedule("a").await.standing.open, ids, "the oldest first");
    let session = lab.host().await;

    let done = lab.claim(session, ids[0]).await;
    assert_eq!(lab.schedule("a").await.standing.open, ids, "one runs");
    lab.finish(succeeded(done.lease)).await;
    lab.cancel(ids[2]).await;
    let again = lab.claim(session, ids[3]).await;
    lab.finish(failed(again.lease, AT_ONCE)).await;

    assert_eq!(lab.schedule("a").await.standing.open, [ids[1], ids[3]]);
    let kept = lab.schedule("a").await;
    lab.change(ScheduleChange::of(&kept)).await;
    assert_eq!(lab.schedule("a").await.standing.open, [ids[1], ids[3]], "a change leaves them");
}

pub async fn a_run_of_a_backfill_is_not_open(lab: &Lab) {
    let version = lab.version().await;
    lab.create("a").await;
    let runs = [FireKind::Backfill, FireKind::Clock, FireKind::Backfill, FireKind::Trigger];
    let mut fires = Vec::new();
    for (n, kind) in (0..).zip(runs) {
        let at = instant("2026-01-01T00:00:00Z") + Duration::from_secs(n);
        fires.push(NewFire { kind, ..fire(version, at) });
    }
    let ids: Vec<_> = fires.iter().map(|run| run.job.id).collect();

    let alone = fires.remove(0);
    lab.fire("a", alone).await;
    let none = lab.schedule("a").await;
    lab.change(ScheduleChange { fires, ..ScheduleChange::of(&none) }).await;

    assert_eq!(none.standing.open, []);
    assert_eq!(lab.schedule("a").await.standing.open, [ids[1], ids[3]]);
    assert_eq!(lab.due().await.len(), 4, "all of them run");
}

pub async fn of_many_open_runs_the_latest_are_kept(lab: &Lab) {
    let version = lab.version().await;
    let schedule = lab.create("a").await;
    let start = instant("2026-01-01T00:00:00Z");
    let fires = |from: u64, until: usize| -> Vec<NewFire> {
        (from..until as u64).map(|n| fire(version, start + Duration::from_secs(n))).collect()
    };
    let first = fires(0, OPEN_MAX - 1);
    let then = fires(OPEN_MAX as u64, OPEN_MAX + 3);
    let all: Vec<_> = first.iter().chain(&then).map(|run| run.job.id).collect();
    lab.change(ScheduleChange { fires: first, ..ScheduleChange::of(&schedule) }).await;
    let schedule = lab.schedule("a").await;

    lab.change(ScheduleChange { fires: then, ..ScheduleChange::of(&schedule) }).await;

    assert_eq!(lab.schedule("a").await.standing.open, all[all.len() - OPEN_MAX..]);
}

pub async fn of_many_who_go_on_until_they_fire_an_instant_one_makes_its_job(lab: &Lab) {
    let version = lab.version().await;
    lab.create("a").await;
    let at = instant("2026-01-01T00:00:00Z");
    let racer = async || loop {
        let schedule = lab.schedule("a").await;
        let change = ScheduleChange { fires: vec![fire(version, at)], ..ScheduleChange::of(&schedule) };
        if let ScheduleChanged::Done(mut fires) = lab.try_change(change).await {
            return fires.remove(0);
        }
    };

    let told = join_all((0..8).map(|_| racer())).await;

    assert_eq!(told.iter().flatten().count(), 1);
    assert_eq!(lab.due().await.len(), 1);
}
