//! What the leader does: find what is due, take back what was lost, count.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use model::attempt::Outcome;
use model::error::{ErrorKind, Failure};
use model::id::{JobId, SessionId};
use model::retry::{Next, after_loss};
use sqlx::SqliteConnection;
use store::record::{LOST, number, queue};
use store::{Due, LongTransaction, Offer, OpenedSession, Plans, QueueDepth, Rescue, Rescued, Result};
use uuid::Uuid;

use crate::SqliteStore;
use crate::claims::held;
use crate::error::fault;
use crate::rows::OfferRow;
use crate::settle::{End, Settled, end_waiting, record};
use crate::time::{instant, now};

#[async_trait]
impl Plans for SqliteStore {
    async fn due(&self, due: Due) -> Result<(Vec<Offer>, DateTime<Utc>)> {
        let mut reader = self.db.reader().await?;
        let now = now(&mut reader).await?;
        let since = due.since.map_or(i64::MIN, |at| at.timestamp_millis());
        let rows = sqlx::query_file_as!(OfferRow, "sql/due.sql", now, since, due.limit)
            .fetch_all(&mut *reader)
            .await
            .map_err(fault)?;
        let offers = rows.into_iter().map(OfferRow::into_offer).collect::<Result<_>>()?;
        Ok((offers, instant(now)?))
    }

    async fn rescue(&self, rescue: Rescue) -> Result<Rescued> {
        let mut tx = self.db.durable().await?;
        let now = now(&mut tx).await?;
        let closed =
            sqlx::query_file!("sql/rescue_sessions.sql", now).execute(&mut *tx).await.map_err(fault)?;
        let mut closed = closed.rows_affected();
        for session in &rescue.gone {
            let gone = sqlx::query_file!("sql/rescue_gone.sql", now, session.0).execute(&mut *tx).await;
            closed += gone.map_err(fault)?.rows_affected();
        }
        let mut rescued =
            Rescued { sessions: u32::try_from(closed).unwrap_or(u32::MAX), ..Rescued::default() };
        let limit = i64::from(rescue.limit);
        let taken = take_back(&mut tx, now, limit, &mut rescued).await?;
        end_expired(&mut tx, now, limit - taken, &mut rescued).await?;
        if rescued != Rescued::default() {
            tx.commit().await.map_err(fault)?;
        }
        Ok(rescued)
    }

    async fn sessions(&self) -> Result<Vec<OpenedSession>> {
        let mut reader = self.db.reader().await?;
        let rows = sqlx::query_file!("sql/sessions.sql").fetch_all(&mut *reader).await.map_err(fault)?;
        let sessions = rows.into_iter().map(|row| OpenedSession {
            id: SessionId(row.id),
            name: row.name,
            address: row.address,
        });
        Ok(sessions.collect())
    }

    /// None: whoever else has the file open keeps no row alive that a look would walk over.
    async fn long_transactions(&self, _older_than_ms: u32) -> Result<Vec<LongTransaction>> {
        Ok(Vec::new())
    }

    async fn depths(&self) -> Result<Vec<QueueDepth>> {
        let mut tx = self.db.page().await?;
        let now = now(&mut tx).await?;
        let rows = sqlx::query_file!("sql/depths.sql", now).fetch_all(&mut *tx).await.map_err(fault)?;
        rows.into_iter()
            .map(|row| {
                Ok(QueueDepth {
                    queue: queue(&row.namespace, &row.queue)?,
                    // What runs was due when it was claimed; so it is counted among the due, unless the clock
                    // was put back meanwhile.
                    queued: number("queued", (row.due - row.running).max(0))?,
                    running: number("running", row.running)?,
                    scheduled: number("scheduled", row.unfinished - row.due.max(row.running))?,
                    paused: row.paused,
                    oldest_queued_seconds: row.oldest.map(|since| (now - since) as f64 / 1000.0),
                })
            })
            .collect()
    }
}

/// Takes back what closed sessions hold, at most `limit` jobs, and tells how many.
async fn take_back(
    connection: &mut SqliteConnection,
    now: i64,
    limit: i64,
    rescued: &mut Rescued,
) -> Result<i64> {
    let lost = Failure::new(ErrorKind::Lost, LOST);
    let held = held(&mut *connection, now, None, limit).await?;
    let taken = held.len() as i64;
    let mut ended = Vec::new();
    let mut cancelled = Vec::new();
    let mut parked = Vec::new();
    for one in held {
        let job = one.lease.job;
        let next = if one.cancel_requested {
            cancelled.push(job);
            Next::End
        } else {
            after_loss(one.losses.saturating_add(1))
        };
        match next {
            Next::Again(_) => rescued.offers.push(one.offer),
            Next::End => {
                rescued.ended.push(job);
                if !one.cancel_requested {
                    parked.push(job);
                }
            }
        }
        ended.push(Settled::unreported(one.lease, Outcome::Lost, next, Some(&lost)));
    }
    record(&mut *connection, now, &ended).await?;
    end_waiting(&mut *connection, now, &cancelled, &End::cancelled()).await?;
    end_waiting(connection, now, &parked, &End::lost_too_often()).await?;
    Ok(taken)
}

/// Ends what expired before it was started, at most `limit` jobs.
async fn end_expired(
    connection: &mut SqliteConnection,
    now: i64,
    limit: i64,
    rescued: &mut Rescued,
) -> Result<()> {
    let ids: Vec<Uuid> = sqlx::query_file_scalar!("sql/rescue_expired.sql", now, limit)
        .fetch_all(&mut *connection)
        .await
        .map_err(fault)?;
    let ids: Vec<JobId> = ids.into_iter().map(JobId).collect();
    end_waiting(connection, now, &ids, &End::expired()).await?;
    rescued.ended.extend(ids);
    Ok(())
}
