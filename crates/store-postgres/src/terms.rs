//! Leadership: one row.

use async_trait::async_trait;
use store::{Elect, Leader, Result, Term, Terms};

use crate::PostgresStore;
use crate::db::again;

#[async_trait]
impl Terms for PostgresStore {
    async fn elect(&self, elect: Elect) -> Result<Option<Term>> {
        let elected = again(async || {
            let lease_ms = i64::from(elect.lease_ms);
            let query = sqlx::query_file_scalar!("sql/elect.sql", elect.holder, elect.address, lease_ms);
            self.db.vital().await?.maybe(query).await
        });
        Ok(elected.await?.map(Term))
    }

    async fn renew(&self, elect: Elect, term: Term) -> Result<bool> {
        let renewed = again(async || {
            let lease_ms = i64::from(elect.lease_ms);
            let query = sqlx::query_file!("sql/renew.sql", elect.holder, elect.address, term.0, lease_ms);
            self.db.vital().await?.execute(query).await
        });
        Ok(renewed.await? > 0)
    }

    async fn resign(&self, holder: &str, term: Term) -> Result<()> {
        self.db.vital().await?.execute(sqlx::query_file!("sql/resign.sql", holder, term.0)).await?;
        Ok(())
    }

    async fn leader(&self) -> Result<Option<Leader>> {
        let found = self.db.maybe(sqlx::query_file!("sql/leader.sql")).await?;
        Ok(found.map(|row| Leader {
            holder: row.holder,
            address: row.address,
            term: Term(row.term),
            since: row.since,
        }))
    }

    async fn schedulers(&self, within_ms: u32) -> Result<Vec<(String, String)>> {
        let rows = self.db.all(sqlx::query_file!("sql/schedulers.sql", i64::from(within_ms))).await?;
        Ok(rows.into_iter().map(|row| (row.id, row.address)).collect())
    }
}
