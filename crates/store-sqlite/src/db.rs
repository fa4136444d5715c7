//! The connections: one that writes, some that read, and some that list by a deadline.

use std::path::Path;
use std::time::{Duration, Instant};

use futures::future::try_join_all;
use sqlx::pool::{PoolConnection, PoolOptions};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePool};
use sqlx::{ConnectOptions, Executor, Sqlite, SqliteConnection, Transaction};
use store::Result;

use crate::error::fault;

/// How long a statement waits while another process holds the lock: far longer than any transaction here.
const LOCK_WAIT: Duration = Duration::from_secs(5);

/// How long a verb waits for its turn. When the writer is this far behind, the caller is better told.
const TURN_WAIT: Duration = Duration::from_secs(10);

/// Connections for short reads. Each is a thread; more would only contend for the processors.
const READERS: u32 = 4;

/// Connections for listings and counts, which may walk far. Apart from the readers, so that no page that
/// somebody looks at keeps a lease check waiting.
const PAGES: u32 = 2;

/// How long a listing may walk through what does not match its filter.
const PAGE_TIME_MAX: Duration = Duration::from_secs(5);

/// How often the deadline of a listing is looked at: each so many steps of SQLite's machine, well under a
/// millisecond.
const STEPS_BETWEEN_LOOKS: i32 = 10_000;

/// A transaction; it is rolled back when it is dropped.
pub(crate) type Tx = Transaction<'static, Sqlite>;

#[derive(Debug)]
pub(crate) struct Db {
    writer: SqlitePool,
    readers: SqlitePool,
    pages: SqlitePool,
}

impl Db {
    /// Connects to the file at `path`, whose schema is up to date.
    pub(crate) async fn open(path: &Path) -> Result<Self> {
        let writer = pool(1).connect_with(options(path)).await.map_err(fault)?;
        let looking = options(path).pragma("query_only", "on").pragma("cache_size", "-4096");
        let readers = all_of(READERS, pool(READERS).connect_lazy_with(looking.clone())).await?;
        // All connections share one budget of pages, and one that walked far would keep what it took from the others:
        // they would read each page anew at every step.
        let pages = pool(PAGES)
            .after_release(|connection, _| {
                Box::pin(async move {
                    connection.execute(include_str!("../sql/page_end.sql")).await?;
                    Ok(true)
                })
            })
            .connect_lazy_with(looking);
        Ok(Self { writer, readers, pages: all_of(PAGES, pages).await? })
    }

    /// The one connection that writes: whoever has it, nobody else writes.
    pub(crate) fn writer(&self) -> SqlitePool {
        self.writer.clone()
    }

    /// Leaves the file open until the process ends. SQLite folds the log back when the last connection is closed.
    pub(crate) fn leave_open(&self) {
        std::mem::forget(self.readers.clone());
    }

    /// A transaction that may write; once it is committed, not even the loss of power undoes it.
    pub(crate) async fn durable(&self) -> Result<Tx> {
        self.writer.begin_with(include_str!("../sql/begin_durable.sql")).await.map_err(fault)
    }

    /// A transaction that may write; the loss of power may undo it, the end of the process does not.
    pub(crate) async fn relaxed(&self) -> Result<Tx> {
        self.writer.begin_with(include_str!("../sql/begin_relaxed.sql")).await.map_err(fault)
    }

    /// A connection for one short read.
    pub(crate) async fn reader(&self) -> Result<PoolConnection<Sqlite>> {
        self.readers.acquire().await.map_err(fault)
    }

    /// Several short reads of one state.
    pub(crate) async fn snapshot(&self) -> Result<Tx> {
        self.readers.begin().await.map_err(fault)
    }

    /// Reads of one state that may walk far: they are interrupted when they take too long.
    pub(crate) async fn page(&self) -> Result<Tx> {
        self.page_within(PAGE_TIME_MAX).await
    }

