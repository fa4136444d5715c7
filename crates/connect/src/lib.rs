//! Turns a URL into a store or a broker.

mod target;

use std::path::Path;
use std::sync::Arc;

use broker::{Broker, MemoryBroker};
use broker_redis::RedisBroker;
use model::error::Invalid;
use store::Store;
use store_postgres::PostgresStore;
use store_sqlite::SqliteStore;

use target::{Database, Queue};

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The URL is malformed, of a kind that is not known, or names a file that is no database.
    #[error("{0}")]
    Invalid(#[from] Invalid),
    /// The schema is of an older release: `jobctl migrate`.
    #[error("{0}")]
    Outdated(String),
    /// The schema is of a newer release, or of none that this one knows; to migrate does not help.
    #[error("{0}")]
    Schema(String),
    /// It cannot be reached.
    #[error("{0}")]
    Unavailable(String),
}

/// A change of the schema that is not applied yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Migration {
    /// Its number.
    pub number: i64,
    /// What it does.
    pub name: String,
    /// The statements.
    pub sql: String,
}

/// Opens a store: `postgres://…` (whose schema must be up to date), or `sqlite:PATH` (which is made and
/// migrated as needed). Passwords in the URL never show in an error.
///
/// # Errors
/// See [`Error`].
pub async fn store(url: &str) -> Result<Arc<dyn Store>, Error> {
    match Database::read(url)? {
        Database::Postgres { url, place } => {
            let config = store_postgres::Config::new(url);
            let store = PostgresStore::connect(config).await.map_err(|error| server(&place, error))?;
            let lacking = migrations(store.lacking().await.map_err(|error| server(&place, error))?);
            if let Some(first) = lacking.first() {
                return Err(Error::Outdated(format!("postgres at {place} {}", lacks(first, lacking.len()))));
            }
            Ok(Arc::new(store))
        }
        Database::Sqlite { path } => {
            Ok(Arc::new(SqliteStore::open(path).await.map_err(|error| file(path, error))?))
        }
    }
}

/// Opens a broker: `redis://…`, `rediss://…`, or `memory:` (this process alone).
///
/// # Errors
/// See [`Error`].
pub async fn broker(url: &str) -> Result<Arc<dyn Broker>, Error> {
    match Queue::read(url)? {
        Queue::Redis { url } => {
            let config = broker_redis::Config::parse(url)?;
            let broker = RedisBroker::open(config).await;
            Ok(Arc::new(broker.map_err(|error| Error::Unavailable(error.why))?))
        }
        Queue::Memory => Ok(Arc::new(MemoryBroker::new())),
    }
}

/// The migrations that the database at `url` lacks, in order.
///
/// # Errors
/// See [`Error`].
pub async fn pending(url: &str) -> Result<Vec<Migration>, Error> {
    let pending = match Database::read(url)? {
        Database::Postgres { url, place } => {
            store_postgres::pending(url).await.map_err(|error| server(&place, error))?
        }
        Database::Sqlite { path } => store_sqlite::pending(path).await.map_err(|error| file(path, error))?,
    };
    Ok(migrations(pending))
}

/// Applies what is pending and tells what was applied. Safe to be run by several at once.
///
/// # Errors
/// See [`Error`].
pub async fn migrate(url: &str) -> Result<Vec<Migration>, Error> {
    let applied = match Database::read(url)? {
        Database::Postgres { url, place } => {
            store_postgres::migrate(url).await.map_err(|error| server(&place, error))?
        }
        Database::Sqlite { path } => store_sqlite::migrate(path).await.map_err(|error| file(path, error))?,
    };
    Ok(migrations(applied))
}

/// What an older schema lacks.
fn lacks(first: &Migration, count: usize) -> String {
    let Migration { number, name, .. } = first;
    match count {
        1 => format!("lacks migration {number} ({name})"),
        count => format!("lacks {count} migrations, from {number} ({name}) on"),
    }
}

fn migrations(of_driver: Vec<(i64, String, String)>) -> Vec<Migration> {
    of_driver.into_iter().map(|(number, name, sql)| Migration { number, name, sql }).collect()
}

/// What it means that the server at `place` is not to be worked with.
fn server(place: &str, error: store::Error) -> Error {
    match error {
        store::Error::Unavailable { why } => Error::Unavailable(format!("postgres at {place}: {why}")),
        error => Error::Schema(format!("postgres at {place}: {error}")),
    }
}

/// What it means that the file at `path` is not to be worked with.
fn file(path: &Path, error: store::Error) -> Error {
    let path = path.display();
    match error {
        store::Error::Unavailable { why } => Error::Unavailable(format!("{path}: {why}")),
        // There is no schema to bring up to date in what is no database.
        store::Error::Corrupt { why } => Invalid::new("database-url", format!("{path}: {why}")).into(),
        error => Error::Schema(format!("{path}: {error}")),
    }
}
