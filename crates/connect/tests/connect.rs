//! A URL opens what it names, or says why not, without its password.

use std::time::{Duration, Instant};

use connect::Error;
use testkit::{postgres, redis};

/// Within three seconds a program that cannot start must have said so; a machine that is busy with other tests
/// gets more, and still would not pass what waits for ever.
const SOON: Duration = Duration::from_secs(8);

async fn refused<T>(open: impl Future<Output = Result<T, Error>>) -> Error {
    let start = Instant::now();
    let Err(error) = open.await else { panic!("it was opened") };
    assert!(start.elapsed() < SOON, "it took {:?} to say: {error}", start.elapsed());
    error
}

#[tokio::test]
async fn a_file_is_made_and_migrated() {
    let folder = tempfile::tempdir().expect("a folder");
    let url = format!("sqlite:{}", folder.path().join("data/jobs.db").display());

    let before = connect::pending(&url).await.expect("pending");
    let store = connect::store(&url).await.expect("store");

    assert_eq!(before.first().map(|migration| migration.number), Some(1));
    assert_eq!(connect::pending(&url).await.expect("pending"), []);
    assert_eq!(connect::migrate(&url).await.expect("migrate"), []);
    assert_eq!(store.depths().await.expect("depths"), []);
}

#[tokio::test]
async fn a_file_that_is_no_database_is_refused_by_name() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("notes.txt");
    std::fs::write(&path, "no database, but long enough to be looked at. ".repeat(100)).expect("write");

    let error = refused(connect::store(&format!("sqlite:{}", path.display()))).await;

    assert!(matches!(&error, Error::Invalid(_)), "{error:?}");
    assert!(error.to_string().contains("notes.txt"), "{error}");
}

#[tokio::test]
async fn a_server_is_refused_until_it_is_migrated() {
    let database = postgres::fresh_database().await;

    let error = refused(connect::store(&database.url)).await;
    let pending = connect::pending(&database.url).await.expect("pending");
    let applied = connect::migrate(&database.url).await.expect("migrate");
    let store = connect::store(&database.url).await.expect("store");

    assert!(matches!(&error, Error::Outdated(why) if why.contains("1 (init)")), "{error:?}");
    assert!(!pending.is_empty());
    assert_eq!(applied, pending);
    assert_eq!(connect::pending(&database.url).await.expect("pending"), []);
    assert_eq!(store.depths().await.expect("depths"), []);
}

#[tokio::test]
async fn a_server_that_a_newer_release_migrated_is_refused_and_migrating_is_no_way_out() {
    let database = postgres::fresh_database().await;
    connect::migrate(&database.url).await.expect("migrate");
    let newer = "insert into _sqlx_migrations (version, description, success, checksum, execution_time)
                 values (9000, 'of tomorrow', true, '', 0)";
    database.execute(newer).await;

    let errors = [
        refused(connect::store(&database.url)).await,
        refused(connect::pending(&database.url)).await,
        refused(connect::migrate(&database.url)).await,
    ];

    for error in errors {
        let told = error.to_string();
        assert!(matches!(error, Error::Schema(_)), "{error:?}");
        assert!(told.contains("newer release") && told.contains("9000") && !told.contains('\n'), "{told}");
    }
}

#[tokio::test]
async fn a_server_that_is_not_there_is_said_soon_and_where() {
    let mut redis = redis::Server::start().await;
    redis.kill().await;
    let place = format!("127.0.0.1:{}", redis.port());

    let database = format!("postgres://me:hunter2@{place}/jobs");
    let queue = format!("redis://me:hunter2@{place}");
    let errors = [
        refused(connect::store(&database)).await,
        refused(connect::pending(&database)).await,
        refused(connect::migrate(&database)).await,
        refused(connect::broker(&queue)).await,
    ];

    for error in errors {
        assert!(matches!(&error, Error::Unavailable(_)), "{error:?}");
        assert!(error.to_string().contains(&place), "{error}");
        assert!(!error.to_string().contains("hunter2"), "{error}");
    }
}

#[tokio::test]
async fn a_queue_is_opened_in_redis_or_in_this_process() {
    let redis = redis::Server::start().await;

    for url in [redis.url(), "memory:".to_owned()] {
        let broker = connect::broker(&url).await.expect("broker");

        assert_eq!(broker.waiting().await.expect("waiting"), []);
    }
}

#[tokio::test]
async fn a_url_of_another_kind_is_refused_with_the_forms() {
    for url in ["mysql://me:hunter2@h/d", "hunter2", "postgres://me:hunter2@h:port/d"] {
        let error = refused(connect::store(url)).await;

        assert!(matches!(&error, Error::Invalid(invalid) if invalid.field == "database-url"), "{error:?}");
        assert!(!error.to_string().contains("hunter2"), "{error}");
    }
    for url in ["amqp://me:hunter2@h", "redis://me:hunter2@h:port"] {
        let error = refused(connect::broker(url)).await;

        assert!(matches!(&error, Error::Invalid(invalid) if invalid.field == "redis-url"), "{error:?}");
        assert!(!error.to_string().contains("hunter2"), "{error}");
    }
}
