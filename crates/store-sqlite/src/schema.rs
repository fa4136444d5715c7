//! The migrations, which travel inside the program.

use std::path::Path;

use sqlx::migrate::{Migrate, Migrator};
use sqlx::{ConnectOptions, Connection, SqliteConnection};
use store::{Error, Result};

use crate::db::options;
use crate::error::{fault, migrate_fault, newer_schema};

static MIGRATOR: Migrator = sqlx::migrate!("../../migrations/sqlite");

/// sqlx keeps in this table what was applied.
const TABLE: &str = "_sqlx_migrations";

/// The migrations that the file at `path` lacks, in order: number, name and statements. A file that does not
/// exist lacks all of them, and is not made.
///
/// # Errors
/// `Unavailable` and `Corrupt` as ever; `Conflict` when a newer release has changed the schema.
pub async fn pending(path: impl AsRef<Path>) -> Result<Vec<(i64, String, String)>> {
    let path = path.as_ref();
    if !tokio::fs::try_exists(path).await.is_ok_and(|exists| exists) {
        return lacking(&[]);
    }
    let mut connection = options(path).create_if_missing(false).connect().await.map_err(fault)?;
    let lacking = lacking(&applied(&mut connection).await?);
    connection.close().await.map_err(fault)?;
    lacking
}

/// Applies what the file at `path` lacks, all or nothing, and tells what was applied; the file is made with
/// its folder. Safe to be run by several at once.
///
/// # Errors
/// `Unavailable` and `Corrupt` as ever; `Conflict` when a newer release has changed the schema.
pub async fn migrate(path: impl AsRef<Path>) -> Result<Vec<(i64, String, String)>> {
    let path = path.as_ref();
    make_folder(path).await?;
    let mut connection = options(path).connect().await.map_err(fault)?;
    // Taken before it is looked what is lacking: so of several that come at once one applies it, and the others
    // find it applied. Inside, each migration is a savepoint.
    let begin = include_str!("../sql/begin_durable.sql");
    let mut tx = connection.begin_with(begin).await.map_err(fault)?;
    let lacking = lacking(&applied(&mut tx).await?)?;
    if !lacking.is_empty() {
        MIGRATOR.run(&mut *tx).await.map_err(migrate_fault)?;
    }
    tx.commit().await.map_err(fault)?;
    connection.close().await.map_err(fault)?;
    Ok(lacking)
}

/// Makes the folder of the file at `path`.
pub(crate) async fn make_folder(path: &Path) -> Result<()> {
    let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) else { return Ok(()) };
    let made = tokio::fs::create_dir_all(folder).await;
    made.map_err(|error| Error::Unavailable {
        why: format!("create the folder {}: {error}", folder.display()),
    })
}

/// The numbers of the migrations that were applied.
async fn applied(connection: &mut SqliteConnection) -> Result<Vec<i64>> {
    let known = sqlx::query_file_scalar!("sql/schema_known.sql").fetch_one(&mut *connection).await;
    if known.map_err(fault)? == 0 {
        return Ok(Vec::new());
    }
    let applied = connection.list_applied_migrations(TABLE).await.map_err(migrate_fault)?;
    Ok(applied.into_iter().map(|migration| migration.version).collect())
}

fn lacking(applied: &[i64]) -> Result<Vec<(i64, String, String)>> {
    if let Some(number) = applied.iter().find(|number| !MIGRATOR.version_exists(**number)) {
        return Err(newer_schema(*number));
    }
    let lacking = MIGRATOR.iter().filter(|migration| !applied.contains(&migration.version));
    Ok(lacking.map(|one| (one.version, one.description.to_string(), one.sql.as_str().to_owned())).collect())
}
