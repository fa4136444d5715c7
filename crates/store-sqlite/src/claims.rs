//! The steps that the verbs of a host share: who holds what, and what a claim brings with it.

use std::collections::{HashMap, HashSet};

use model::id::{JobId, Lease, SessionId, VersionId};
use model::json::Json;
use serde::Serialize;
use sqlx::SqliteConnection;
use store::record::{corrupt, limits, number, priority, queue};
use store::{ClaimedJob, Ended, Offer, Result};
use uuid::Uuid;

use crate::error::fault;
use crate::json::{self, hex};
use crate::time::instant;

pub(crate) fn lease(job: Uuid, attempt: i64, session: i64) -> Result<Lease> {
    Ok(Lease { job: JobId(job), attempt: number("attempt", attempt)?, session: SessionId(session) })
}

/// Whether the lease is current.
pub(crate) async fn holds(connection: &mut SqliteConnection, now: i64, lease: Lease) -> Result<bool> {
    let held = sqlx::query_file!("sql/holds.sql", lease.job.0, lease.attempt, lease.session.0, now)
        .fetch_optional(connection)
        .await
        .map_err(fault)?;
    Ok(held.is_some())
}

/// Those of the ended attempts whose lease is current, by their place, and whether their job is to be
/// cancelled. Of an attempt that comes twice only the first.
pub(crate) async fn current(
    connection: &mut SqliteConnection,
    now: i64,
    ended: &[Ended],
) -> Result<Vec<(usize, bool)>> {
    #[derive(Serialize)]
    struct Asked {
        job: String,
        attempt: u32,
        session: i64,
    }
    let asked = |one: &Ended| Asked {
        job: hex(one.lease.job),
        attempt: one.lease.attempt,
        session: one.lease.session.0,
    };
    let asked = json::list(&ended.iter().map(asked).collect::<Vec<_>>());
    let rows = sqlx::query_file!("sql/finish_fence.sql", asked, now).fetch_all(connection).await;
    let mut seen = HashSet::new();
    let mut current = Vec::new();
    for row in rows.map_err(fault)? {
        let place: usize = number("place", row.place)?;
        let one = ended.get(place).ok_or_else(|| corrupt(format!("no attempt at place {place}")))?;
        if seen.insert(one.lease.job) {
            current.push((place, row.cancel_requested));
        }
    }
    Ok(current)
}

/// All that the attempts of the jobs that `session` has just claimed need, in the order of `asked`.
pub(crate) async fn claimed(
    connection: &mut SqliteConnection,
    session: SessionId,
    won: Vec<Uuid>,
    asked: &[JobId],
) -> Result<Vec<ClaimedJob>> {
    let won = json::ids(won.into_iter().map(JobId));
    let rows = sqlx::query_file!("sql/claimed.sql", won).fetch_all(connection).await.map_err(fault)?;
    let mut jobs = HashMap::new();
    for row in rows {
        let job = ClaimedJob {
            lease: lease(row.job, row.attempt, session.0)?,
            version: VersionId(row.version),
            queue: queue(&row.namespace, &row.queue)?,
            payload: Json::trusted(row.payload),
            failures: number("failures", row.failures)?,
            max_attempts: number("max_attempts", row.max_attempts)?,
            limits: limits(row.timeout_ms, row.limits.as_deref())?,
            checkpoint: row.checkpoint,
        };
        jobs.insert(job.lease.job, job);
    }
    Ok(asked.iter().filter_map(|id| jobs.remove(id)).collect())
}

/// A job that a closed session still holds.
pub(crate) struct Held {
    pub(crate) lease: Lease,
    pub(crate) losses: u32,
    pub(crate) cancel_requested: bool,
    /// The reference to it, if it may run again at once.
    pub(crate) offer: Offer,
}

/// Jobs that closed sessions, or this one, still hold; at most `limit`.
pub(crate) async fn held(
    connection: &mut SqliteConnection,
    now: i64,
    session: Option<SessionId>,
    limit: i64,
) -> Result<Vec<Held>> {
    let session = session.map(|session| session.0);
    let rows =
        sqlx::query_file!("sql/held.sql", session, limit).fetch_all(connection).await.map_err(fault)?;
    rows.into_iter()
        .map(|row| {
            Ok(Held {
                lease: lease(row.job, row.attempt, row.session)?,
                losses: number("losses", row.losses)?,
                cancel_requested: row.cancel_requested,
                offer: Offer {
                    job: JobId(row.job),
                    queue: queue(&row.namespace, &row.queue)?,
                    priority: priority(row.priority)?,
                    run_at: instant(now)?,
                },
            })
        })
        .collect()
}

/// Stores the files that the attempts made.
pub(crate) async fn files(connection: &mut SqliteConnection, ended: &[&Ended]) -> Result<()> {
    for one in ended {
        for file in &one.files {
            sqlx::query_file!(
                "sql/finish_file.sql",
                one.lease.job.0,
                one.lease.attempt,
                file.name,
                file.media_type,
                file.bytes
            )
            .execute(&mut *connection)
            .await
            .map_err(fault)?;
        }
    }
    Ok(())
}
