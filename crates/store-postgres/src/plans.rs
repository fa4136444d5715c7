//! What the leader does: find what is due, take back what was lost.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use model::error::ErrorKind;
use model::id::{JobId, SessionId};
use store::record::{EXPIRED, OfferRecord, corrupt, number, queue};
use store::{Due, Error, LongTransaction, Offer, OpenedSession, Plans, QueueDepth, Rescue, Rescued, Result};

use crate::PostgresStore;
use crate::db::{Db, again};
use crate::error::Told;
use crate::session::Session;
use crate::settle::{GiveBack, give_back};

#[async_trait]
impl Plans for PostgresStore {
    async fn due(&self, due: Due) -> Result<(Vec<Offer>, DateTime<Utc>)> {
        let query = sqlx::query_file!("sql/due.sql", due.since, i64::from(due.limit));
        let rows = self.db.all(query).await?;
        let now = rows.first().ok_or_else(|| corrupt("the database has no clock"))?.now;
        let offer =
            |job, namespace, queue, priority, run_at| OfferRecord { job, namespace, queue, priority, run_at };
        let offers = rows.into_iter().filter_map(|row| {
            Some(offer(row.job?, row.namespace?, row.queue?, row.priority?, row.run_at?).into_offer())
        });
        Ok((offers.collect::<Result<_>>()?, now))
    }

    async fn rescue(&self, rescue: Rescue) -> Result<Rescued> {
        Ok(again(|| take_back(&self.db, &rescue)).await?)
    }

    async fn sessions(&self) -> Result<Vec<OpenedSession>> {
        let rows = self.db.all(sqlx::query_file!("sql/sessions.sql")).await?;
        let sessions = rows.into_iter().map(|row| OpenedSession {
            id: SessionId(row.id),
            name: row.name,
            address: row.address,
        });
        Ok(sessions.collect())
    }

    async fn long_transactions(&self, older_than_ms: u32) -> Result<Vec<LongTransaction>> {
        let query = sqlx::query_file!("sql/long_transactions.sql", i64::from(older_than_ms));
        let rows = self.db.all(query).await?.into_iter();
        let transactions = rows.map(|row| {
            Ok(LongTransaction {
                pid: row.pid,
                age_ms: number("age", row.age_ms)?,
                state: row.state,
                application: row.application,
                user: row.user,
            })
        });
        transactions.collect()
    }

    async fn depths(&self) -> Result<Vec<QueueDepth>> {
        let rows = self.db.all(sqlx::query_file!("sql/depths.sql")).await?;
        let depths = rows.into_iter().map(|row| {
            Ok::<_, Error>(QueueDepth {
                queue: queue(&row.namespace, &row.queue)?,
                queued: number("queued", row.queued)?,
                running: number("running", row.running)?,
                scheduled: number("scheduled", row.scheduled)?,
                paused: row.paused,
                oldest_queued_seconds: row.oldest_queued_seconds,
            })
        });
        depths.collect()
    }
}

async fn take_back(db: &Db, rescue: &Rescue) -> Told<Rescued> {
    let mut tx = db.begin().await?;
    let answer = take_back_in(&mut tx, rescue).await;
    tx.end(answer).await
}

async fn take_back_in(tx: &mut Session, rescue: &Rescue) -> Told<Rescued> {
    let gone: Vec<i64> = rescue.gone.iter().map(|session| session.0).collect();
    let closed = tx.execute(sqlx::query_file!("sql/rescue_sessions.sql", &gone)).await?;
    let mut rescued = Rescued { sessions: u32::try_from(closed).unwrap_or(u32::MAX), ..Rescued::default() };
    // A new statement sees what claims of the closed sessions committed before they were closed.
    let full = tx.all(sqlx::query_file_scalar!("sql/rescue_full.sql")).await?;
    let mut left = i64::from(rescue.limit);
    if !full.is_empty() {
        let given = give_back(tx, GiveBack::Lost, &full, Some(left)).await?;
        left -= i64::try_from(given.offers.len() + given.ended.len()).unwrap_or(i64::MAX);
        rescued.offers = given.offers;
        rescued.ended = given.ended;
    }
    if left > 0 {
        let kind = ErrorKind::Expired.as_str();
        let query = sqlx::query_file_scalar!("sql/rescue_expired.sql", left, kind, EXPIRED);
        rescued.ended.extend(tx.all(query).await?.into_iter().map(JobId));
    }
    Ok(rescued)
}
