//! Schedules: many who change one, what breaks in between, what makes no sense, and what it costs to look for what is due.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use chrono::{DateTime, TimeDelta, Utc};
use futures::future::join_all;
use model::id::VersionId;
use model::name::Namespace;
use model::schedule::{FireKind, Schedule, ScheduleSpec, ScheduleState, Skip, SkipReason, Standing, Timing};
use sqlx::{Connection, PgConnection};
use store::{
    Error, FateFilter, NewFire, NewSchedule, ScheduleChange, ScheduleChanged, ScheduleFilter, Schedules,
};
use store_postgres::{Config, PostgresStore};
use testkit::eventually::eventually;
use testkit::postgres::Database;

use crate::common::{job, store, version};

/// An instant that has come.
fn instant() -> DateTime<Utc> {
    "2026-01-01T00:00:00Z".parse().expect("an instant")
}

/// Makes a schedule that is due.
async fn make(store: &PostgresStore, name: &str) -> Schedule {
    let standing = Standing {
        state: ScheduleState::Active,
        reason: None,
        next_at: Some(instant()),
        look_at: Some(instant()),
        pending: Vec::new(),
        open: Vec::new(),
    };
    let new = NewSchedule {
        namespace: Namespace::default(),
        name: name.parse().expect("a good name"),
        spec: ScheduleSpec::new("work".parse().expect("a task"), Timing::Cron("0 * * * *".to_owned())),
        payload: model::json::Json::default(),
        standing,
    };
    store.create_schedule(new).await.expect("create").schedule
}

async fn look(store: &PostgresStore, name: &str) -> Schedule {
    store.schedule(&Namespace::default(), &name.parse().expect("a good name")).await.expect("schedule")
}

/// Fires `at`, and changes nothing else.
fn firing(schedule: &Schedule, version: VersionId, at: DateTime<Utc>) -> ScheduleChange {
    ScheduleChange {
        fires: vec![NewFire { instant: at, kind: FireKind::Clock, job: job(version) }],
        ..ScheduleChange::of(schedule)
    }
}

/// How many fires there are, how many of them have a job, and how many of those are queued.
async fn counts(database: &Database) -> Vec<String> {
    let counts = "select count(*), count(j.id), count(q.job_id) from schedule_fires f
                  left join jobs j on j.id = f.job_id left join job_queue q on q.job_id = f.job_id";
    database.execute(counts).await
}

async fn stranger(database: &Database) -> PgConnection {
    PgConnection::connect(&database.url).await.expect("connect")
}

async fn run(connection: &mut PgConnection, sql: &'static str) {
    sqlx::raw_sql(sql).execute(connection).await.expect(sql);
}

