//! Folds the log back into the file, and never under the hands of whoever copies the folder.
//!
//! A copy of the folder is taken one file after another. Its two files fit together as long as the file stays as it is
//! and the log only grows: then the copied log holds all that was committed before it was read, whichever of the two
//! was read first, and SQLite finds the end of a log that was cut short by its checksums. Two things spoil that:
//!
//! ```text
//!   copies jobs.db-wal …… the file gets what was written since …… copies jobs.db      frames are missing
//!   copies jobs.db …… all is folded back, the log begins anew …… copies jobs.db-wal   frames are missing
//! ```
//!
//! SQLite does both whenever it likes. Here it does neither by itself, and this folder does them so:
//!
//! 1. It *pins* the log: it begins to read. No more is folded back than what was committed by then, and the log
//!    cannot begin anew.
//! 2. It looks for [`Onlookers`]. Nobody is there: whoever comes now reads a log with at least that in it.
//! 3. It folds. Now nothing is lost as long as the log stays.
//! 4. It looks again. Whoever comes from now on reads a file with all of it, and the pin is taken off: the next that
//!    writes begins the log anew. Somebody came meanwhile: the pin stays until they are gone.
//!
//! Once without the writer, for the bulk, and once in the writer's place for what was written meanwhile: the log
//! begins anew only when all of it is folded back.

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use sqlx::sqlite::SqlitePool;
use sqlx::{ConnectOptions, Executor, SqliteConnection};
use store::Result;

use crate::db::{open_log, options};
use crate::error::fault;
use crate::onlookers::Onlookers;

/// Between two looks at the log. A busy second writes some ten MB.
const LOOK: Duration = Duration::from_millis(500);

/// Pages in the log that are worth to be folded back, of 4 KiB: SQLite's own choice.
const PAGES_DUE: i64 = 1_000;

/// Pages in the log that are folded back whoever reads the folder, 1 GiB: so much of the disk no copy is worth.
const PAGES_MAX: i64 = 262_144;

/// How long the folder of the log waits for a lock. It comes again soon.
const LOCK_WAIT: Duration = Duration::from_millis(100);

pub(crate) struct Folder {
    folding: SqliteConnection,
    pin: SqliteConnection,
    pinned: bool,
    writer: SqlitePool,
    onlookers: Arc<Mutex<Onlookers>>,
}

/// What is in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Log {
    pages: i64,
    folded: i64,
}

impl Folder {
    /// Folds the log of the file at `path`, which `writer` writes to. All of its other connections are open already.
    pub(crate) async fn open(path: &Path, writer: SqlitePool) -> Result<Self> {
        let connect = async || {
            let mut connection = options(path).busy_timeout(LOCK_WAIT).connect().await.map_err(fault)?;
            open_log(&mut connection).await.map_err(fault)?;
            Ok(connection)
        };
        let (folding, pin) = (connect().await?, connect().await?);
        let onlookers = Arc::new(Mutex::new(Onlookers::of(path)));
        Ok(Self { folding, pin, pinned: false, writer, onlookers })
    }

    /// Who reads the folder.
    pub(crate) fn onlookers(&self) -> Arc<Mutex<Onlookers>> {
        Arc::clone(&self.onlookers)
    }

    /// Folds whenever it is due, for ever.
    pub(crate) async fn run(mut self) {
        loop {
            tokio::time::sleep(LOOK).await;
            if let Err(error) = self.tick().await {
                tracing::warn!(%error, "the log was not folded back into the database; trying again");
            }
        }
    }

    async fn tick(&mut self) -> Result<()> {
        let log = self.log().await?;
        let full = log.pages >= PAGES_MAX;
        if full {
            self.look().forget();
        }
        if self.pinned {
            if self.look().copy() {
                return Ok(());
            }
            self.unpin().await?;
        }
        if log.pages < PAGES_DUE || log.folded == log.pages || self.look().copy() {
            return Ok(());
        }
        self.fold().await?;
        if self.pinned {
            return Ok(());
        }
        let in_its_place = self.writer.acquire().await.map_err(fault)?;
        let folded = self.fold().await;
        drop(in_its_place);
        folded
    }

    /// Steps 1 to 4.
    async fn fold(&mut self) -> Result<()> {
        self.pin.execute(include_str!("../sql/wal_pin.sql")).await.map_err(fault)?;
        self.pinned = true;
        if !self.look().copy() {
            self.folding.execute(include_str!("../sql/wal_fold.sql")).await.map_err(fault)?;
            if self.look().copy() {
                return Ok(());
            }
        }
        self.unpin().await
    }

    async fn unpin(&mut self) -> Result<()> {
        self.pin.execute(include_str!("../sql/wal_unpin.sql")).await.map_err(fault)?;
        self.pinned = false;
        Ok(())
    }

    async fn log(&mut self) -> Result<Log> {
        let (_busy, pages, folded): (i64, i64, i64) = sqlx::query_as(include_str!("../sql/wal_look.sql"))
            .fetch_one(&mut self.folding)
            .await
            .map_err(fault)?;
        Ok(Log { pages, folded })
    }

    fn look(&self) -> MutexGuard<'_, Onlookers> {
        self.onlookers.lock().expect("nobody panics while holding it")
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use tempfile::TempDir;

    use super::*;
    use crate::db::Db;

    struct Lab {
        folder: TempDir,
        db: Db,
        folding: Folder,
    }

