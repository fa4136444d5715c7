//! The store on PostgreSQL.
//!
//! One verb is one statement wherever it can be, so that it costs one round trip and is a transaction by itself:
//! bulk rows travel as arrays that SQL takes apart with `unnest`, and common table expressions that change data
//! do what belongs together. Every SQL text is a file of `sql/`, checked at compile time against the migrations
//! (`scripts/prepare-sql-postgres`).
//!
//! **What is durable.** What people and tasks rely on is on disk before it is answered. Claims and signs of life
//! are not (`synchronous_commit = off` for that one statement): a crash of the server may undo those of its last
//! moments, and then the jobs run again while the fence refuses what the forgotten attempts still report.
//!
//! **Who waits for whom.** Everything runs at *read committed* and is made safe by row locks:
//!
//! ```text
//!   claim    session: for key share      queue rows: for update skip locked, by id
//!   close    session: for update         queue rows: for update skip locked, by id
//!   extend   session: update             (waits for neither claim nor report)
//!   finish                               queue rows: for update, by id
//!   cancel                               queue rows: for update, by id
//!   report, a parent's submit            its queue row: for share
//!   change   schedules: for update, by id        (and then stores jobs, which nobody else knows yet)
//! ```
//!
//! A claim and the closing of its session exclude each other, so a closed session holds only what its closing
//! has seen. Everything else about an attempt is decided by its row in the queue, which whoever comes second
//! reads again. Rows are locked in order, so that batches do not deadlock; a statement that the server chose as
//! a victim all the same is run again.

mod attempts;
mod components;
mod control;
mod db;
mod error;
mod find;
mod ids;
mod logs;
mod look;
mod plans;
mod pool;
mod schedules;
mod schema;
mod session;
mod settle;
mod standing;
mod submit;
mod terms;

use std::fmt;
use std::time::Duration;

pub use schema::{migrate, pending};
use store::Result;

use crate::db::Db;
use crate::ids::Known;

/// How to reach the server, and for how long to wait for it.
#[derive(Clone)]
pub struct Config {
    /// `postgres://USER:PASSWORD@SERVER:PORT/DATABASE`, with libpq's options. Without a password, that of
    /// `PGPASSWORD` or of the password file is taken.
    pub url: String,
    /// How many connections there are at the most, besides up to three for signs of life.
    pub connections: u32,
    /// What the server lists us as.
    pub application_name: String,
    /// How long a verb waits for a connection before the store counts as unavailable.
    pub acquire_timeout: Duration,
    /// How long one statement may take; the server ends it then.
    pub statement_timeout: Duration,
    /// How long a statement may wait for a row that another transaction has locked.
    pub lock_timeout: Duration,
    /// How long a transaction may stand still; the server ends the connection then.
    pub idle_in_transaction_timeout: Duration,
}

impl Config {
    /// The usual settings for the server at `url`.
    #[must_use]
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            // Sixteen processes of this size stay within twice PostgreSQL's default of 100, which a pooler or
            // an operator raises; more connections than processors only queue inside the server.
            connections: 10,
            application_name: "jobctl".to_owned(),
            // Whoever asks at a terminal is to be told within three seconds.
            acquire_timeout: Duration::from_millis(2500),
            // Room for the largest component on a slow line.
            statement_timeout: Duration::from_secs(15),
            lock_timeout: Duration::from_secs(5),
            idle_in_transaction_timeout: Duration::from_secs(15),
        }
    }
}

impl fmt::Debug for Config {
    /// Never the URL: it may hold a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config")
            .field("connections", &self.connections)
            .field("application_name", &self.application_name)
            .finish_non_exhaustive()
    }
}

/// A store in one database.
pub struct PostgresStore {
    db: Db,
    known: Known,
}

impl PostgresStore {
    /// Connects, and finds out whether the server answers. Ask for [`Self::lacking`] next.
    ///
    /// # Errors
    /// `Unavailable` when it does not, or refuses us; never with the password in its text.
    ///
    /// # Examples
    /// ```no_run
    /// # async fn run() -> Result<(), store::Error> {
    /// use store::Plans;
    /// use store_postgres::{Config, PostgresStore};
    ///
    /// let url = "postgres://jobs:secret@db.example/jobs";
    /// store_postgres::migrate(url).await?;
    /// let store = PostgresStore::connect(Config::new(url)).await?;
    /// assert!(store.lacking().await?.is_empty());
    /// println!("{} queues", store.depths().await?.len());
    /// # Ok(())
    /// # }
    /// ```
    pub async fn connect(config: Config) -> Result<Self> {
        Ok(Self { db: Db::connect(&config).await?, known: Known::default() })
    }

    /// The migrations that the schema lacks, in order: number, name and statements. This release works with it when
    /// there are none.
    ///
    /// # Errors
    /// `Conflict` when a newer release has changed the schema; `Unavailable` as ever.
    pub async fn lacking(&self) -> Result<Vec<(i64, String, String)>> {
        schema::lacking_in(&self.db).await
    }
}
