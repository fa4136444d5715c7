//! Cancelling jobs, and letting them run again.

use std::collections::{BTreeSet, HashMap};

use model::id::{JobId, Lease, SessionId};
use model::job::JobState;
use store::record::{capped_grace_ms, number};
use store::{Cancel, Cancelled, Offer, Retried, Retry};

use crate::db::Db;
use crate::error::Told;
use crate::ids::uuids;
use crate::session::Session;
use crate::standing::standings;

/// Cancels the jobs that wait, and stores the wish for those that run.
pub(crate) async fn cancel(db: &Db, cancel: &Cancel) -> Told<Vec<Cancelled>> {
    if cancel.ids.is_empty() {
        return Ok(Vec::new());
    }
    let mut tx = db.begin().await?;
    let found = cancel_in(&mut tx, cancel).await;
    let found = tx.end(found).await?;
    Ok(cancel.ids.iter().map(|id| found.get(id).copied().unwrap_or(Cancelled::Unknown)).collect())
}

/// What was found of the jobs that there are.
async fn cancel_in(tx: &mut Session, cancel: &Cancel) -> Told<HashMap<JobId, Cancelled>> {
    let mut found = HashMap::new();
    let mut left: BTreeSet<JobId> = cancel.ids.iter().copied().collect();
    while !left.is_empty() {
        found.extend(cancel_unfinished(tx, cancel, &left).await?);
        left.retain(|id| !found.contains_key(id));
        let ended =
            standings(tx, &left).await?.into_iter().filter(|one| one.queue.namespace == cancel.namespace);
        left.clear();
        for one in ended {
            if one.state.is_final() {
                found.insert(one.id, Cancelled::Already(one.state));
            } else {
                // Somebody revived it just now, so it stands in the queue again.
                left.insert(one.id);
            }
        }
    }
    Ok(found)
}

/// Those of `ids` that are unfinished: cancelled when they wait, asked when they run.
async fn cancel_unfinished(
    tx: &mut Session,
    cancel: &Cancel,
    ids: &BTreeSet<JobId>,
) -> Told<Vec<(JobId, Cancelled)>> {
    // From here on they are neither claimed nor finished by anybody else.
    let query = sqlx::query_file!("sql/cancel_hold.sql", &uuids(ids), cancel.namespace.as_str());
    let held = tx.all(query).await?;
    let mut waiting = Vec::new();
    let mut running = Vec::new();
    let mut found = Vec::with_capacity(held.len());
    for row in held {
        let job = JobId(row.job);
        let Some(session) = row.session.map(SessionId) else {
            waiting.push(row.job);
            found.push((job, Cancelled::Done));
            continue;
        };
        running.push(row.job);
        let attempt = number("attempt", row.attempt)?;
        found.push((job, Cancelled::Asked(Lease { job, attempt, session })));
    }
    if !waiting.is_empty() {
        tx.execute(sqlx::query_file!("sql/cancel_waiting.sql", &waiting)).await?;
    }
    if !running.is_empty() {
        let grace_ms = capped_grace_ms(cancel.grace_ms);
        tx.execute(sqlx::query_file!("sql/cancel_running.sql", &running, grace_ms)).await?;
    }
    Ok(found)
}

/// Lets failed and cancelled jobs run again from now on.
pub(crate) async fn retry(db: &Db, retry: &Retry) -> Told<Vec<Retried>> {
    if retry.ids.is_empty() {
        return Ok(Vec::new());
    }
    let mut tx = db.begin().await?;
    let found = retry_in(&mut tx, retry).await;
    let found = tx.end(found).await?;
    Ok(retry.ids.iter().map(|id| found.get(id).cloned().unwrap_or(Retried::Unknown)).collect())
}

/// What was found of the jobs that there are.
async fn retry_in(tx: &mut Session, retry: &Retry) -> Told<HashMap<JobId, Retried>> {
    let ids: BTreeSet<JobId> = retry.ids.iter().copied().collect();
    tx.all(sqlx::query_file_scalar!("sql/retry_hold.sql", &uuids(&ids))).await?;
    let mut found = HashMap::with_capacity(ids.len());
    let mut revived: HashMap<JobId, Offer> = HashMap::new();
    for one in standings(tx, &ids).await? {
        if one.queue.namespace != retry.namespace {
            continue;
        }
        match one.state {
            JobState::Failed | JobState::Cancelled => {
                revived.insert(one.id, one.offer);
            }
            state => {
                found.insert(one.id, Retried::Already(state));
            }
        }
    }
    if revived.is_empty() {
        return Ok(found);
    }
    for row in tx.all(sqlx::query_file!("sql/retry.sql", &uuids(revived.keys()))).await? {
        let id = JobId(row.job_id);
        if let Some(offer) = revived.remove(&id) {
            found.insert(id, Retried::Queued(Offer { run_at: row.run_at, ..offer }));
        }
    }
    Ok(found)
}
