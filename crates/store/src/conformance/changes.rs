//! Facts about changes of schedules: who makes one, and what of it is kept.

use futures::future::join_all;
use model::id::ScheduleId;
use model::job::JobState;
use model::name::Namespace;
use model::schedule::{FireKind, Overlap, Pending, ScheduleState, Standing, Timing};

use super::lab::{Lab, json, sorted};
use super::timetable::{fire, instant, new_schedule, schedule_name, skip, spec, standing};
use crate::{Error, FateFilter, NewSchedule, ScheduleChange, ScheduleChanged, ScheduleFilter};

pub async fn a_change_is_made_to_what_was_looked_at(lab: &Lab) {
    let schedule = lab.create("a").await;
    let paused = Standing { state: ScheduleState::Paused, ..standing() };

    let told =
        lab.try_change(ScheduleChange { standing: paused.clone(), ..ScheduleChange::of(&schedule) }).await;

    assert_eq!(told, ScheduleChanged::Done(Vec::new()));
    let changed = lab.schedule("a").await;
    assert_eq!((changed.id, &changed.standing), (schedule.id, &paused));
    assert!(changed.seq > schedule.seq, "whoever looked before is told so");
}

pub async fn a_stale_change_changes_nothing(lab: &Lab) {
    let version = lab.version().await;
    let old = lab.create("a").await;
    lab.change(ScheduleChange::of(&old)).await;
    let before = lab.schedule("a").await;
    let at = instant("2026-01-01T00:00:00Z");

    let stale = ScheduleChange {
        standing: Standing { state: ScheduleState::Paused, ..standing() },
        spec: Some((spec(), json("{\"n\":2}"))),
        fires: vec![fire(version, at)],
        skips: vec![skip(at)],
        delete: true,
        ..ScheduleChange::of(&old)
    };
    let told = lab.try_change(stale).await;

    assert_eq!(told, ScheduleChanged::Stale);
    assert_eq!(lab.schedule("a").await, before);
    assert_eq!(lab.due().await, Vec::new());
    let fates = lab.store.fates(FateFilter { schedule: old.id, before: None, limit: 10 }).await;
    assert_eq!(fates.expect("fates"), Vec::new());
}

pub async fn a_change_of_no_schedule_is_stale(lab: &Lab) {
    let version = lab.version().await;
    let schedule = lab.create("a").await;
    let fires = vec![fire(version, instant("2026-01-01T00:00:00Z"))];
    let unknown = ScheduleChange {
        id: ScheduleId(schedule.id.0 + 1000),
        fires: fires.clone(),
        ..ScheduleChange::of(&schedule)
    };
    lab.change(ScheduleChange { delete: true, ..ScheduleChange::of(&schedule) }).await;
    let gone = ScheduleChange { fires, ..ScheduleChange::of(&schedule) };
    let gone_since = ScheduleChange { seq: gone.seq + 1, ..gone.clone() };

    let told = lab.store.change_schedules(vec![unknown, gone, gone_since]).await.expect("change");

    assert_eq!(told, [ScheduleChanged::Stale, ScheduleChanged::Stale, ScheduleChanged::Stale]);
    assert_eq!(lab.due().await, Vec::new());
}

pub async fn an_empty_batch_of_changes_is_harmless(lab: &Lab) {
    assert_eq!(lab.store.change_schedules(Vec::new()).await.expect("change"), Vec::new());
}

pub async fn a_stale_change_does_not_hold_up_the_others(lab: &Lab) {
    let version = lab.version().await;
    let at = instant("2026-01-01T00:00:00Z");
    let mut changes = Vec::new();
    for name in ["a", "b", "c"] {
        let schedule = lab.create(name).await;
        changes.push(ScheduleChange { fires: vec![fire(version, at)], ..ScheduleChange::of(&schedule) });
    }
    changes[1].seq += 1;

    let told = lab.store.change_schedules(changes.clone()).await.expect("change");

    assert_eq!(told[1], ScheduleChanged::Stale);
    for place in [0, 2] {
        let ScheduleChanged::Done(fires) = &told[place] else { panic!("it fits: {:?}", told[place]) };
        assert_eq!(fires[0].as_ref().map(|job| job.id), Some(changes[place].fires[0].job.id));
    }
    assert_eq!(lab.due().await.len(), 2);
}

