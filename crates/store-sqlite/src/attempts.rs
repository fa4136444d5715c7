//! What a host does: sessions, claims, news and ends.

use std::time::Duration;

use async_trait::async_trait;
use model::attempt::Outcome;
use model::id::{JobId, Lease, SessionId};
use model::retry::Next;
use store::record::{lease_lost, number, session_lost};
use store::{
    Attempts, Beat, Cancelling, Claim, ClaimedJob, Error, Extend, Finish, Finished, HostSession, OpenSession,
    Report, Result,
};
use uuid::Uuid;

use crate::claims::{claimed, current, files, held, holds, lease};
use crate::error::fault;
use crate::settle::{End, Settled, end_waiting, record};
use crate::time::{instant, now};
use crate::{SqliteStore, json, logs};

/// What was given back may run again without a wait.
const AT_ONCE: Next = Next::Again(Duration::ZERO);

#[async_trait]
impl Attempts for SqliteStore {
    async fn open(&self, open: OpenSession) -> Result<SessionId> {
        let mut tx = self.db.relaxed().await?;
        let now = now(&mut tx).await?;
        let until = now + i64::from(open.lease_ms);
        let session = sqlx::query_file_scalar!(
            "sql/open.sql",
            open.name,
            open.address,
            open.version,
            open.slots,
            now,
            until
        );
        let id = session.fetch_one(&mut *tx).await.map_err(fault)?;
        tx.commit().await.map_err(fault)?;
        Ok(SessionId(id))
    }

    async fn extend(&self, extend: Extend) -> Result<Beat> {
        let session = extend.session;
        let mut tx = self.db.relaxed().await?;
        let now = now(&mut tx).await?;
        let until = now + i64::from(extend.lease_ms);
        let drain = sqlx::query_file_scalar!("sql/extend.sql", session.0, now, until)
            .fetch_optional(&mut *tx)
            .await
            .map_err(fault)?
            .ok_or_else(|| session_lost(session))?;
        let cancels = sqlx::query_file!("sql/extend_cancels.sql", session.0).fetch_all(&mut *tx).await;
        let cancels = cancels.map_err(fault)?.into_iter().map(|row| {
            let lease = lease(row.job, row.attempt, session.0)?;
            let left = row.cancel_at.map_or(0, |end| (end - now).max(0));
            Ok(Cancelling { lease, grace_ms: number("grace_ms", left)? })
        });
        let cancels = cancels.collect::<Result<_>>()?;
        tx.commit().await.map_err(fault)?;
        Ok(Beat { cancels, drain })
    }

    async fn claim(&self, claim: Claim) -> Result<Vec<ClaimedJob>> {
        let session = claim.session;
        let mut tx = self.db.relaxed().await?;
        let now = now(&mut tx).await?;
        let open = sqlx::query_file_scalar!("sql/session.sql", session.0, now).fetch_optional(&mut *tx).await;
        open.map_err(fault)?.ok_or_else(|| session_lost(session))?;
        let asked = json::ids(claim.jobs.iter().copied());
        let won: Vec<Uuid> = sqlx::query_file_scalar!("sql/claim.sql", session.0, now, asked)
            .fetch_all(&mut *tx)
            .await
            .map_err(fault)?;
        if won.is_empty() {
            return Ok(Vec::new());
        }
        let jobs = claimed(&mut tx, session, won, &claim.jobs).await?;
        tx.commit().await.map_err(fault)?;
        Ok(jobs)
    }

    async fn report(&self, report: Report) -> Result<()> {
        let lease = report.lease;
        // A checkpoint is a promise to the guest; lines and progress are news of what would be lost with it.
        let mut tx = match report.checkpoint {
            Some(_) => self.db.durable().await?,
            None => self.db.relaxed().await?,
        };
        let now = now(&mut tx).await?;
        if !holds(&mut tx, now, lease).await? {
            return Err(lease_lost(lease));
        }
        logs::write(&mut tx, lease, &report.lines).await?;
        if let Some(progress) = report.progress {
            sqlx::query_file!("sql/report_progress.sql", lease.job.0, progress.percent, progress.message)
                .execute(&mut *tx)
                .await
                .map_err(fault)?;
        }
        if let Some(data) = report.checkpoint {
            sqlx::query_file!("sql/report_checkpoint.sql", lease.job.0, data)
                .execute(&mut *tx)
                .await
                .map_err(fault)?;
        }
        tx.commit().await.map_err(fault)
    }

    async fn finish(&self, finish: Finish) -> Result<Vec<Finished>> {
        let mut answers = vec![Finished::Stale; finish.ended.len()];
        let mut tx = self.db.durable().await?;
        let now = now(&mut tx).await?;
        let mut ended = Vec::new();
        let mut settled = Vec::new();
        for (place, cancel_requested) in current(&mut tx, now, &finish.ended).await? {
            let one = &finish.ended[place];
            let end = Settled::reported(one, cancel_requested);
            answers[place] = if end.next == Next::End { Finished::Ended } else { Finished::Again };
            ended.push(one);
            settled.push(end);
        }
        if settled.is_empty() {
            return Ok(answers);
        }
        record(&mut tx, now, &settled).await?;
        files(&mut tx, &ended).await?;
        tx.commit().await.map_err(fault)?;
        Ok(answers)
    }

    async fn holds(&self, lease: Lease) -> Result<bool> {
        let mut reader = self.db.reader().await?;
        let now = now(&mut reader).await?;
        holds(&mut reader, now, lease).await
    }

    async fn close(&self, session: SessionId) -> Result<()> {
        let mut tx = self.db.durable().await?;
        let now = now(&mut tx).await?;
        let closed = sqlx::query_file!("sql/close.sql", session.0, now).execute(&mut *tx).await;
        if closed.map_err(fault)?.rows_affected() == 0 {
            return Ok(());
        }
        let held = held(&mut tx, now, Some(session), i64::MAX).await?;
        let given_back: Vec<Settled<'_>> = held
            .iter()
            .map(|one| {
                let next = if one.cancel_requested { Next::End } else { AT_ONCE };
                Settled::unreported(one.lease, Outcome::Released, next, None)
            })
            .collect();
        record(&mut tx, now, &given_back).await?;
        let cancelled: Vec<JobId> =
            held.iter().filter(|one| one.cancel_requested).map(|one| one.lease.job).collect();
        end_waiting(&mut tx, now, &cancelled, &End::cancelled()).await?;
        tx.commit().await.map_err(fault)
    }

    async fn drain(&self, session: SessionId) -> Result<()> {
        let mut tx = self.db.relaxed().await?;
        let asked = sqlx::query_file!("sql/drain.sql", session.0).execute(&mut *tx).await.map_err(fault)?;
        if asked.rows_affected() == 0 {
            return Err(Error::NotFound { what: format!("open host session {session}") });
        }
        tx.commit().await.map_err(fault)
    }

    async fn hosts(&self) -> Result<Vec<HostSession>> {
        let mut reader = self.db.reader().await?;
        let rows = sqlx::query_file!("sql/hosts.sql").fetch_all(&mut *reader).await.map_err(fault)?;
        rows.into_iter()
            .map(|row| {
                Ok(HostSession {
                    id: SessionId(row.id),
                    name: row.name,
                    address: row.address,
                    version: row.version,
                    slots: number("slots", row.slots)?,
                    running: number("running", row.running)?,
                    draining: row.draining,
                    started_at: instant(row.started_at)?,
                    lease_until: instant(row.lease_until)?,
                })
            })
            .collect()
    }
}
