//! Facts about making, finding and listing schedules, and about which of them are due.

use std::collections::HashSet;
use std::time::Duration;

use chrono::{DateTime, Utc};
use futures::future::join_all;
use model::id::ScheduleId;
use model::limits::LimitOverrides;
use model::name::Namespace;
use model::schedule::{
    DstGap, DstOverlap, FireKind, LastFire, Missed, Overlap, Pending, RunOptions, Schedule, ScheduleSpec,
    ScheduleState, Standing, Timing,
};

use super::lab::{Lab, json, namespace, task};
use super::timetable::{fire, instant, new_schedule, schedule_name, spec, standing};
use crate::{DueSchedules, Error, NewSchedule, ScheduleChange, ScheduleFilter, SchedulePage};

/// One that says something else than usual in all of its fields.
fn particular() -> NewSchedule {
    let spec = ScheduleSpec {
        task: "work@sha256:0123ab".parse().expect("a task"),
        timing: Timing::Every { period_ms: 90_000, anchor: instant("2026-01-01T00:00:00.25Z") },
        timezone: "America/Argentina/Buenos_Aires".to_owned(),
        dst_gap: DstGap::Skip,
        dst_overlap: DstOverlap::Both,
        missed: Missed::All,
        missed_after_ms: 1,
        overlap: Overlap::Queue,
        jitter_ms: 2,
        starts_at: Some(instant("2026-01-01T00:00:00Z")),
        ends_at: Some(instant("2027-01-01T00:00:00Z")),
        run: RunOptions {
            queue: "slow".parse().expect("a queue"),
            priority: 1.try_into().expect("a priority"),
            max_attempts: Some(3),
            limits: LimitOverrides::default(),
            expires_in_ms: Some(4),
            tags: [("quote".to_owned(), "it's \"so\"".to_owned())].into(),
        },
        note: "two\nlines, ünd a bråce {{".to_owned(),
    };
    NewSchedule {
        namespace: namespace("elsewhere"),
        spec,
        payload: json("{ \"b\":1e400, \"at\":\"{{scheduled_for}}\"}"),
        standing: Standing {
            state: ScheduleState::Paused,
            reason: Some("somebody's \"word\"".to_owned()),
            next_at: Some(instant("2026-01-01T02:00:00.123Z")),
            look_at: Some(instant("2999-12-31T23:59:59.999Z")),
            pending: vec![Pending {
                instant: instant("2026-01-01T00:00:00.5Z"),
                kind: FireKind::Trigger,
                job: Some("019ae000-0000-7000-8000-000000000001".parse().expect("a UUID")),
            }],
            open: Vec::new(),
        },
        ..new_schedule("a")
    }
}

pub async fn a_schedule_is_found_as_it_was_made(lab: &Lab) {
    let new = particular();
    let before = lab.now().await;

    let made = lab.store.create_schedule(new.clone()).await.expect("create");

    let after = lab.now().await;
    assert!(made.fresh);
    let found = lab.store.schedule(&new.namespace, &new.name).await.expect("schedule");
    assert_eq!(found, made.schedule);
    assert_eq!((found.namespace, found.name), (new.namespace, new.name));
    assert_eq!((found.spec, found.payload, found.standing), (new.spec, new.payload, new.standing));
    assert_eq!(found.last, None);
    assert!((before..=after).contains(&found.created_at), "{} is not now", found.created_at);
    assert_eq!(found.updated_at, found.created_at);
}

pub async fn a_name_in_use_tells_the_schedule_that_has_it(lab: &Lab) {
    let first = lab.create("a").await;
    let same = lab.store.create_schedule(new_schedule("a")).await.expect("create");
    let other = NewSchedule {
        spec: ScheduleSpec { note: "another".to_owned(), ..spec() },
        payload: json("{\"n\":2}"),
        standing: Standing { state: ScheduleState::Paused, ..standing() },
        ..new_schedule("a")
    };

    let other = lab.store.create_schedule(other).await.expect("create");

    for made in [same, other] {
        assert!(!made.fresh);
        assert_eq!(made.schedule, first);
    }
    assert_eq!(lab.schedule("a").await, first, "nothing of it was changed");
}