pub async fn of_two_changes_of_one_schedule_in_a_batch_the_first_is_made(lab: &Lab) {
    let version = lab.version().await;
    let schedule = lab.create("a").await;
    let change = |state, at| ScheduleChange {
        standing: Standing { state, ..standing() },
        fires: vec![fire(version, instant(at))],
        ..ScheduleChange::of(&schedule)
    };
    let first = change(ScheduleState::Finished, "2026-01-01T00:00:00Z");
    let second = change(ScheduleState::Paused, "2026-01-02T00:00:00Z");
    let job = first.fires[0].job.id;

    let told = lab.store.change_schedules(vec![first, second]).await.expect("change");

    assert!(matches!(&told[..], [ScheduleChanged::Done(_), ScheduleChanged::Stale]), "{told:?}");
    assert_eq!(lab.schedule("a").await.standing.state, ScheduleState::Finished);
    assert_eq!(sorted(lab.due().await.iter().map(|offer| offer.job)), [job]);
}

pub async fn a_full_batch_of_changes_is_made_whole(lab: &Lab) {
    let version = lab.version().await;
    let at = instant("2026-01-01T00:00:00Z");
    let creating = (0..1000).map(|n| lab.store.create_schedule(new_schedule(&format!("s{n:03}"))));
    let mut changes = Vec::new();
    for made in join_all(creating).await {
        let schedule = made.expect("create").schedule;
        let fires = vec![fire(version, at)];
        changes.push(ScheduleChange { fires, skips: vec![skip(at)], ..ScheduleChange::of(&schedule) });
    }

    let told = lab.store.change_schedules(changes.clone()).await.expect("change");

    for (told, change) in told.iter().zip(&changes) {
        let ScheduleChanged::Done(fires) = told else { panic!("each fits") };
        assert_eq!(fires[0].as_ref().map(|job| job.id), Some(change.fires[0].job.id));
    }
    assert_eq!(told.len(), 1000);
    assert_eq!(lab.store.depths().await.expect("depths")[0].queued, 1000);
}

pub async fn where_a_schedule_stands_is_read_back_whole(lab: &Lab) {
    let schedule = lab.create("a").await;
    let pending = [("2026-01-01T00:00:00Z", FireKind::Clock), ("2026-01-01T01:00:00.5Z", FireKind::Trigger)];
    let whole = Standing {
        state: ScheduleState::Disabled,
        reason: Some("the zone \"Mars/Olympus\" is not known: 'it' went".to_owned()),
        next_at: Some(instant("2026-01-01T02:00:00.123Z")),
        look_at: Some(instant("2999-12-31T23:59:59.999Z")),
        pending: pending.map(|(at, kind)| Pending { instant: instant(at), kind, job: None }).to_vec(),
        open: Vec::new(),
    };

    lab.change(ScheduleChange { standing: whole.clone(), ..ScheduleChange::of(&schedule) }).await;

    let changed = lab.schedule("a").await;
    assert_eq!(changed.standing, whole);
    lab.change(ScheduleChange { standing: standing(), ..ScheduleChange::of(&changed) }).await;
    assert_eq!(lab.schedule("a").await.standing, standing(), "and nothing of it stays");
}

