//! What people ask: the verbs of [`Jobs`] that only look, and the doors to those that change.

use async_trait::async_trait;
use model::id::JobId;
use model::job::{FileInfo, Job, LogLine, OutputFile};
use model::name::Namespace;
use store::record::{AttemptRecord, FileRecord, JobRecord, job_missing};
use store::{
    Cancel, Cancelled, Count, Error, JobFilter, JobPage, Jobs, Result, Retried, Retry, StateOf, Submit,
    Submitted,
};

use crate::db::again;
use crate::ids::ids_with_prefix;
use crate::session::Session;
use crate::standing::standings;
use crate::{PostgresStore, control, find, logs, submit};

#[async_trait]
impl Jobs for PostgresStore {
    async fn submit(&self, submit: Submit) -> Result<Vec<Submitted>> {
        Ok(again(|| submit::submit(&self.db, &self.known, &submit)).await?)
    }

    async fn job(&self, namespace: &Namespace, id: JobId) -> Result<Job> {
        let mut session = self.db.session().await?;
        let query = sqlx::query_file_as!(JobRecord, "sql/job.sql", id.0, namespace.as_str());
        let found = session.all(query).await?.pop().ok_or_else(|| job_missing(id))?;
        let mut job = found.into_job()?;
        let attempts = sqlx::query_file_as!(AttemptRecord, "sql/job_attempts.sql", id.0);
        let attempts = session.all(attempts).await?;
        job.attempts = attempts.into_iter().map(AttemptRecord::into_attempt).collect::<Result<_>>()?;
        job.files = files(&mut session, id).await?;
        Ok(job)
    }

    async fn jobs_with_prefix(&self, namespace: &Namespace, prefix: &str, limit: u32) -> Result<Vec<JobId>> {
        let Some((first, last)) = ids_with_prefix(prefix) else { return Ok(Vec::new()) };
        let query = sqlx::query_file_scalar!(
            "sql/jobs_with_prefix.sql",
            namespace.as_str(),
            first,
            last,
            i64::from(limit)
        );
        Ok(self.db.all(query).await?.into_iter().map(JobId).collect())
    }

    async fn jobs(&self, filter: JobFilter) -> Result<JobPage> {
        find::page(&self.db, &filter).await
    }

    async fn states(&self, ids: &[JobId]) -> Result<Vec<StateOf>> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let found = standings(&mut self.db.session().await?, ids).await?;
        Ok(found.into_iter().map(StateOf::from).collect())
    }

    async fn cancel(&self, cancel: Cancel) -> Result<Vec<Cancelled>> {
        Ok(again(|| control::cancel(&self.db, &cancel)).await?)
    }

    async fn count(&self, filter: JobFilter) -> Result<Count> {
        find::count(&self.db, &filter).await
    }

    async fn retry(&self, retry: Retry) -> Result<Vec<Retried>> {
        Ok(again(|| control::retry(&self.db, &retry)).await?)
    }

    async fn logs(&self, id: JobId, after: i64, limit: u32) -> Result<(Vec<(u32, LogLine)>, i64)> {
        logs::read(&self.db, id, after, limit).await
    }

    async fn files(&self, id: JobId) -> Result<Vec<FileInfo>> {
        files(&mut self.db.session().await?, id).await
    }

    async fn file(&self, id: JobId, name: &str) -> Result<OutputFile> {
        let query = sqlx::query_file_as!(OutputFile, "sql/file.sql", id.0, name);
        let found = self.db.maybe(query).await?;
        found.ok_or_else(|| Error::NotFound { what: format!("file {name:?} of job {id}") })
    }
}

async fn files(session: &mut Session, id: JobId) -> Result<Vec<FileInfo>> {
    let query = sqlx::query_file_as!(FileRecord, "sql/files.sql", id.0);
    session.all(query).await?.into_iter().map(FileRecord::into_info).collect()
}
