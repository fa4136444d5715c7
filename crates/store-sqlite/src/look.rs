//! What people ask: the verbs of [`Jobs`] that only look, and the doors to those that change.

use async_trait::async_trait;
use model::id::JobId;
use model::job::{FileInfo, Job, LogLine, OutputFile};
use model::name::Namespace;
use sqlx::SqliteConnection;
use store::record::{FileRecord, job_missing};
use store::{
    Cancel, Cancelled, Count, Error, JobFilter, JobPage, Jobs, Result, Retried, Retry, StateOf, Submit,
    Submitted,
};
use uuid::Uuid;

use crate::error::fault;
use crate::rows::AttemptRow;
use crate::standing::{jobs, standings};
use crate::{SqliteStore, control, find, json, logs, submit};

#[async_trait]
impl Jobs for SqliteStore {
    async fn submit(&self, submit: Submit) -> Result<Vec<Submitted>> {
        submit::submit(&self.db, submit).await
    }

    async fn job(&self, namespace: &Namespace, id: JobId) -> Result<Job> {
        let mut tx = self.db.snapshot().await?;
        let found = jobs(&mut tx, &[id]).await?.pop().filter(|job| job.queue.namespace == *namespace);
        let mut job = found.ok_or_else(|| job_missing(id))?;
        job.attempts = sqlx::query_file_as!(AttemptRow, "sql/job_attempts.sql", id.0)
            .fetch_all(&mut *tx)
            .await
            .map_err(fault)?
            .into_iter()
            .map(AttemptRow::into_attempt)
            .collect::<Result<_>>()?;
        job.files = files(&mut tx, id).await?;
        Ok(job)
    }

    async fn jobs_with_prefix(&self, namespace: &Namespace, prefix: &str, limit: u32) -> Result<Vec<JobId>> {
        let Some((first, last)) = json::ids_with_prefix(prefix) else { return Ok(Vec::new()) };
        let mut tx = self.db.page().await?;
        let ids =
            sqlx::query_file_scalar!("sql/jobs_with_prefix.sql", namespace.as_str(), first, last, limit)
                .fetch_all(&mut *tx)
                .await
                .map_err(fault)?;
        Ok(ids.into_iter().map(JobId).collect())
    }

    async fn jobs(&self, filter: JobFilter) -> Result<JobPage> {
        find::page(&self.db, filter).await
    }

    async fn states(&self, ids: &[JobId]) -> Result<Vec<StateOf>> {
        let mut reader = self.db.reader().await?;
        let found = standings(&mut reader, ids).await?;
        Ok(found.into_iter().map(StateOf::from).collect())
    }

    async fn cancel(&self, cancel: Cancel) -> Result<Vec<Cancelled>> {
        control::cancel(&self.db, &cancel).await
    }

    async fn count(&self, filter: JobFilter) -> Result<Count> {
        find::count(&self.db, &filter).await
    }

    async fn retry(&self, retry: Retry) -> Result<Vec<Retried>> {
        control::retry(&self.db, &retry).await
    }

    async fn logs(&self, id: JobId, after: i64, limit: u32) -> Result<(Vec<(u32, LogLine)>, i64)> {
        logs::read(&self.db, id, after, limit).await
    }

    async fn files(&self, id: JobId) -> Result<Vec<FileInfo>> {
        let mut reader = self.db.reader().await?;
        files(&mut reader, id).await
    }

    async fn file(&self, id: JobId, name: &str) -> Result<OutputFile> {
        let mut reader = self.db.reader().await?;
        let file = sqlx::query_file_as!(OutputFile, "sql/file.sql", id.0, name)
            .fetch_optional(&mut *reader)
            .await
            .map_err(fault)?;
        file.ok_or_else(|| Error::NotFound { what: format!("file {name:?} of job {id}") })
    }
}

async fn files(connection: &mut SqliteConnection, id: JobId) -> Result<Vec<FileInfo>> {
    let rows =
        sqlx::query_file_as!(FileRecord, "sql/files.sql", id.0).fetch_all(connection).await.map_err(fault)?;
    rows.into_iter().map(FileRecord::into_info).collect()
}