pub async fn a_schedule_that_is_made_again_is_told_as_it_stands_now(lab: &Lab) {
    let version = lab.version().await;
    lab.create("a").await;
    lab.fire("a", fire(version, instant("2026-01-01T00:00:00Z"))).await;
    let now = lab.schedule("a").await;
    assert!(now.last.is_some() && now.standing.open.len() == 1);

    let made = lab.store.create_schedule(new_schedule("a")).await.expect("create");

    assert_eq!((made.schedule, made.fresh), (now, false));
}

pub async fn of_many_who_make_one_name_one_makes_it(lab: &Lab) {
    let makers = (0..16).map(|_| lab.store.create_schedule(new_schedule("a")));

    let made: Vec<_> = join_all(makers).await.into_iter().map(|made| made.expect("create")).collect();

    assert_eq!(made.iter().filter(|made| made.fresh).count(), 1);
    let ids: HashSet<ScheduleId> = made.iter().map(|made| made.schedule.id).collect();
    assert_eq!(ids.len(), 1, "all are told the same");
}

pub async fn an_unknown_schedule_is_not_found_by_its_name(lab: &Lab) {
    lab.create("a").await;

    let unknown = lab.store.schedule(&Namespace::default(), &schedule_name("b")).await;
    let elsewhere = lab.store.schedule(&namespace("other"), &schedule_name("a")).await;

    let Err(Error::NotFound { what }) = unknown else { panic!("it was not made: {unknown:?}") };
    assert!(what.contains("\"b\""), "{what}");
    let Err(Error::NotFound { what }) = elsewhere else { panic!("it is not there: {elsewhere:?}") };
    assert!(what.contains("\"a\"") && what.contains("other"), "{what}");
}

pub async fn namespaces_keep_their_schedules_apart(lab: &Lab) {
    let here = lab.create("a").await;
    let there = NewSchedule { namespace: namespace("other"), ..new_schedule("a") };

    let there = lab.store.create_schedule(there).await.expect("create");

    assert!(there.fresh, "the name is free there");
    assert_ne!(there.schedule.id, here.id);
    assert_eq!(page(lab, ScheduleFilter::default()).await.schedules, [here]);
    let filter = ScheduleFilter { namespace: namespace("other"), ..ScheduleFilter::default() };
    assert_eq!(page(lab, filter).await.schedules, [there.schedule]);
}

/// A page with room for all; the filter's limit is nothing here.
async fn page(lab: &Lab, filter: ScheduleFilter) -> SchedulePage {
    lab.store.schedules(ScheduleFilter { limit: 100, ..filter }).await.expect("schedules")
}

fn names(schedules: &[Schedule]) -> Vec<&str> {
    schedules.iter().map(|schedule| schedule.name.as_str()).collect()
}

pub async fn schedules_are_listed_by_name_as_they_are_found(lab: &Lab) {
    let version = lab.version().await;
    let made = ["b", "a-b", "a", "a.b", "B"];
    for name in made {
        lab.create(name).await;
    }
    lab.fire("a", fire(version, instant("2026-01-01T00:00:00Z"))).await;

    let listed = page(lab, ScheduleFilter::default()).await;

    assert_eq!(names(&listed.schedules), ["B", "a", "a-b", "a.b", "b"], "by their bytes");
    assert_eq!(listed.next, None);
    assert!(listed.schedules[1].last.is_some());
    for schedule in &listed.schedules {
        assert_eq!(*schedule, lab.schedule(schedule.name.as_str()).await);
    }
}

pub async fn pages_show_every_schedule_once(lab: &Lab) {
    for n in 0..7 {
        lab.create(&format!("s{n}")).await;
    }
    let (mut seen, mut pages, mut after) = (Vec::new(), 0, None);

    loop {
        let filter = ScheduleFilter { after, limit: 3, ..ScheduleFilter::default() };
        let page = lab.store.schedules(filter).await.expect("schedules");
        seen.extend(page.schedules.iter().map(|schedule| schedule.name.as_str().to_owned()));
        pages += 1;
        after = page.next;
        if after.is_none() {
            break;
        }
    }

    assert_eq!(seen, ["s0", "s1", "s2", "s3", "s4", "s5", "s6"]);
    assert_eq!(pages, 3);
}

