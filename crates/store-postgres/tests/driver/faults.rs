//! What callers are told when the server is away, slow or wrong, and that the store works again afterwards.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use model::id::JobId;
use model::name::Namespace;
use sqlx::{Connection, PgConnection};
use store::{Attempts, Cancel, Claim, Components, Due, Error, Finish, Jobs, Plans, Result, Submit};
use store_postgres::{Config, PostgresStore};
use testkit::eventually::eventually;
use testkit::postgres::Server;

use crate::common::{host, job, jobs, store, store_with, succeeded, version};

/// The value, or none when the store was unavailable.
fn unless_away<T>(told: Result<T>) -> Option<T> {
    match told {
        Ok(value) => Some(value),
        Err(Error::Unavailable { .. }) => None,
        Err(other) => panic!("neither done nor unavailable: {other:?}"),
    }
}

async fn works_again(store: &PostgresStore) {
    eventually("the store to work again", || async { store.depths().await.ok() }).await;
}

#[tokio::test]
async fn a_password_is_in_no_error() {
    let urls = [
        "postgres://jobs:hunter2@127.0.0.1:1/jobs",
        "postgres://jobs:hunter2@127.0.0.1:99999/jobs",
        "postgres://jobs:hunter2@[jobs",
        "postgres://jobs:hunter2@127.0.0.1:1/jobs?sslmode=nonsense",
        "postgres://jobs:hunter2@no-such-server.invalid/jobs",
    ];

    for url in urls {
        let config = Config::new(url);
        let shown = format!("{config:?}");
        let refusal = PostgresStore::connect(config).await.err().expect("nobody is there");
        let pending = store_postgres::pending(url).await.expect_err("nobody is there");
        for text in [shown, format!("{refusal} {refusal:?}"), format!("{pending} {pending:?}")] {
            assert!(!text.contains("hunter2"), "{text}");
        }
        assert!(refusal.is_transient(), "{refusal}");
    }
}

#[tokio::test]
async fn a_server_that_is_not_there_is_told_within_three_seconds() {
    let start = Instant::now();

    let refusal = PostgresStore::connect(Config::new("postgres://jobs@127.0.0.1:1/jobs")).await;

    assert!(matches!(refusal.err(), Some(Error::Unavailable { .. })));
    assert!(start.elapsed() < Duration::from_secs(3));
}

#[tokio::test]
async fn connections_that_are_killed_under_load_lose_no_answered_job() {
    let (store, database) = store().await;
    let version = version(&store).await;
    let store = Arc::new(store);
    let stop = Arc::new(AtomicBool::new(false));
    let worker = |store: Arc<PostgresStore>, stop: Arc<AtomicBool>| async move {
        let mut answered: Vec<JobId> = Vec::new();
        while !stop.load(Ordering::Relaxed) {
            let submit = Submit { jobs: jobs(version, 3), parent: None };
            if let Some(told) = unless_away(store.submit(submit).await) {
                answered.extend(told.iter().map(|one| one.id));
            }
            unless_away(store.due(Due { since: None, limit: 10 }).await);
        }
        answered
    };
    let workers: Vec<_> =
        (0..8).map(|_| tokio::spawn(worker(Arc::clone(&store), Arc::clone(&stop)))).collect();

    for _ in 0..15 {
        let kill = "select pg_terminate_backend(pid) from pg_stat_activity
                    where datname = current_database() and application_name = 'jobctl'";
        database.execute(kill).await;
    }
    stop.store(true, Ordering::Relaxed);

    works_again(&store).await;
    let mut answered = 0;
    for worker in workers {
        for id in worker.await.expect("no verb panics") {
            store.job(&Namespace::default(), id).await.expect("it was answered, so it is stored");
            answered += 1;
        }
    }
    assert!(answered > 0, "some came through");
}