/// Waits until somebody of ours waits for a lock.
async fn somebody_waits(database: &Database) {
    let waits = "select count(*) from pg_stat_activity
                 where datname = current_database() and wait_event_type = 'Lock'";
    eventually("somebody to wait", || async { (database.execute(waits).await == ["1"]).then_some(()) }).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_eight_leaders_who_looked_at_the_same_one_fires_it() {
    let (first, database) = store().await;
    let version = version(&first).await;
    let schedule = make(&first, "a").await;

    let mut leaders = Vec::new();
    for _ in 0..8 {
        let store = PostgresStore::connect(Config::new(&database.url)).await.expect("connect");
        let change = firing(&schedule, version, instant());
        leaders
            .push(tokio::spawn(async move { store.change_schedules(vec![change]).await.expect("change") }));
    }

    let mut won = 0;
    for leader in join_all(leaders).await {
        won += usize::from(leader.expect("no leader fails") != [ScheduleChanged::Stale]);
    }
    assert_eq!(won, 1);
    assert_eq!(counts(&database).await, ["1|1|1"]);
    assert_eq!(look(&first, "a").await.seq, schedule.seq + 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn leaders_who_change_the_same_batch_in_any_order_do_not_deadlock() {
    let (store, database) = store().await;
    let version = version(&store).await;
    let mut schedules = Vec::new();
    for n in 0..40 {
        schedules.push(make(&store, &format!("s{n}")).await);
    }
    let store = Arc::new(store);

    let leaders = (0..8).map(|n| {
        let store = Arc::clone(&store);
        let mut changes: Vec<_> =
            schedules.iter().map(|schedule| firing(schedule, version, instant())).collect();
        changes.rotate_left(5 * n);
        if n % 2 == 0 {
            changes.reverse();
        }
        tokio::spawn(async move {
            let told = store.change_schedules(changes).await.expect("change");
            told.iter().filter(|one| **one != ScheduleChanged::Stale).count()
        })
    });

    let mut won = 0;
    for leader in join_all(leaders).await {
        won += leader.expect("no leader fails");
    }
    assert_eq!(won, 40, "each was changed once");
    assert_eq!(counts(&database).await, ["40|40|40"]);
}

#[tokio::test]
async fn a_leader_whose_transaction_was_chosen_as_a_victim_fires_all_the_same() {
    let (store, database) = store().await;
    let version = version(&store).await;
    let changes = vec![
        firing(&make(&store, "a").await, version, instant()),
        firing(&make(&store, "b").await, version, instant()),
    ];
    let mut stranger = stranger(&database).await;
    run(&mut stranger, "begin; select 1 from schedules where name = 'b' for update").await;

    let cross = async {
        somebody_waits(&database).await;
        // On a busy machine it may be the victim itself.
        let _ = sqlx::raw_sql("select 1 from schedules for update; commit").execute(&mut stranger).await;
    };
    let (changed, ()) = tokio::join!(store.change_schedules(changes), cross);

    let fired = |told: &ScheduleChanged| matches!(told, ScheduleChanged::Done(fires) if fires[0].is_some());
    let changed = changed.expect("it is run again");
    assert!(changed.len() == 2 && changed.iter().all(fired), "{changed:?}");
    assert_eq!(counts(&database).await, ["2|2|2"]);
    let deadlocks = "select deadlocks from pg_stat_database where datname = current_database()";
    let counted = eventually("the server to count it", || async {
        Some(database.execute(deadlocks).await).filter(|told| *told != ["0"])
    });
    counted.await;
}

#[tokio::test]
async fn a_database_that_goes_away_between_the_instant_and_its_job_keeps_neither() {
    let (store, database) = store().await;
    let version = version(&store).await;
    let schedule = make(&store, "a").await;
    let change = firing(&schedule, version, instant());
    let mut stranger = stranger(&database).await;
    run(&mut stranger, "begin; lock table jobs in access exclusive mode").await;

    let away = async {
        somebody_waits(&database).await;
        let kill = "select pg_terminate_backend(pid) from pg_stat_activity
                    where datname = current_database() and wait_event_type = 'Lock'";
        database.execute(kill).await;
    };
    let (told, ()) = tokio::join!(store.change_schedules(vec![change.clone()]), away);
    run(&mut stranger, "rollback").await;

    let told = told.expect_err("nobody answered");
    assert!(told.is_transient(), "{told}");
    assert_eq!(counts(&database).await, ["0|0|0"]);
    assert_eq!(look(&store, "a").await, schedule);
    let told = store.change_schedules(vec![change]).await.expect("change");
    assert!(matches!(&told[..], [ScheduleChanged::Done(_)]), "{told:?}");
    assert_eq!(counts(&database).await, ["1|1|1"]);
}

#[tokio::test]
async fn connections_that_are_killed_while_schedules_fire_leave_each_change_whole() {
    let (store, database) = store().await;
    let version = version(&store).await;
    let stop = Arc::new(AtomicBool::new(false));
    let store = Arc::new(store);
    let mut leaders = Vec::new();
    for n in 0..4 {
        let (store, stop) = (Arc::clone(&store), Arc::clone(&stop));
        let schedule = make(&store, &format!("s{n}")).await;
        leaders.push(tokio::spawn(async move {
            let mut answered = 0;
            for at in 0.. {
                if stop.load(Ordering::Relaxed) {
                    break;
                }
                // What it comes to when it is not answered is seen by who looks next.
                let Ok(schedule) = store.schedule(&schedule.namespace, &schedule.name).await else {
                    continue;
                };
                let change = firing(&schedule, version, instant() + TimeDelta::seconds(at));
                match store.change_schedules(vec![change]).await {
                    Ok(told) => answered += usize::from(told != [ScheduleChanged::Stale]),
                    Err(Error::Unavailable { .. }) => {}
                    Err(other) => panic!("neither done nor unavailable: {other:?}"),
                }
            }
            answered
        }));
    }

    for _ in 0..15 {
        let kill = "select pg_terminate_backend(pid) from pg_stat_activity
                    where datname = current_database() and application_name = 'jobctl'";
        database.execute(kill).await;
    }
    stop.store(true, Ordering::Relaxed);

    let mut answered = 0;
    for leader in leaders {
        answered += leader.await.expect("no verb panics");
    }
    let changes = database.execute("select sum(seq - 1) from schedules").await;
    let made: usize = changes[0].parse().expect("a number");
    assert!(answered > 0 && made >= answered, "{made} were made, {answered} answered");
    assert_eq!(counts(&database).await, [format!("{made}|{made}|{made}")], "one job for each change");
}

#[tokio::test]
async fn a_schedule_that_makes_no_sense_holds_up_no_other_and_can_be_set_aside() {
    let (store, database) = store().await;
    for name in ["state", "pending", "spec", "name", "good"] {
        make(&store, name).await;
    }
    let other = ScheduleFilter {
        task: Some("other".parse().expect("a task")),
        limit: 10,
        ..ScheduleFilter::default()
    };
    database.execute("update schedules set state = 'sleepy' where name = 'state'").await;
    database.execute("update schedules set pending = '[1]' where name = 'pending'").await;
    database.execute("update schedules set spec = '\\xff00' where name = 'spec'").await;
    database.execute("update schedules set name = 'no name' where name = 'name'").await;

    let due = store.due_schedules(10).await.expect("due").schedules;

    let (good, broken): (Vec<_>, Vec<_>) = due.into_iter().partition(Result::is_ok);
    assert_eq!((good.len(), broken.len()), (1, 4));
    for broken in broken.into_iter().filter_map(Result::err) {
        assert!(broken.name.starts_with("default/") && !broken.why.is_empty(), "{broken:?}");
        let why = format!("{} \0", broken.why);
        assert!(store.disable_schedule(broken.id, broken.seq, &why).await.expect("disable"));
    }
    let due = store.due_schedules(10).await.expect("due").schedules;
    assert_eq!(due, [Ok(look(&store, "good").await)]);
    assert_eq!(store.schedules(other).await.expect("those of another task").schedules, []);
    // People see what makes no sense among others, so that they can mend it; but for one whose name is none.
    database.execute("delete from schedules where name = 'no name'").await;
    let all = ScheduleFilter { limit: 10, ..ScheduleFilter::default() };
    let shown = store.schedules(all).await.expect("all of them").schedules;
    assert_eq!(shown.len(), 4, "{shown:?}");
    for shown in shown.iter().filter(|shown| shown.name.as_str() != "good") {
        assert_eq!(look(&store, shown.name.as_str()).await, *shown);
        assert_eq!(shown.standing.state, ScheduleState::Disabled, "{shown:?}");
        assert!(shown.standing.reason.is_some(), "{shown:?}");
    }
}

#[tokio::test]
async fn words_that_the_server_cannot_keep_spoil_no_change() {
    let (store, _database) = store().await;
    let schedule = make(&store, "a").await;
    let detail = Some("NUL \0 in a payload".to_owned());
    let (from, kind) = (instant(), FireKind::Clock);
    let skip = Skip { from, until: from, count: Some(1), kind, reason: SkipReason::Refused, detail };
    let standing = Standing { reason: Some("\0".to_owned()), ..schedule.standing.clone() };
    let change = ScheduleChange { standing, skips: vec![skip], ..ScheduleChange::of(&schedule) };

    let told = store.change_schedules(vec![change]).await.expect("change");

    assert_eq!(told, [ScheduleChanged::Done(Vec::new())]);
    let fates = store.fates(FateFilter { schedule: schedule.id, before: None, limit: 10 }).await;
    assert_eq!(fates.expect("fates").len(), 1);
}
