//! All the promises of the store, kept by this driver: each fact in a fresh database.

use store::conformance::Lab;
use store_postgres::{Config, PostgresStore};

async fn fresh() -> Lab {
    let database = testkit::postgres::fresh_database().await;
    store_postgres::migrate(&database.url).await.expect("migrate");
    let store = PostgresStore::connect(Config::new(&database.url)).await.expect("connect");
    Lab::new(store, database)
}

store::conformance!(fresh);
