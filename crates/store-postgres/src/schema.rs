//! The migrations, which travel inside the program.

use sqlx::migrate::{Migrate, Migrator};
use sqlx::postgres::PgConnection;
use sqlx::{ConnectOptions, Connection, Executor};
use store::Result;
use tokio::time::timeout;

use crate::Config;
use crate::db::Db;
use crate::error::{Fault, migrate_fault, newer_schema, unavailable};
use crate::pool::parse;

static MIGRATOR: Migrator = sqlx::migrate!("../../migrations/postgres");

/// sqlx keeps in this table what was applied.
const TABLE: &str = "_sqlx_migrations";

/// The migrations that the database at `url` lacks, in order: number, name and statements.
///
/// # Errors
/// `Unavailable` and `Corrupt` as ever; `Conflict` when a newer release has changed the schema.
pub async fn pending(url: &str) -> Result<Vec<(i64, String, String)>> {
    let mut connection = connect(url).await?;
    let lacking = lacking(&applied(&mut connection).await?);
    connection.close().await.map_err(Fault::from)?;
    lacking
}

/// Applies what the database at `url` lacks, each migration all or nothing, and tells what was applied. Of
/// several that are run at once one applies it, and the others wait and find it applied.
///
/// The system may go on meanwhile: a change waits only for a moment for a table that somebody uses, since everybody
/// else waits behind it.
///
/// # Errors
/// `Unavailable` and `Corrupt` as ever, and `Unavailable` when a table was in use for too long; `Conflict` when a
/// newer release has changed the schema.
pub async fn migrate(url: &str) -> Result<Vec<(i64, String, String)>> {
    let mut connection = connect(url).await?;
    // Taken before it is looked what is lacking; the migrator takes it once more inside. It ends with the
    // connection, whatever happens.
    connection.lock().await.map_err(migrate_fault)?;
    let lacking = lacking(&applied(&mut connection).await?)?;
    if !lacking.is_empty() {
        connection.execute(include_str!("../sql/migrate_patience.sql")).await.map_err(Fault::from)?;
        MIGRATOR.run(&mut connection).await.map_err(migrate_fault)?;
    }
    connection.close().await.map_err(Fault::from)?;
    Ok(lacking)
}

/// The migrations that the schema lacks.
pub(crate) async fn lacking_in(db: &Db) -> Result<Vec<(i64, String, String)>> {
    let mut session = db.session().await?;
    lacking(&applied(session.raw()).await?)
}

/// A connection of its own: a migration may take long, and may wait long for another one.
async fn connect(url: &str) -> Result<PgConnection> {
    let config = Config::new(url);
    let options = parse(url)?.application_name(&config.application_name);
    let connected = timeout(config.acquire_timeout, options.connect()).await;
    let connected = connected.map_err(|_| unavailable("no connection in time".to_owned()))?;
    Ok(connected.map_err(Fault::from)?)
}

/// The numbers of the migrations that were applied.
async fn applied(connection: &mut PgConnection) -> Result<Vec<i64>> {
    let known = sqlx::query_file_scalar!("sql/schema_known.sql").fetch_one(&mut *connection).await;
    if !known.map_err(Fault::from)? {
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
