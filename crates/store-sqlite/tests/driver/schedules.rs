//! Schedules in a file: what an older one gains, and rows that make no sense.

use chrono::{DateTime, TimeDelta, Utc};
use model::clock::{Clock, SystemClock};
use model::json::Json;
use model::name::Namespace;
use model::schedule::{FireKind, Schedule, ScheduleSpec, ScheduleState, Standing, Timing};
use store::{NewFire, NewSchedule, ScheduleChange, ScheduleChanged, ScheduleFilter, Schedules};
use store_sqlite::SqliteStore;

use crate::file::File;
use crate::{new_jobs, publish};

/// Makes a schedule that is to be looked at.
pub(crate) async fn create(store: &SqliteStore, name: &str) -> Schedule {
    let new = NewSchedule {
        namespace: Namespace::default(),
        name: name.parse().expect("a good name"),
        spec: ScheduleSpec::new("work".parse().expect("a task"), Timing::Cron("0 * * * *".to_owned())),
        payload: Json::default(),
        standing: Standing {
            state: ScheduleState::Active,
            reason: None,
            next_at: None,
            look_at: Some(DateTime::UNIX_EPOCH),
            pending: Vec::new(),
            open: Vec::new(),
        },
    };
    store.create_schedule(new).await.expect("create").schedule
}

fn firing(schedule: &Schedule, job: model::job::NewJob, instant: DateTime<Utc>) -> ScheduleChange {
    ScheduleChange {
        fires: vec![NewFire { instant, kind: FireKind::Clock, job }],
        ..ScheduleChange::of(schedule)
    }
}

#[tokio::test]
async fn a_schedule_that_makes_no_sense_is_told_beside_the_others_and_set_aside() {
    let tamperings = [
        "spec = x'00'",
        "spec = cast('{\"task\":\"work\",\"from_the_future\":1}' as blob)",
        "payload = x'ff'",
        "state = 'odd'",
        "next_at = 9223372036854775807",
        "pending = 'no json'",
        "open_jobs = 'no json'",
        "open_jobs = '[7]'",
        "namespace = '-no name-'",
    ];
    let file = File::fresh();
    let store = file.open().await;
    for (n, tampering) in tamperings.iter().enumerate() {
        create(&store, &format!("broken-{n}")).await;
        file.tamper(&format!("update schedules set {tampering} where name = 'broken-{n}'")).await;
    }
    let good = create(&store, "good").await;

    let due = store.due_schedules(100).await.expect("due").schedules;

    let mut sound = Vec::new();
    for schedule in due {
        match schedule {
            Ok(schedule) => sound.push(schedule.name),
            Err(broken) => {
                assert!(broken.name.contains("/broken-") && !broken.why.is_empty(), "{broken:?}");
                assert!(store.disable_schedule(broken.id, broken.seq, "why").await.expect("disable"));
            }
        }
    }
    // What is no id of a job is no job that goes on.
    assert_eq!(sound.iter().map(|name| name.as_str()).collect::<Vec<_>>(), ["broken-7", "good"]);
    let due = store.due_schedules(100).await.expect("due").schedules;
    assert_eq!(due.len(), 2, "nobody looks at the others any more");
    let found = store.schedule(&Namespace::default(), &good.name).await.expect("schedule");
    assert_eq!(found, good);
    assert_is_shown(&store, "broken-0").await;
}

/// People see it, by itself and among others, so that they can mend it; nothing in it can fire.
async fn assert_is_shown(store: &SqliteStore, name: &str) {
    let filter =
        ScheduleFilter { states: vec![ScheduleState::Disabled], limit: 1, ..ScheduleFilter::default() };
    let page = store.schedules(filter).await.expect("a page").schedules;
    let shown = store.schedule(&Namespace::default(), &name.parse().expect("a name")).await;
    let shown = shown.expect("it is shown");

    assert_eq!(page, std::slice::from_ref(&shown));
    assert_eq!(shown.name.as_str(), name);
    assert_eq!(
        (shown.standing.state, shown.standing.reason.as_deref()),
        (ScheduleState::Disabled, Some("why"))
    );
    assert_eq!(shown.spec.timing, Timing::Cron(String::new()));
}

#[tokio::test]
async fn runs_that_several_processes_make_of_one_instant_are_one() {
    let file = File::fresh();
    let version = publish(&file.open().await).await;
    let schedule = create(&file.open().await, "a").await;
    let at = SystemClock.now();
    let mut stores = Vec::new();
    for _ in 0..4 {
        stores.push(file.open().await);
    }

    let racers = stores.iter().map(|store| async {
        let job = new_jobs(version, 1).remove(0);
        store.change_schedules(vec![firing(&schedule, job, at)]).await.expect("change").remove(0)
    });
    let told = futures::future::join_all(racers).await;

    assert_eq!(told.iter().filter(|one| **one != ScheduleChanged::Stale).count(), 1);
    let fired = stores[0].fired(schedule.id, &[at, at + TimeDelta::milliseconds(1)]).await.expect("fired");
    assert_eq!(fired.iter().map(|(fired, _)| *fired).collect::<Vec<_>>(), [at], "told as it was asked for");
}
