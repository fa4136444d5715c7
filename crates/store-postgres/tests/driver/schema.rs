//! Which schemas this release works with.

use futures::future::join_all;
use store::Error;
use store_postgres::{Config, PostgresStore, migrate, pending};
use testkit::postgres::fresh_database;

async fn refusal(store: &PostgresStore) -> String {
    match store.check_schema().await.expect_err("it does not fit") {
        Error::Conflict { why } => why,
        other => panic!("not Conflict but {other:?}"),
    }
}

#[tokio::test]
async fn a_schema_that_lacks_migrations_is_refused_with_the_hint() {
    let database = fresh_database().await;
    let store = PostgresStore::connect(Config::new(&database.url)).await.expect("connect");

    let lacking = pending(&database.url).await.expect("pending");
    let why = refusal(&store).await;

    assert!(why.contains("`jobctl migrate`") && why.contains("init"), "{why}");
    assert_eq!((lacking[0].0, lacking[0].1.as_str()), (1, "init"));
    assert!(lacking[0].2.contains("create table jobs"));
    assert_eq!(migrate(&database.url).await.expect("migrate"), lacking);
    store.check_schema().await.expect("now it fits");
    assert_eq!(pending(&database.url).await.expect("pending"), []);
    assert_eq!(migrate(&database.url).await.expect("nothing to do"), []);
}

#[tokio::test]
async fn a_newer_schema_is_refused() {
    let database = fresh_database().await;
    migrate(&database.url).await.expect("migrate");
    let store = PostgresStore::connect(Config::new(&database.url)).await.expect("connect");
    let newer = "insert into _sqlx_migrations (version, description, success, checksum, execution_time)
                 values (9000, 'of tomorrow', true, '', 0)";
    database.execute(newer).await;

    let why = refusal(&store).await;

    assert!(why.contains("9000") && why.contains("newer"), "{why}");
    assert!(matches!(pending(&database.url).await, Err(Error::Conflict { .. })));
    assert!(matches!(migrate(&database.url).await, Err(Error::Conflict { .. })));
}

#[tokio::test]
async fn of_many_that_migrate_at_once_one_applies_it() {
    let database = fresh_database().await;

    let told = join_all((0..6).map(|_| migrate(&database.url))).await;

    let applied: usize = told.into_iter().map(|applied| applied.expect("migrate").len()).sum();
    assert_eq!(applied, pending(&fresh_database().await.url).await.expect("pending").len());
}
