//! Every promise of the six traits, each tried on a database of its own.

use store::conformance::Lab;
use store_sqlite::SqliteStore;

async fn fresh() -> Lab {
    let folder = tempfile::tempdir().expect("a folder");
    let store = SqliteStore::open(folder.path().join("jobs.db")).await.expect("open");
    Lab::new(store, folder)
}

store::conformance!(fresh);
