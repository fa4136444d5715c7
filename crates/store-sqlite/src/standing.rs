//! Jobs by their ids: in full, and where they stand.

use model::id::JobId;
use model::job::Job;
use sqlx::SqliteConnection;
use store::Result;
use store::record::Standing;
use uuid::Uuid;

use crate::error::fault;
use crate::json;
use crate::rows::{JobRow, StandingRow};
use crate::time::now;

/// The jobs of these ids that there are, in this order, without attempts and files.
pub(crate) async fn jobs(connection: &mut SqliteConnection, ids: &[JobId]) -> Result<Vec<Job>> {
    let now = now(&mut *connection).await?;
    let ids = json::ids(ids.iter().copied());
    let rows =
        sqlx::query_file_as!(JobRow, "sql/jobs.sql", now, ids).fetch_all(connection).await.map_err(fault)?;
    rows.into_iter().map(JobRow::into_job).collect()
}

/// Where the jobs of these ids stand, as far as there are such jobs, in no order.
pub(crate) async fn standings(connection: &mut SqliteConnection, ids: &[JobId]) -> Result<Vec<Standing>> {
    let now = now(&mut *connection).await?;
    let ids = json::ids(ids.iter().copied());
    let rows = sqlx::query_file_as!(StandingRow, "sql/standing.sql", now, ids)
        .fetch_all(connection)
        .await
        .map_err(fault)?;
    rows.into_iter().map(StandingRow::into_standing).collect()
}
