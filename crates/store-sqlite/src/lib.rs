//! The store on SQLite, for one process on one machine.
//!
//! One file in WAL mode. One connection writes: every verb that changes something is one transaction on it,
//! begun with `begin immediate`, so that a verb reads what it decides on after it holds the lock, and no two
//! verbs can deadlock. All that only looks goes through other connections, which see the last commit and
//! never wait for the writer.
//!
//! ```text
//!   verbs that change ──► writer (1) ──► jobs.db-wal ──► jobs.db
//!   verbs that look   ──► readers ──────────┴──────────────┘
//!   listings          ──► pages, by a deadline          ▲
//!                         folder: jobs.db-wal ──────────┘ while nobody copies them
//! ```
//!
//! **A copy of the folder** that is taken file by file while all this goes on (`cp -r`, `tar`, `rsync`) opens, and holds
//! all that was answered before it was begun: `fold` says how.
//!
//! **What is durable.** A killed process loses nothing that was answered: a commit is in the page cache of the
//! system by then. The loss of power is another matter, and there the driver tells two kinds of verbs apart.
//! What people and tasks rely on (submit, cancel, retry, publish, promote, finish, a checkpoint, what a rescue
//! records, schedules and their runs) syncs the log before it is answered (`synchronous = full`). What is only about processes of this
//! machine, which end with it (sessions, claims, signs of life, terms, log lines and progress of a running
//! attempt), does not (`synchronous = normal`): losing it leaves a consistent older state, in which the job
//! waits or its session falls silent, and so it runs again. An idle system then syncs only when the log is folded back
//! into the file, every few minutes.
//!
//! Bulk rows travel as one JSON text, their long values as one blob beside it. SQL takes the text apart with
//! `jsonb_each`, whose rows need no parsing again for each of their fields (four times as fast as `json_each`
//! here; it needs SQLite 3.51, which is built in). Every SQL text is a file of `sql/`,
//! checked at compile time against the migrations (`scripts/prepare-sql-sqlite`).

mod attempts;
mod claims;
mod components;
mod control;
mod db;
mod error;
mod find;
mod fold;
mod json;
mod logs;
mod look;
mod onlookers;
mod plans;
mod rows;
mod schedules;
mod schema;
mod settle;
mod standing;
mod submit;
mod submit_rows;
mod terms;
mod time;

use std::path::Path;
use std::sync::{Arc, Mutex};

pub use schema::{migrate, pending};
use sqlx::{ConnectOptions, Connection};
use store::Result;
use tokio::task::AbortHandle;

use crate::db::{Db, options};
use crate::error::fault;
use crate::fold::Folder;
use crate::onlookers::Onlookers;

/// A store in one file.
#[derive(Debug)]
pub struct SqliteStore {
    db: Db,
    folding: AbortHandle,
    onlookers: Arc<Mutex<Onlookers>>,
}

impl SqliteStore {
    /// Opens the store at `path`, which is made with its folder and migrated as needed.
    ///
    /// # Errors
    /// `Unavailable` when the file cannot be opened or is locked by another process; `Corrupt` when it is no
    /// database; `Conflict` when a newer release has changed its schema.
    ///
    /// # Examples
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), store::Error> {
    /// use store::Plans;
    ///
    /// let folder = tempfile::tempdir().expect("a folder");
    /// let store = store_sqlite::SqliteStore::open(folder.path().join("data/jobs.db")).await?;
    /// assert!(store.depths().await?.is_empty());
    /// # Ok(())
    /// # }
    /// ```
    pub async fn open(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        schema::make_folder(path).await?;
        // Held open until all is: SQLite folds the log back when the last connection is closed, and somebody may be
        // copying the folder.
        let first = options(path).connect().await.map_err(fault)?;
        migrate(path).await?;
        let db = Db::open(path).await?;
        first.close().await.map_err(fault)?;
        let folder = Folder::open(path, db.writer()).await?;
        let onlookers = folder.onlookers();
        let folding = tokio::spawn(folder.run()).abort_handle();
        Ok(Self { db, folding, onlookers })
    }
}

impl Drop for SqliteStore {
    fn drop(&mut self) {
        self.folding.abort();
        if self.onlookers.lock().is_ok_and(|mut onlookers| onlookers.copy()) {
            self.db.leave_open();
        }
    }
}
