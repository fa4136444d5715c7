//! Which schemas this release works with.

use futures::future::join_all;
use sqlx::{Connection, PgConnection};
use store::Error;
use store_postgres::{Config, PostgresStore, migrate, pending};
use testkit::postgres::fresh_database;

#[tokio::test]
async fn a_schema_lacks_what_is_pending_until_it_is_migrated() {
    let database = fresh_database().await;
    let store = PostgresStore::connect(Config::new(&database.url)).await.expect("connect");

    let pending_now = pending(&database.url).await.expect("pending");

    assert_eq!((pending_now[0].0, pending_now[0].1.as_str()), (1, "init"));
    assert!(pending_now[0].2.contains("create table jobs"));
    assert_eq!(store.lacking().await.expect("lacking"), pending_now);
    assert_eq!(migrate(&database.url).await.expect("migrate"), pending_now);
    assert_eq!(store.lacking().await.expect("lacking"), []);
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

    let refusal = store.lacking().await.expect_err("it does not fit");

    assert!(matches!(&refusal, Error::Conflict { why } if why.contains("9000")), "{refusal:?}");
    assert!(matches!(pending(&database.url).await, Err(Error::Conflict { .. })));
    assert!(matches!(migrate(&database.url).await, Err(Error::Conflict { .. })));
}

#[tokio::test]
async fn a_migration_gives_way_to_who_uses_a_table_and_is_applied_afterwards() {
    let database = fresh_database().await;
    let mut other = PgConnection::connect(&database.url).await.expect("connect");
    let migrations = sqlx::migrate!("../../migrations/postgres");
    migrations.run_to(1, &mut other).await.expect("the first release's schema");
    let mut tx = other.begin().await.expect("begin");
    sqlx::query("select count(*) from jobs").execute(&mut *tx).await.expect("use the table");

    let refusal = migrate(&database.url).await.expect_err("somebody uses it");

    assert!(refusal.is_transient(), "{refusal}");
    tx.rollback().await.expect("let go");
    assert!(!migrate(&database.url).await.expect("nobody uses it").is_empty());
}

#[tokio::test]
async fn of_many_that_migrate_at_once_one_applies_it() {
    let database = fresh_database().await;

    let told = join_all((0..6).map(|_| migrate(&database.url))).await;

    let applied: usize = told.into_iter().map(|applied| applied.expect("migrate").len()).sum();
    assert_eq!(applied, pending(&fresh_database().await.url).await.expect("pending").len());
}