pub async fn a_page_of_schedules_that_is_just_full_is_the_last(lab: &Lab) {
    for name in ["a", "b"] {
        lab.create(name).await;
    }

    let page = lab.store.schedules(ScheduleFilter { limit: 2, ..ScheduleFilter::default() }).await;

    let page = page.expect("schedules");
    assert_eq!((names(&page.schedules), page.next), (vec!["a", "b"], None));
}

pub async fn schedules_can_be_listed_by_state(lab: &Lab) {
    let states = [
        ("a", ScheduleState::Active),
        ("b", ScheduleState::Paused),
        ("c", ScheduleState::Disabled),
        ("d", ScheduleState::Finished),
    ];
    for (name, state) in states {
        let new = NewSchedule { standing: Standing { state, ..standing() }, ..new_schedule(name) };
        lab.store.create_schedule(new).await.expect("create");
    }
    let listed = async |states: &[ScheduleState]| {
        let filter = ScheduleFilter { states: states.to_vec(), ..ScheduleFilter::default() };
        names(&page(lab, filter).await.schedules).concat()
    };

    assert_eq!(listed(&[]).await, "abcd");
    assert_eq!(listed(&[ScheduleState::Paused]).await, "b");
    assert_eq!(listed(&[ScheduleState::Finished, ScheduleState::Disabled]).await, "cd");
}

pub async fn schedules_can_be_listed_by_task_whatever_the_version(lab: &Lab) {
    let tasks = [
        ("a", "work"),
        ("b", "work@3"),
        ("c", "work@sha256:0123ab"),
        ("d", "work.more"),
        ("e", "wor"),
        ("f", "other"),
    ];
    for (name, task) in tasks {
        let spec = ScheduleSpec { task: task.parse().expect("a task"), ..spec() };
        lab.store.create_schedule(NewSchedule { spec, ..new_schedule(name) }).await.expect("create");
    }
    let listed = async |name: &str, limit| {
        let filter = ScheduleFilter { task: Some(task(name)), limit, ..ScheduleFilter::default() };
        let page = lab.store.schedules(filter).await.expect("schedules");
        (names(&page.schedules).concat(), page.next)
    };

    assert_eq!(listed("work", 100).await, ("abc".to_owned(), None));
    assert_eq!(listed("work", 2).await, ("ab".to_owned(), Some(schedule_name("b"))));
    assert_eq!(listed("work.more", 1).await, ("d".to_owned(), None));
    assert_eq!(listed("nobody", 1).await, (String::new(), None));
}

/// Makes one that is to be looked at then.
async fn looked_at(lab: &Lab, name: &str, look_at: Option<DateTime<Utc>>) -> Schedule {
    let new = NewSchedule { standing: Standing { look_at, ..standing() }, ..new_schedule(name) };
    lab.store.create_schedule(new).await.expect("create").schedule
}

async fn due(lab: &Lab, limit: u32) -> DueSchedules {
    lab.store.due_schedules(limit).await.expect("due")
}

/// The names of those that are due.
async fn due_names(lab: &Lab, limit: u32) -> Vec<String> {
    let due = due(lab, limit).await.schedules;
    due.into_iter().map(|one| one.expect("it makes sense").name.as_str().to_owned()).collect()
}

pub async fn without_schedules_the_clock_is_told_all_the_same(lab: &Lab) {
    let before = lab.now().await;

    let due = due(lab, 10).await;

    assert_eq!(due.schedules, Vec::new());
    assert!(due.now >= before && due.now <= lab.now().await, "{} is not now", due.now);
}

pub async fn the_schedules_that_are_due_longest_come_first(lab: &Lab) {
    looked_at(lab, "never", None).await;
    looked_at(lab, "later", Some(instant("2999-01-01T00:00:00Z"))).await;
    for (name, day) in [("a", 2), ("b", 1), ("c", 3)] {
        looked_at(lab, name, Some(instant(&format!("2026-01-0{day}T00:00:00Z")))).await;
    }

    assert_eq!(due_names(lab, 10).await, ["b", "a", "c"]);
    assert_eq!(due_names(lab, 2).await, ["b", "a"], "no more than asked for");
}