#[tokio::test]
async fn a_server_that_crashed_is_used_again() {
    let mut server = Server::start().await;
    let database = server.fresh_database().await;
    store_postgres::migrate(&database.url).await.expect("migrate");
    let store = PostgresStore::connect(Config::new(&database.url)).await.expect("connect");
    let version = version(&store).await;
    let id = store.submit(Submit { jobs: vec![job(version)], parent: None }).await.expect("submit")[0].id;

    server.kill().await;
    assert!(unless_away(store.depths().await).is_none(), "nobody is there");
    server.start_again().await;

    works_again(&store).await;
    store.job(&Namespace::default(), id).await.expect("it was answered, so it is stored");
}

#[tokio::test]
async fn a_server_that_stands_still_is_given_up_and_used_again() {
    let mut server = Server::start().await;
    let database = server.fresh_database().await;
    store_postgres::migrate(&database.url).await.expect("migrate");
    let mut config = Config::new(&database.url);
    config.statement_timeout = Duration::from_millis(200);
    config.acquire_timeout = Duration::from_millis(500);
    let store = PostgresStore::connect(config).await.expect("connect");

    server.freeze();
    let start = Instant::now();
    assert!(unless_away(store.depths().await).is_none(), "it says nothing");
    assert!(start.elapsed() < Duration::from_secs(10), "{:?}", start.elapsed());
    server.thaw();

    works_again(&store).await;
}

#[tokio::test]
async fn a_row_that_somebody_holds_makes_a_verb_unavailable_in_time() {
    let (store, database) = store_with(|config| config.lock_timeout = Duration::from_millis(100)).await;
    let mut config = Config::new(&database.url);
    config.statement_timeout = Duration::from_millis(100);
    let hasty = PostgresStore::connect(config).await.expect("connect");
    let version = version(&store).await;
    let id = store.submit(Submit { jobs: vec![job(version)], parent: None }).await.expect("submit")[0].id;
    let mut other = PgConnection::connect(&database.url).await.expect("connect");
    let mut tx = other.begin().await.expect("begin");
    sqlx::query("select 1 from job_queue for update").execute(&mut *tx).await.expect("hold the row");
    let cancel = || Cancel { namespace: Namespace::default(), ids: vec![id], grace_ms: 0 };

    let locked = store.cancel(cancel()).await.expect_err("somebody holds it").to_string();
    let late = hasty.cancel(cancel()).await.expect_err("somebody holds it").to_string();

    assert!(locked.contains("locked"), "{locked}");
    assert!(late.contains("too long"), "{late}");
    tx.rollback().await.expect("let go");
    store.cancel(cancel()).await.expect("nobody holds it");
}

#[tokio::test]
async fn what_makes_no_sense_is_corrupt() {
    let (store, database) = store().await;
    let version = version(&store).await;
    store.submit(Submit { jobs: vec![job(version)], parent: None }).await.expect("submit");

    database.execute("update task_versions set manifest = 'nonsense'").await;
    database.execute("update queues set name = 'no name'").await;

    assert!(matches!(store.version(version).await, Err(Error::Corrupt { .. })));
    assert!(matches!(store.due(Due { since: None, limit: 1 }).await, Err(Error::Corrupt { .. })));
}

#[tokio::test]
async fn text_that_the_server_cannot_keep_spoils_no_batch() {
    let (store, _database) = store().await;
    let version = version(&store).await;
    let ids = store.submit(Submit { jobs: jobs(version, 2), parent: None }).await.expect("submit");
    let session = host(&store).await;
    let asked = ids.iter().map(|one| one.id).collect();
    let claimed = store.claim(Claim { session, jobs: asked }).await.expect("claim");
    let mut ended: Vec<_> = claimed.iter().map(succeeded).collect();
    let file =
        model::job::OutputFile { name: "a\0b".to_owned(), media_type: "\0".to_owned(), bytes: vec![0] };
    ended[0].files = vec![file];
    ended[0].failure =
        Some(model::error::Failure { kind: model::error::ErrorKind::Task, message: "\0".to_owned() });
    ended[0].usage.fuel = Some(u64::MAX);

    let told = store.finish(Finish { ended }).await.expect("finish");

    assert_eq!(told, [store::Finished::Ended, store::Finished::Ended]);
}
