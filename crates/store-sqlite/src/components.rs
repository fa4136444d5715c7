//! Code by digest: task versions and the bytes they are made of.

use std::collections::HashMap;

use async_trait::async_trait;
use model::id::{Digest, VersionId};
use model::name::{Namespace, TaskName};
use model::task::{TaskRef, TaskVersion, VersionRef};
use sqlx::SqliteConnection;
use store::record::{corrupt, is_same_manifest, number, task_missing, version_missing, word};
use store::{Components, Error, Publish, PublishTask, Published, Result, TaskInfo};

use crate::SqliteStore;
use crate::error::fault;
use crate::rows::VersionRow;
use crate::time::now;

#[async_trait]
impl Components for SqliteStore {
    async fn publish(&self, publish: Publish) -> Result<Vec<Published>> {
        let mut tx = self.db.durable().await?;
        let now = now(&mut tx).await?;
        let sha256 = &publish.sha256.0[..];
        sqlx::query_file!("sql/publish_component.sql", sha256, publish.bytes, now)
            .execute(&mut *tx)
            .await
            .map_err(fault)?;
        let mut stored = Vec::with_capacity(publish.tasks.len());
        for task in &publish.tasks {
            stored.push(put(&mut tx, now, &publish, task).await?);
        }
        let mut published = Vec::with_capacity(stored.len());
        for (id, unchanged) in stored {
            published.push(Published { version: by_id(&mut tx, id).await?, unchanged });
        }
        tx.commit().await.map_err(fault)?;
        Ok(published)
    }

    async fn component(&self, sha256: Digest) -> Result<Vec<u8>> {
        let mut reader = self.db.reader().await?;
        let bytes = sqlx::query_file_scalar!("sql/component.sql", &sha256.0[..])
            .fetch_optional(&mut *reader)
            .await
            .map_err(fault)?;
        bytes.ok_or_else(|| Error::NotFound { what: format!("component sha256:{sha256}") })
    }

    async fn resolve(&self, namespace: &Namespace, task: &TaskRef) -> Result<TaskVersion> {
        let mut tx = self.db.snapshot().await?;
        resolve(&mut tx, namespace, task).await
    }

    async fn version(&self, id: VersionId) -> Result<TaskVersion> {
        let mut reader = self.db.reader().await?;
        by_id(&mut reader, id).await
    }

    async fn tasks(&self, namespace: &Namespace) -> Result<Vec<TaskInfo>> {
        let mut tx = self.db.snapshot().await?;
        let active = sqlx::query_file_as!(VersionRow, "sql/tasks_active.sql", namespace.as_str())
            .fetch_all(&mut *tx)
            .await
            .map_err(fault)?;
        let mut active: HashMap<TaskName, TaskVersion> = active
            .into_iter()
            .map(|row| row.into_version().map(|version| (version.task.clone(), version)))
            .collect::<Result<_>>()?;
        let tasks = sqlx::query_file!("sql/tasks.sql", namespace.as_str()).fetch_all(&mut *tx).await;
        tasks
            .map_err(fault)?
            .into_iter()
            .map(|row| {
                let task: TaskName = word(&row.task)?;
                Ok(TaskInfo { active: active.remove(&task), latest: number("version", row.latest)?, task })
            })
            .collect()
    }

    async fn versions(&self, namespace: &Namespace, task: &TaskName) -> Result<Vec<TaskVersion>> {
        let mut reader = self.db.reader().await?;
        let rows = sqlx::query_file_as!(VersionRow, "sql/versions.sql", namespace.as_str(), task.as_str())
            .fetch_all(&mut *reader)
            .await
            .map_err(fault)?;
        if rows.is_empty() {
            let task = TaskRef { task: task.clone(), version: VersionRef::Active };
            return Err(task_missing(&task, false));
        }
        rows.into_iter().map(VersionRow::into_version).collect()
    }

    async fn promote(&self, namespace: &Namespace, task: &TaskRef) -> Result<TaskVersion> {
        let mut tx = self.db.durable().await?;
        let version = resolve(&mut tx, namespace, task).await?;
        promote(&mut tx, version.id).await?;
        tx.commit().await.map_err(fault)?;
        Ok(TaskVersion { active: true, ..version })
    }
}

/// Stores a version of one task, unless its newest one is the same; tells the version that stands for it, and
/// whether it was there before.
async fn put(
    connection: &mut SqliteConnection,
    now: i64,
    publish: &Publish,
    task: &PublishTask,
) -> Result<(VersionId, bool)> {
    let sha256 = &publish.sha256.0[..];
    let manifest = serde_json::to_vec(&task.manifest).map_err(corrupt)?;
    let name = task.task.as_str();
    let task_id = sqlx::query_file_scalar!("sql/publish_task.sql", publish.namespace.as_str(), name)
        .fetch_one(&mut *connection)
        .await
        .map_err(fault)?;
    let latest = sqlx::query_file!("sql/publish_latest.sql", task_id).fetch_optional(&mut *connection).await;
    let latest = latest.map_err(fault)?;
    let unchanged = latest
        .as_ref()
        .filter(|latest| latest.sha256 == sha256 && is_same_manifest(&latest.manifest, &task.manifest));
    let (id, unchanged) = match unchanged {
        Some(latest) => (latest.id, true),
        None => {
            let version = latest.as_ref().map_or(0, |latest| latest.version) + 1;
            let size_bytes = publish.bytes.len() as i64;
            let stored = sqlx::query_file_scalar!(
                "sql/publish_version.sql",
                task_id,
                version,
                sha256,
                size_bytes,
                manifest,
                now
            );
            (stored.fetch_one(&mut *connection).await.map_err(fault)?, false)
        }
    };
    let id = VersionId(id);
    if publish.promote {
        promote(connection, id).await?;
    }
    Ok((id, unchanged))
}

async fn promote(connection: &mut SqliteConnection, id: VersionId) -> Result<()> {
    sqlx::query_file!("sql/promote.sql", id.0).execute(connection).await.map_err(fault)?;
    Ok(())
}

async fn by_id(connection: &mut SqliteConnection, id: VersionId) -> Result<TaskVersion> {
    let row = sqlx::query_file_as!(VersionRow, "sql/version.sql", id.0).fetch_optional(connection).await;
    row.map_err(fault)?.ok_or_else(|| version_missing(id))?.into_version()
}

async fn resolve(
    connection: &mut SqliteConnection,
    namespace: &Namespace,
    task: &TaskRef,
) -> Result<TaskVersion> {
    let (version, prefix) = match &task.version {
        VersionRef::Active => (None, None),
        VersionRef::Number(number) => (Some(*number), None),
        VersionRef::Sha256Prefix(prefix) => (None, Some(prefix.as_str())),
    };
    let (space, name) = (namespace.as_str(), task.task.as_str());
    let row = sqlx::query_file_as!(VersionRow, "sql/resolve.sql", space, name, version, prefix)
        .fetch_optional(&mut *connection)
        .await
        .map_err(fault)?;
    if let Some(row) = row {
        return row.into_version();
    }
    let known = sqlx::query_file_scalar!("sql/task_exists.sql", space, name).fetch_optional(connection).await;
    Err(task_missing(task, known.map_err(fault)?.is_some()))
}