pub async fn a_schedule_is_due_once_the_database_s_clock_is_there(lab: &Lab) {
    let look_at = due(lab, 10).await.now + Duration::from_millis(300);
    looked_at(lab, "a", Some(look_at)).await;

    let mut told = due(lab, 10).await;
    while told.now < look_at {
        assert_eq!(told.schedules, Vec::new(), "it is not due before");
        tokio::time::sleep(Duration::from_millis(5)).await;
        told = due(lab, 10).await;
    }

    assert_eq!(told.schedules.len(), 1);
}

pub async fn a_schedule_that_was_looked_at_is_not_due_again_before_its_time(lab: &Lab) {
    let schedule = looked_at(lab, "a", Some(instant("2026-01-01T00:00:00Z"))).await;
    let later = Standing { look_at: Some(instant("2999-01-01T00:00:00Z")), ..standing() };

    lab.change(ScheduleChange { standing: later, ..ScheduleChange::of(&schedule) }).await;

    assert_eq!(due(lab, 10).await.schedules, Vec::new());
}

pub async fn a_due_schedule_is_told_in_full(lab: &Lab) {
    let version = lab.version().await;
    looked_at(lab, "a", Some(instant("2026-01-01T00:00:00Z"))).await;
    let at = instant("2026-01-01T00:00:00Z");
    let job = lab.fire("a", fire(version, at)).await.expect("it is the first").id;

    let told = due(lab, 10).await.schedules.remove(0).expect("it makes sense");

    assert_eq!(told, lab.schedule("a").await);
    assert_eq!(told.standing.open, [job]);
    let last = told.last.expect("it fired");
    assert_eq!(last, LastFire { instant: at, job, fired_at: last.fired_at });
}

pub async fn schedules_of_all_namespaces_are_due(lab: &Lab) {
    let look_at = Some(instant("2026-01-01T00:00:00Z"));
    looked_at(lab, "a", look_at).await;
    let standing = Standing { look_at, ..standing() };
    let there = NewSchedule { namespace: namespace("other"), standing, ..new_schedule("a") };
    lab.store.create_schedule(there).await.expect("create");

    assert_eq!(due(lab, 10).await.schedules.len(), 2);
}

pub async fn a_schedule_is_set_aside_with_the_reason(lab: &Lab) {
    let schedule = looked_at(lab, "a", Some(instant("2026-01-01T00:00:00Z"))).await;
    let beside = looked_at(lab, "b", Some(instant("2026-01-02T00:00:00Z"))).await;

    let done = lab.store.disable_schedule(schedule.id, schedule.seq, "its zone 'is' gone").await;

    assert!(done.expect("disable"));
    let aside = lab.schedule("a").await;
    assert_eq!(aside.standing.state, ScheduleState::Disabled);
    assert_eq!(aside.standing.reason.as_deref(), Some("its zone 'is' gone"));
    assert!(aside.seq > schedule.seq, "whoever looked before is told so");
    assert_eq!((&aside.spec, &aside.payload), (&schedule.spec, &schedule.payload));
    assert_eq!(due_names(lab, 10).await, ["b"], "the others go on");
    assert_eq!(lab.schedule("b").await, beside);
}

pub async fn a_schedule_that_was_changed_meanwhile_is_not_set_aside(lab: &Lab) {
    let schedule = looked_at(lab, "a", Some(instant("2026-01-01T00:00:00Z"))).await;
    lab.change(ScheduleChange::of(&schedule)).await;
    let changed = lab.schedule("a").await;

    let stale = lab.store.disable_schedule(schedule.id, schedule.seq, "no").await.expect("disable");
    let unknown = lab.store.disable_schedule(ScheduleId(schedule.id.0 + 1000), 1, "no").await;

    assert!(!stale && !unknown.expect("disable"));
    assert_eq!(lab.schedule("a").await, changed);
}

pub async fn a_schedule_that_is_gone_is_not_set_aside(lab: &Lab) {
    let schedule = lab.create("a").await;
    lab.change(ScheduleChange { delete: true, ..ScheduleChange::of(&schedule) }).await;

    let told = lab.store.disable_schedule(schedule.id, schedule.seq + 1, "no").await.expect("disable");

    assert!(!told);
}