    impl Lab {
        /// A log with more pages than are worth to be folded back, and nobody there.
        async fn with_a_long_log() -> Self {
            let folder = tempfile::tempdir().expect("a folder");
            let path = folder.path().join("jobs.db");
            let db = Db::open(&path).await.expect("open");
            let folding = Folder::open(&path, db.writer()).await.expect("open");
            let lab = Self { folder, db, folding };
            lab.write("create table t (n integer primary key, b blob)").await;
            lab.write_pages(PAGES_DUE).await;
            lab.folding.look().forget();
            lab
        }

        async fn write(&self, sql: &'static str) {
            let mut tx = self.db.durable().await.expect("begin");
            tx.execute(sql).await.expect(sql);
            tx.commit().await.expect("commit");
        }

        async fn write_pages(&self, pages: i64) {
            let mut tx = self.db.durable().await.expect("begin");
            let rows = "with recursive n (i) as (select 1 union all select i + 1 from n where i < ?1)
                        insert into t (b) select randomblob(4000) from n";
            sqlx::query(rows).bind(pages).execute(&mut *tx).await.expect("insert");
            tx.commit().await.expect("commit");
        }

        async fn log(&mut self) -> Log {
            self.folding.log().await.expect("a look")
        }

        /// Copies a file to where the copy is kept.
        fn copy(&self, name: &str) {
            let copy = self.folder.path().join("copy");
            fs::create_dir_all(&copy).expect("a folder");
            fs::copy(self.folder.path().join(name), copy.join(name)).expect("copied");
        }

        /// Rows in the copy, which must be sound.
        async fn rows_in_copy(&self) -> i64 {
            let copy = options(&self.folder.path().join("copy/jobs.db"));
            let mut copy = copy.connect().await.expect("it opens");
            let sound: String =
                sqlx::query_scalar("pragma integrity_check").fetch_one(&mut copy).await.expect("read");
            assert_eq!(sound, "ok");
            sqlx::query_scalar("select count(*) from t").fetch_one(&mut copy).await.expect("read")
        }
    }

    #[tokio::test]
    async fn a_long_log_is_folded_back_and_begins_anew() {
        let mut lab = Lab::with_a_long_log().await;
        let before = lab.log().await;

        lab.folding.tick().await.expect("folded");
        let folded = lab.log().await;
        lab.write("insert into t (b) values (x'00')").await;

        assert!(before.pages >= PAGES_DUE && before.folded == 0, "{before:?}");
        assert_eq!(folded.pages, folded.folded);
        assert!(lab.log().await.pages < 10, "{:?}", lab.log().await);
    }

    #[tokio::test]
    async fn what_the_store_does_itself_is_not_taken_for_a_copy() {
        let mut lab = Lab::with_a_long_log().await;

        let (readers, pages) = (4, 2);
        let mut held = Vec::new();
        for number in 0..readers + pages {
            let mut tx =
                if number < readers { lab.db.snapshot().await } else { lab.db.page().await }.expect("begin");
            let rows: i64 =
                sqlx::query_scalar("select count(*) from t").fetch_one(&mut *tx).await.expect("read");
            assert_eq!(rows, PAGES_DUE);
            held.push(tx);
        }
        drop(held);
        lab.write_pages(1).await;
        lab.folding.tick().await.expect("folded");
        lab.write_pages(1).await;

        assert!(!lab.folding.look().copy());
    }

    #[tokio::test]
    async fn a_short_log_is_left_alone() {
        let mut lab = Lab::with_a_long_log().await;
        lab.folding.tick().await.expect("folded");
        lab.write("insert into t (b) values (x'00')").await;

        lab.folding.tick().await.expect("a look");

        assert_eq!(lab.log().await.folded, 0);
    }

    #[tokio::test]
    async fn while_the_folder_is_copied_nothing_is_folded_back_whichever_file_is_read_first() {
        for [first, second] in [["jobs.db", "jobs.db-wal"], ["jobs.db-wal", "jobs.db"]] {
            let mut lab = Lab::with_a_long_log().await;

            lab.copy(first);
            lab.write_pages(PAGES_DUE).await;
            lab.folding.tick().await.expect("a look");
            lab.write("insert into t (b) values (x'00')").await;
            let meanwhile = lab.log().await;
            lab.copy(second);

            assert_eq!(meanwhile.folded, 0, "{first} first");
            assert!(lab.rows_in_copy().await >= PAGES_DUE, "{first} first");
            lab.folding.tick().await.expect("folded");
            assert!(lab.log().await.folded > 0, "{first} first");
        }
    }

    #[tokio::test]
    async fn the_log_of_who_came_during_the_fold_stays_until_they_are_gone() {
        let mut lab = Lab::with_a_long_log().await;
        lab.folding.pin.execute(include_str!("../sql/wal_pin.sql")).await.expect("pinned");
        lab.folding.pinned = true;
        lab.copy("jobs.db");
        lab.folding.folding.execute(include_str!("../sql/wal_fold.sql")).await.expect("folded");

        lab.folding.tick().await.expect("a look");
        lab.write_pages(1).await;
        let kept = lab.log().await;
        lab.copy("jobs.db-wal");
        lab.folding.tick().await.expect("folded");
        lab.write_pages(1).await;

        assert!(kept.pages > PAGES_DUE, "{kept:?}");
        assert_eq!(lab.rows_in_copy().await, PAGES_DUE + 1);
        assert!(lab.log().await.pages < 10, "{:?}", lab.log().await);
    }
}
