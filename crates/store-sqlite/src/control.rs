//! Cancelling jobs, and letting them run again.

use std::collections::HashMap;

use model::id::JobId;
use model::job::JobState;
use sqlx::SqliteConnection;
use store::record::capped_grace_ms;
use store::{Cancel, Cancelled, Offer, Result, Retried, Retry};

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

/// Lets failed and cancelled jobs run again from now on.
pub(crate) async fn retry(db: &Db, retry: &Retry) -> Result<Vec<Retried>> {
    if retry.ids.is_empty() {
        return Ok(Vec::new());
    }
    let mut tx = db.durable().await?;
    let now = now(&mut tx).await?;
    let run_at = instant(now)?;
    let mut revived = Vec::new();
    let mut found = HashMap::new();
    for one in standings(&mut tx, &retry.ids).await? {
        if one.queue.namespace != retry.namespace {
            continue;
        }
        let answer = match one.state {
            JobState::Failed | JobState::Cancelled => {
                // An id that was asked for twice stands here twice.
                if !found.contains_key(&one.id) {
                    revived.push(one.id);
                }
                Retried::Queued(Offer { run_at, ..one.offer })
            }
            state => Retried::Already(state),
        };
        found.insert(one.id, answer);
    }
    if !revived.is_empty() {
        let ids = json::ids(revived);
        sqlx::query_file!("sql/retry.sql", ids, now).execute(&mut *tx).await.map_err(fault)?;
        sqlx::query_file!("sql/retry_forget_end.sql", ids).execute(&mut *tx).await.map_err(fault)?;
    }
    tx.commit().await.map_err(fault)?;
    Ok(retry.ids.iter().map(|id| found.get(id).cloned().unwrap_or(Retried::Unknown)).collect())
}
