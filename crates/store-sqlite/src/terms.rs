//! Leadership: one row, one upsert.

use async_trait::async_trait;
use sqlx::SqliteConnection;
use store::{Elect, Leader, Result, Term, Terms};

use crate::SqliteStore;
use crate::error::fault;
use crate::time::{instant, now};

/// How long a replica that fell silent is kept on the list, in milliseconds: a day. Ids are new at every start,
/// so that the list would grow for ever.
const SILENT_KEPT_MS: i64 = 24 * 3600 * 1000;

#[async_trait]
impl Terms for SqliteStore {
    async fn elect(&self, elect: Elect) -> Result<Option<Term>> {
        let mut tx = self.db.relaxed().await?;
        let now = now(&mut tx).await?;
        sign_in(&mut tx, now, &elect).await?;
        sqlx::query_file!("sql/sign_in_forget.sql", now - SILENT_KEPT_MS)
            .execute(&mut *tx)
            .await
            .map_err(fault)?;
        let until = now + i64::from(elect.lease_ms);
        let term = sqlx::query_file_scalar!("sql/elect.sql", elect.holder, elect.address, now, until)
            .fetch_optional(&mut *tx)
            .await
            .map_err(fault)?;
        tx.commit().await.map_err(fault)?;
        Ok(term.map(Term))
    }

    async fn renew(&self, elect: Elect, term: Term) -> Result<bool> {
        let mut tx = self.db.relaxed().await?;
        let now = now(&mut tx).await?;
        sign_in(&mut tx, now, &elect).await?;
        let until = now + i64::from(elect.lease_ms);
        let renewed = sqlx::query_file!("sql/renew.sql", elect.holder, term.0, now, until, elect.address)
            .execute(&mut *tx)
            .await
            .map_err(fault)?;
        tx.commit().await.map_err(fault)?;
        Ok(renewed.rows_affected() > 0)
    }

    async fn resign(&self, holder: &str, term: Term) -> Result<()> {
        let mut tx = self.db.relaxed().await?;
        let now = now(&mut tx).await?;
        sqlx::query_file!("sql/resign.sql", holder, term.0, now).execute(&mut *tx).await.map_err(fault)?;
        tx.commit().await.map_err(fault)
    }

    async fn leader(&self) -> Result<Option<Leader>> {
        let mut reader = self.db.reader().await?;
        let now = now(&mut reader).await?;
        let row =
            sqlx::query_file!("sql/leader.sql", now).fetch_optional(&mut *reader).await.map_err(fault)?;
        let Some(row) = row else { return Ok(None) };
        let since = instant(row.since)?;
        Ok(Some(Leader { holder: row.holder, address: row.address, term: Term(row.term), since }))
    }

    async fn schedulers(&self, within_ms: u32) -> Result<Vec<(String, String)>> {
        let mut reader = self.db.reader().await?;
        let since = now(&mut reader).await? - i64::from(within_ms);
        let rows = sqlx::query_file!("sql/schedulers.sql", since).fetch_all(&mut *reader).await;
        Ok(rows.map_err(fault)?.into_iter().map(|row| (row.id, row.address)).collect())
    }
}

async fn sign_in(connection: &mut SqliteConnection, now: i64, elect: &Elect) -> Result<()> {
    sqlx::query_file!("sql/sign_in.sql", elect.holder, elect.address, now)
        .execute(connection)
        .await
        .map_err(fault)?;
    Ok(())
}
