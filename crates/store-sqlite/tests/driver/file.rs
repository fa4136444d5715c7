//! A database file of a test's own.

use std::path::PathBuf;

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions};
use store_sqlite::SqliteStore;
use tempfile::TempDir;

pub(crate) struct File {
    pub(crate) path: PathBuf,
    _folder: TempDir,
}

impl File {
    pub(crate) fn fresh() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        Self { path: folder.path().join("deep/down/jobs.db"), _folder: folder }
    }

    pub(crate) async fn open(&self) -> SqliteStore {
        SqliteStore::open(&self.path).await.expect("open")
    }

    /// Changes the file behind the driver's back.
    pub(crate) async fn tamper(&self, sql: &str) {
        let options = SqliteConnectOptions::new().filename(&self.path);
        let mut connection = options.connect().await.expect("connect");
        sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(&mut connection).await.expect(sql);
    }
}