    async fn page_within(&self, time: Duration) -> Result<Tx> {
        let mut connection = self.pages.acquire().await.map_err(fault)?;
        let deadline = Instant::now() + time;
        let mut handle = connection.lock_handle().await.map_err(fault)?;
        handle.set_progress_handler(STEPS_BETWEEN_LOOKS, move || Instant::now() < deadline);
        drop(handle);
        Transaction::begin(connection, None).await.map_err(fault)
    }
}

/// What all connections to the file at `path` agree on.
pub(crate) fn options(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .busy_timeout(LOCK_WAIT)
        .foreign_keys(true)
        // In kilobytes, for the writer; the default of 2 MB does not hold the hot tables of a busy day.
        .pragma("cache_size", "-16384")
        .pragma("temp_store", "memory")
        // The log is folded back by `Folder` alone, which looks first who reads the files.
        .pragma("wal_autocheckpoint", "0")
        // A burst may stretch the log; this much of it is kept for reuse afterwards.
        .pragma("journal_size_limit", "67108864")
        .disable_statement_logging()
}

/// A connection opens the log with the first that it reads.
pub(crate) async fn open_log(connection: &mut SqliteConnection) -> sqlx::Result<()> {
    connection.execute(include_str!("../sql/wal_open.sql")).await?;
    Ok(())
}

/// The pool with all of its connections made. From now on it opens no file: `Onlookers` takes whoever does for others.
async fn all_of(connections: u32, pool: SqlitePool) -> Result<SqlitePool> {
    let made = try_join_all((0..connections).map(|_| pool.acquire())).await.map_err(fault)?;
    drop(made);
    Ok(pool)
}

fn pool(connections: u32) -> PoolOptions<Sqlite> {
    PoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(TURN_WAIT)
        .idle_timeout(None)
        .max_lifetime(None)
        .test_before_acquire(false)
        .after_connect(|connection, _| Box::pin(open_log(connection)))
}

#[cfg(test)]
mod tests {
    use store::Error;

    use super::*;

    #[tokio::test]
    async fn a_page_that_takes_too_long_is_interrupted_and_the_next_is_not() {
        let folder = tempfile::tempdir().expect("a folder");
        let db = Db::open(&folder.path().join("jobs.db")).await.expect("open");
        let walk = "with recursive n (i) as (select 1 union all select i + 1 from n) select count(*) from n";

        let mut tx = db.page_within(Duration::from_millis(20)).await.expect("begin");
        let stopped = sqlx::query_scalar::<_, i64>(walk).fetch_one(&mut *tx).await.map_err(fault);
        drop(tx);

        assert!(matches!(stopped, Err(Error::Unavailable { .. })), "{stopped:?}");
        for _ in 0..=PAGES {
            let mut tx = db.page().await.expect("begin");
            let short = "with recursive n (i) as (select 1 union all select i + 1 from n where i < 100000)
                         select count(*) from n";
            let count: i64 = sqlx::query_scalar(short).fetch_one(&mut *tx).await.expect("in time");
            assert_eq!(count, 100_000);
        }
    }

    #[tokio::test]
    async fn readers_cannot_write() {
        let folder = tempfile::tempdir().expect("a folder");
        let db = Db::open(&folder.path().join("jobs.db")).await.expect("open");
        let mut reader = db.reader().await.expect("reader");

        let refusal = sqlx::query("create table t (a)").execute(&mut *reader).await;

        assert!(refusal.is_err());
    }

    #[tokio::test]
    async fn only_durable_transactions_sync_the_log() {
        let folder = tempfile::tempdir().expect("a folder");
        let db = Db::open(&folder.path().join("jobs.db")).await.expect("open");
        let level = async |tx: &mut Tx| {
            sqlx::query_scalar::<_, i64>("pragma synchronous").fetch_one(&mut **tx).await.expect("level")
        };

        let mut tx = db.durable().await.expect("begin");
        assert_eq!(level(&mut tx).await, 2, "full");
        drop(tx);
        let mut tx = db.relaxed().await.expect("begin");
        assert_eq!(level(&mut tx).await, 1, "normal");
    }
}
