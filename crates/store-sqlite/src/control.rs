//! Cancelling a job, and letting it run again.

use model::id::JobId;
use model::job::JobState;
use model::name::Namespace;
use sqlx::SqliteConnection;
use store::record::{Standing, job_missing};
use store::{Cancel, Cancelled, Error, Offer, Result};

use crate::db::Db;
use crate::error::fault;
use crate::look::standings;
use crate::settle::{End, end_waiting};
use crate::time::{instant, now};

/// Cancels a waiting job, or stores the wish for a running one.
pub(crate) async fn cancel(db: &Db, cancel: &Cancel) -> Result<Cancelled> {
    let id = cancel.id;
    let mut tx = db.durable().await?;
    let standing = standing(&mut tx, &cancel.namespace, id).await?;
    if standing.state.is_final() {
        return Ok(Cancelled::Already(standing.state));
    }
    let answer = match standing.lease {
        Some(lease) => {
            sqlx::query_file!("sql/cancel_running.sql", id.0).execute(&mut *tx).await.map_err(fault)?;
            Cancelled::Asked(lease)
        }
        None => {
            sqlx::query_file!("sql/cancel_waiting.sql", id.0).execute(&mut *tx).await.map_err(fault)?;
            let now = now(&mut tx).await?;
            end_waiting(&mut tx, now, &[id], &End::cancelled()).await?;
            Cancelled::Done
        }
    };
    tx.commit().await.map_err(fault)?;
    Ok(answer)
}

/// Lets a failed or cancelled job run again from now on.
pub(crate) async fn retry(db: &Db, namespace: &Namespace, id: JobId) -> Result<Offer> {
    let mut tx = db.durable().await?;
    let standing = standing(&mut tx, namespace, id).await?;
    if !matches!(standing.state, JobState::Failed | JobState::Cancelled) {
        let why = format!("job {id} is {}; only a failed or cancelled job runs again", standing.state);
        return Err(Error::Conflict { why });
    }
    let now = now(&mut tx).await?;
    sqlx::query_file!("sql/retry.sql", id.0, now).execute(&mut *tx).await.map_err(fault)?;
    sqlx::query_file!("sql/retry_forget_end.sql", id.0).execute(&mut *tx).await.map_err(fault)?;
    tx.commit().await.map_err(fault)?;
    Ok(Offer { run_at: instant(now)?, ..standing.offer })
}

/// Where the job stands, if it is of this namespace.
async fn standing(connection: &mut SqliteConnection, namespace: &Namespace, id: JobId) -> Result<Standing> {
    let found = standings(connection, &[id]).await?.pop();
    found.filter(|one| one.queue.namespace == *namespace).ok_or_else(|| job_missing(id))
}