pub async fn a_change_of_what_it_is_replaces_spec_and_payload(lab: &Lab) {
    let schedule = lab.create("a").await;
    let beside = lab.create("b").await;
    lab.past(schedule.updated_at).await;
    let mut spec = spec();
    spec.task = "work@3".parse().expect("a task");
    spec.timing = Timing::Every { period_ms: 90_000, anchor: instant("2026-01-01T00:00:00.25Z") };
    spec.overlap = Overlap::Queue;
    spec.run.tags = [("quote".to_owned(), "it's \"so\"".to_owned())].into();
    "two\nlines".clone_into(&mut spec.note);
    let payload = json("{\"b\":1e400, \"at\":\"{{scheduled_for}}\"}");

    lab.change(ScheduleChange {
        spec: Some((spec.clone(), payload.clone())),
        ..ScheduleChange::of(&schedule)
    })
    .await;

    let changed = lab.schedule("a").await;
    assert_eq!((&changed.spec, &changed.payload), (&spec, &payload));
    assert!(changed.updated_at > schedule.updated_at);
    assert_eq!(changed.created_at, schedule.created_at);
    assert_eq!(lab.schedule("b").await, beside);
}

pub async fn a_change_of_where_it_stands_leaves_what_it_is(lab: &Lab) {
    let schedule = lab.create("a").await;
    lab.past(schedule.updated_at).await;

    lab.change(ScheduleChange::of(&schedule)).await;

    let changed = lab.schedule("a").await;
    assert_eq!((&changed.spec, &changed.payload), (&schedule.spec, &schedule.payload));
    assert_eq!(changed.updated_at, schedule.updated_at);
}

pub async fn a_schedule_that_is_deleted_leaves_its_jobs_and_its_name(lab: &Lab) {
    let version = lab.version().await;
    let look_at = Some(instant("2026-01-01T00:00:00Z"));
    let new = NewSchedule { standing: Standing { look_at, ..standing() }, ..new_schedule("a") };
    let schedule = lab.store.create_schedule(new).await.expect("create").schedule;
    let run = fire(version, instant("2026-01-01T00:00:00Z"));
    let job = run.job.id;
    lab.fire("a", run).await;
    let before = lab.schedule("a").await;

    lab.change(ScheduleChange { delete: true, ..ScheduleChange::of(&before) }).await;

    let gone = lab.store.schedule(&Namespace::default(), &schedule_name("a")).await;
    assert!(matches!(gone, Err(Error::NotFound { .. })), "{gone:?}");
    let due = lab.store.due_schedules(10).await.expect("due").schedules;
    assert_eq!(due, Vec::new(), "nobody looks at it any more");
    let listed = lab.store.schedules(ScheduleFilter { limit: 10, ..ScheduleFilter::default() }).await;
    assert_eq!(listed.expect("list").schedules, Vec::new());
    let stored = lab.look(job).await;
    assert_eq!((stored.state, stored.schedule), (JobState::Queued, Some(schedule_name("a"))));
    let fates = lab.store.fates(FateFilter { schedule: schedule.id, before: None, limit: 10 }).await;
    assert_eq!(fates.expect("fates").len(), 1, "its history stays");
    let other = lab.create("a").await;
    assert_ne!(other.id, schedule.id, "an id is never used again");
    assert_eq!((other.last, other.standing.open), (None, Vec::new()));
}

pub async fn of_many_who_looked_at_the_same_one_changes_it(lab: &Lab) {
    let version = lab.version().await;
    let schedule = lab.create("a").await;
    let at = instant("2026-01-01T00:00:00Z");
    let racers = (0..16).map(|_| {
        lab.try_change(ScheduleChange { fires: vec![fire(version, at)], ..ScheduleChange::of(&schedule) })
    });

    let told = join_all(racers).await;

    let won: Vec<_> = told.into_iter().filter(|one| *one != ScheduleChanged::Stale).collect();
    assert_eq!(won.len(), 1);
    let ScheduleChanged::Done(fires) = &won[0] else { panic!("it is not stale") };
    let job = fires[0].as_ref().expect("it is the first").id;
    assert_eq!(lab.schedule("a").await.standing.open, [job]);
    assert_eq!(sorted(lab.due().await.iter().map(|offer| offer.job)), [job]);
}
