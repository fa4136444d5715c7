//! What a host does: open a session, claim, report, finish, and stay alive.

use async_trait::async_trait;
use model::bounds::TEXT_BYTES_MAX;
use model::error::storable_text;
use model::id::{JobId, Lease, SessionId, VersionId};
use model::json::Json;
use store::record::{corrupt, lease_lost, limits, number, queue, session_lost};
use store::{
    Attempts, Beat, Cancelling, Claim, ClaimedJob, Error, Extend, Finish, Finished, HostSession, OpenSession,
    Report, Result,
};

use crate::db::{Db, again};
use crate::error::Told;
use crate::ids::{small, uuids};
use crate::session::Session;
use crate::settle::{self, GiveBack, give_back};
use crate::{PostgresStore, logs};

#[async_trait]
impl Attempts for PostgresStore {
    async fn open(&self, open: OpenSession) -> Result<SessionId> {
        let query = sqlx::query_file_scalar!(
            "sql/open.sql",
            open.name,
            open.address,
            open.version,
            small(open.slots),
            i64::from(open.lease_ms)
        );
        let id = self.db.maybe(query).await?;
        Ok(SessionId(id.ok_or_else(|| corrupt("a new session has no id"))?))
    }

    async fn extend(&self, extend: Extend) -> Result<Beat> {
        let Extend { session, lease_ms } = extend;
        let alive = again(async || {
            let query = sqlx::query_file_scalar!("sql/extend.sql", session.0, i64::from(lease_ms));
            self.db.vital().await?.maybe(query).await
        });
        let drain = alive.await?.ok_or_else(|| session_lost(session))?;
        Ok(Beat { cancels: cancels(&self.db, session).await?, drain })
    }

    async fn claim(&self, claim: Claim) -> Result<Vec<ClaimedJob>> {
        Ok(again(|| claim_jobs(&self.db, &claim)).await?)
    }

    async fn report(&self, report: Report) -> Result<()> {
        Ok(again(|| write_report(&self.db, &report)).await?)
    }

    async fn finish(&self, finish: Finish) -> Result<Vec<Finished>> {
        Ok(again(|| settle::finish(&self.db, &finish.ended)).await?)
    }

    async fn holds(&self, lease: Lease) -> Result<bool> {
        let (job, attempt, session) = (lease.job.0, small(lease.attempt), lease.session.0);
        let query = sqlx::query_file!("sql/holds.sql", job, attempt, session);
        Ok(self.db.maybe(query).await?.is_some())
    }

    async fn close(&self, session: SessionId) -> Result<()> {
        Ok(again(|| close(&self.db, session)).await?)
    }

    async fn drain(&self, session: SessionId) -> Result<()> {
        let asked = self.db.execute(sqlx::query_file!("sql/drain.sql", session.0)).await?;
        if asked == 0 {
            return Err(Error::NotFound { what: format!("open host session {session}") });
        }
        Ok(())
    }

    async fn hosts(&self) -> Result<Vec<HostSession>> {
        let rows = self.db.all(sqlx::query_file!("sql/hosts.sql")).await?;
        let hosts = rows.into_iter().map(|row| {
            Ok::<_, Error>(HostSession {
                id: SessionId(row.id),
                name: row.name,
                address: row.address,
                version: row.version,
                slots: number("slots", row.slots)?,
                running: number("running", row.running)?,
                draining: row.draining,
                started_at: row.started_at,
                lease_until: row.lease_until,
            })
        });
        hosts.collect()
    }
}

async fn claim_jobs(db: &Db, claim: &Claim) -> Told<Vec<ClaimedJob>> {
    let session = claim.session;
    let rows = db.all(sqlx::query_file!("sql/claim.sql", session.0, &uuids(&claim.jobs))).await?;
    if rows.is_empty() {
        return Err(session_lost(session).into());
    }
    let mut claimed = Vec::with_capacity(rows.len());
    for row in rows {
        let Some(job) = row.job.map(JobId) else { continue };
        let missing = |what: &str| corrupt(format!("job {job} has no {what}"));
        let attempt = number("attempt", row.attempt.ok_or_else(|| missing("attempt"))?)?;
        let namespace = row.namespace.ok_or_else(|| missing("namespace"))?;
        let name = row.queue.ok_or_else(|| missing("queue"))?;
        claimed.push(ClaimedJob {
            lease: Lease { job, attempt, session },
            version: VersionId(row.version.ok_or_else(|| missing("version"))?),
            queue: queue(&namespace, &name)?,
            payload: Json::trusted(row.payload.ok_or_else(|| missing("payload"))?),
            failures: number("failures", row.failures.ok_or_else(|| missing("failures"))?)?,
            max_attempts: number("max_attempts", row.max_attempts.ok_or_else(|| missing("max_attempts"))?)?,
            limits: limits(row.timeout_ms, row.limits.as_deref())?,
            checkpoint: row.checkpoint,
        });
    }
    Ok(claimed)
}

/// What is to be cancelled under the session. Somebody may have locked the queue: the sign of life was given all the
/// same, and the next one tells.
async fn cancels(db: &Db, session: SessionId) -> Result<Vec<Cancelling>> {
    let told = async { db.vital().await?.all(sqlx::query_file!("sql/cancelling.sql", session.0)).await };
    let rows = match told.await.map_err(Error::from) {
        Ok(rows) => rows,
        Err(error) if error.is_transient() => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    rows.into_iter().map(|row| cancelling(JobId(row.job), row.attempt, session, row.grace_ms)).collect()
}

fn cancelling(job: JobId, attempt: i64, session: SessionId, grace_ms: i64) -> Result<Cancelling> {
    let lease = Lease { job, attempt: number("attempt", attempt)?, session };
    Ok(Cancelling { lease, grace_ms: number("grace_ms", grace_ms)? })
}

async fn write_report(db: &Db, report: &Report) -> Told<()> {
    let lease = report.lease;
    let query = sqlx::query_file!(
        "sql/report.sql",
        lease.job.0,
        small(lease.attempt),
        lease.session.0,
        &logs::chunks(&report.lines)?,
        report.progress.as_ref().map(|progress| i16::from(progress.percent)),
        report.progress.as_ref().map(|progress| storable_text(&progress.message, TEXT_BYTES_MAX)),
        report.checkpoint.as_deref()
    );
    db.maybe(query).await?.map(|_| ()).ok_or_else(|| lease_lost(lease).into())
}

async fn close(db: &Db, session: SessionId) -> Told<()> {
    let mut tx = db.begin().await?;
    let answer = close_in(&mut tx, session).await;
    tx.end(answer).await
}

async fn close_in(tx: &mut Session, session: SessionId) -> Told<()> {
    if tx.maybe(sqlx::query_file!("sql/close_hold.sql", session.0)).await?.is_none() {
        return Ok(());
    }
    tx.execute(sqlx::query_file!("sql/close.sql", session.0)).await?;
    give_back(tx, GiveBack::Released, &[session.0], None).await?;
    Ok(())
}
