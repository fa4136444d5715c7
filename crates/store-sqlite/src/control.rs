//! Cancelling jobs, and letting one run again.

use std::collections::HashMap;

use model::id::JobId;
use model::job::JobState;
use model::name::Namespace;
use sqlx::SqliteConnection;
use store::record::{Standing, capped_grace_ms, job_missing};
use store::{Cancel, Cancelled, Error, Offer, Result};

use crate::db::Db;
use crate::error::fault;
use crate::json;
use crate::settle::{End, end_waiting};
use crate::standing::standings;
use crate::time::{instant, now};

/// Cancels the jobs that wait, and stores the wish for those that run.
pub(crate) async fn cancel(db: &Db, cancel: &Cancel) -> Result<Vec<Cancelled>> {
    if cancel.ids.is_empty() {
        return Ok(Vec::new());
    }
    let mut tx = db.durable().await?;
    let mut waiting = Vec::new();
    let mut running = Vec::new();
    let mut found = HashMap::new();
    for one in standings(&mut tx, &cancel.ids).await? {
        if one.queue.namespace != cancel.namespace {
            continue;
        }
        let answer = match one.lease {
            Some(lease) => {
                running.push(one.id);
                Cancelled::Asked(lease)
            }
            None if one.state.is_final() => Cancelled::Already(one.state),
            None => {
                waiting.push(one.id);
                Cancelled::Done
            }
        };
        found.insert(one.id, answer);
    }
    let now = now(&mut tx).await?;
    end_running(&mut tx, now, running, cancel.grace_ms).await?;
    if !waiting.is_empty() {
        let ids = json::ids(waiting.iter().copied());
        sqlx::query_file!("sql/cancel_waiting.sql", ids).execute(&mut *tx).await.map_err(fault)?;
        end_waiting(&mut tx, now, &waiting, &End::cancelled()).await?;
    }
    tx.commit().await.map_err(fault)?;
    Ok(cancel.ids.iter().map(|id| found.get(id).copied().unwrap_or(Cancelled::Unknown)).collect())
}

/// Stores the wish that the running jobs end.
async fn end_running(
    connection: &mut SqliteConnection,
    now: i64,
    jobs: Vec<JobId>,
    grace_ms: u64,
) -> Result<()> {
    if jobs.is_empty() {
        return Ok(());
    }
    let ids = json::ids(jobs);
    let end = Some(capped_grace_ms(grace_ms)).filter(|grace| *grace > 0).map(|grace| now + grace);
    sqlx::query_file!("sql/cancel_running.sql", ids, end).execute(connection).await.map_err(fault)?;
    Ok(())
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
