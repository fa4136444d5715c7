//! Opening what is there and what is not, and the migrations.

use futures::future::join_all;
use store::{Error, Plans};
use store_sqlite::SqliteStore;

use crate::file::File;

#[tokio::test]
async fn a_file_that_is_no_database_is_corrupt() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("jobs.db");
    std::fs::write(&path, "this is no database, however long it goes on ".repeat(100)).expect("write");

    let refusal = SqliteStore::open(&path).await.expect_err("no database");

    assert!(matches!(refusal, Error::Corrupt { .. }), "{refusal}");
    assert!(matches!(store_sqlite::pending(&path).await, Err(Error::Corrupt { .. })));
}

#[tokio::test]
async fn a_file_that_cannot_be_opened_is_unavailable() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("file"), "").expect("write");

    for path in [folder.path().to_owned(), folder.path().join("file/jobs.db")] {
        let refusal = SqliteStore::open(&path).await.expect_err("it is a folder, or in a file");
        assert!(matches!(refusal, Error::Unavailable { .. }), "{refusal}");
    }
}

#[tokio::test]
async fn several_that_open_a_fresh_file_at_once_all_succeed() {
    let file = File::fresh();

    let stores = join_all((0..6).map(|_| file.open())).await;

    for store in &stores {
        assert!(store.depths().await.expect("depths").is_empty());
    }
}

#[tokio::test]
async fn pending_migrations_are_told_and_applied_once() {
    let file = File::fresh();
    let all = store_sqlite::pending(&file.path).await.expect("pending");
    assert!(!file.path.exists(), "asking makes no file");
    assert_eq!(all[0].0, 1);
    assert!(all[0].2.contains("create table jobs"), "{}", all[0].2);

    assert_eq!(store_sqlite::migrate(&file.path).await.expect("migrate"), all);

    assert_eq!(store_sqlite::pending(&file.path).await.expect("pending"), []);
    assert_eq!(store_sqlite::migrate(&file.path).await.expect("migrate"), []);
    file.open().await;
}

#[tokio::test]
async fn a_schema_of_a_newer_release_is_a_conflict() {
    let file = File::fresh();
    file.open().await;
    file.tamper(
        "insert into _sqlx_migrations (version, description, success, checksum, execution_time)
         values (4711, 'from the future', true, x'00', 0)",
    )
    .await;

    let refusal = SqliteStore::open(&file.path).await.expect_err("a newer release was here");

    assert!(matches!(&refusal, Error::Conflict { why } if why.contains("4711")), "{refusal}");
    assert!(matches!(store_sqlite::pending(&file.path).await, Err(Error::Conflict { .. })));
}
