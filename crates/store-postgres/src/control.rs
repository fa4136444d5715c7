//! Cancelling a job, and letting it run again.

use model::id::JobId;
use model::job::JobState;
use model::name::Namespace;
use store::record::{Standing, job_missing};
use store::{Cancel, Cancelled, Error, Offer};

use crate::db::{Db, Session};
use crate::error::Told;
use crate::look::standings;

/// Cancels a waiting job, or stores the wish for a running one.
pub(crate) async fn cancel(db: &Db, cancel: &Cancel) -> Told<Cancelled> {
    let mut tx = db.begin().await?;
    let answer = cancel_in(&mut tx, cancel).await;
    tx.end(answer).await
}

async fn cancel_in(tx: &mut Session, cancel: &Cancel) -> Told<Cancelled> {
    let id = cancel.id;
    // From here on it is neither claimed nor finished, so what is read next stays true.
    tx.maybe(sqlx::query_file!("sql/cancel_hold.sql", id.0)).await?;
    let standing = standing(tx, &cancel.namespace, id).await?;
    if standing.state.is_final() {
        return Ok(Cancelled::Already(standing.state));
    }
    match standing.lease {
        Some(lease) => {
            tx.execute(sqlx::query_file!("sql/cancel_running.sql", id.0)).await?;
            Ok(Cancelled::Asked(lease))
        }
        None => {
            tx.execute(sqlx::query_file!("sql/cancel_waiting.sql", id.0)).await?;
            Ok(Cancelled::Done)
        }
    }
}

/// Lets a failed or cancelled job run again from now on.
pub(crate) async fn retry(db: &Db, namespace: &Namespace, id: JobId) -> Told<Offer> {
    let mut tx = db.begin().await?;
    let answer = retry_in(&mut tx, namespace, id).await;
    tx.end(answer).await
}

async fn retry_in(tx: &mut Session, namespace: &Namespace, id: JobId) -> Told<Offer> {
    // Only a retry revives a job that has ended, and here only one of them is under way.
    tx.maybe(sqlx::query_file!("sql/retry_hold.sql", id.0)).await?;
    let standing = standing(tx, namespace, id).await?;
    if !matches!(standing.state, JobState::Failed | JobState::Cancelled) {
        let why = format!("job {id} is {}; only a failed or cancelled job runs again", standing.state);
        return Err(Error::Conflict { why }.into());
    }
    let run_at = tx.maybe(sqlx::query_file_scalar!("sql/retry.sql", id.0)).await?;
    let run_at = run_at.ok_or_else(|| job_missing(id))?;
    Ok(Offer { run_at, ..standing.offer })
}

/// Where the job stands, if it is of this namespace.
async fn standing(tx: &mut Session, namespace: &Namespace, id: JobId) -> Told<Standing> {
    let found = standings(tx, &[id]).await?.pop();
    Ok(found.filter(|one| one.queue.namespace == *namespace).ok_or_else(|| job_missing(id))?)
}
