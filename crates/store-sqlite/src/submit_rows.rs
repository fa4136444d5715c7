//! The rows of a submit, and how they are written.

use std::collections::HashMap;

use model::id::Digest;
use model::job::{NewJob, Start};
use model::name::{QueueKey, TaskName};
use serde::Serialize;
use sqlx::SqliteConnection;
use store::Result;
use store::record::{corrupt, limit_columns};

use crate::error::fault;
use crate::json::{self, hex};
use crate::time::after;

/// A job's idempotency key.
pub(crate) struct KeyOf<'a> {
    pub(crate) namespace: &'a str,
    pub(crate) task_id: i64,
    pub(crate) task: &'a TaskName,
    pub(crate) key: &'a str,
    pub(crate) content: Digest,
}

impl<'a> KeyOf<'a> {
    /// What no other key may be.
    pub(crate) fn name(&self) -> (&'a str, i64, &'a str) {
        (self.namespace, self.task_id, self.key)
    }
}

/// The queue that a job waits in.
pub(crate) fn queue_of(job: &NewJob) -> QueueKey {
    QueueKey { namespace: job.namespace.clone(), queue: job.options.queue.clone() }
}

/// A row of `jobs`.
#[derive(Serialize)]
pub(crate) struct Row<'a> {
    id: String,
    version: i64,
    queue_id: i64,
    priority: u8,
    max_attempts: u32,
    timeout_ms: Option<i64>,
    limits: Option<String>,
    key: Option<&'a str>,
    tags: Option<String>,
    parent: Option<String>,
    run_at: i64,
    #[serde(skip)]
    payload: &'a [u8],
    #[serde(skip)]
    expires_at: Option<i64>,
}

/// A row of `job_queue`.
#[derive(Serialize)]
struct QueueRow {
    id: String,
    queue_id: i64,
    priority: u8,
    run_at: i64,
    expires_at: Option<i64>,
}

impl<'a> Row<'a> {
    pub(crate) fn of(
        job: &'a NewJob,
        now: i64,
        queues: &HashMap<QueueKey, i64>,
        parent: Option<String>,
    ) -> Result<Self> {
        let options = &job.options;
        let queue = queue_of(job);
        let tags = if options.tags.is_empty() {
            None
        } else {
            Some(serde_json::to_string(&options.tags).map_err(corrupt)?)
        };
        let (timeout_ms, limits) = limit_columns(&options.limits);
        Ok(Self {
            id: hex(job.id),
            version: job.version.0,
            queue_id: *queues.get(&queue).ok_or_else(|| corrupt(format!("queue {queue} was not made")))?,
            priority: options.priority.get(),
            max_attempts: job.max_attempts,
            timeout_ms,
            limits,
            key: options.key.as_ref().map(|key| key.text.as_str()),
            tags,
            parent,
            run_at: run_at(job, now),
            payload: job.payload.as_bytes(),
            expires_at: options.expires_in.map(|wait| after(now, wait)),
        })
    }
}

/// When a job that is stored now may start.
pub(crate) fn run_at(job: &NewJob, now: i64) -> i64 {
    match job.options.start {
        Start::Now => now,
        Start::After(wait) => after(now, wait),
        Start::At(at) => at.timestamp_millis().max(now),
    }
}

pub(crate) async fn store<'a>(
    connection: &mut SqliteConnection,
    now: i64,
    rows: impl Iterator<Item = Result<Row<'a>>>,
) -> Result<()> {
    let rows: Vec<Row<'_>> = rows.collect::<Result<_>>()?;
    for part in json::packed(rows.iter().map(|row| (row, Some(row.payload)))) {
        sqlx::query_file!("sql/submit_jobs.sql", part.rows, now, part.values)
            .execute(&mut *connection)
            .await
            .map_err(fault)?;
    }
    let rows: Vec<QueueRow> = rows
        .into_iter()
        .map(|Row { id, queue_id, priority, run_at, expires_at, .. }| QueueRow {
            id,
            queue_id,
            priority,
            run_at,
            expires_at,
        })
        .collect();
    for list in json::lists(&rows) {
        sqlx::query_file!("sql/submit_job_queue.sql", list).execute(&mut *connection).await.map_err(fault)?;
    }
    Ok(())
}

pub(crate) async fn store_keys<'a>(
    connection: &mut SqliteConnection,
    now: i64,
    keys: impl Iterator<Item = (&'a KeyOf<'a>, &'a NewJob)>,
) -> Result<()> {
    #[derive(Serialize)]
    struct KeyRow<'a> {
        namespace: &'a str,
        task_id: i64,
        key: &'a str,
        job: String,
        content: String,
        expires_at: Option<i64>,
    }
    let rows: Vec<KeyRow<'_>> = keys
        .map(|(key, job)| KeyRow {
            namespace: key.namespace,
            task_id: key.task_id,
            key: key.key,
            job: hex(job.id),
            content: key.content.to_string(),
            expires_at: job.options.key.as_ref().and_then(|key| key.ttl).map(|ttl| after(now, ttl)),
        })
        .collect();
    for list in json::lists(&rows) {
        sqlx::query_file!("sql/submit_job_keys.sql", list).execute(&mut *connection).await.map_err(fault)?;
    }
    Ok(())
}
