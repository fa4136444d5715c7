//! Code by digest: task versions and the bytes they are made of.

use std::collections::HashMap;

use async_trait::async_trait;
use model::id::{Digest, VersionId};
use model::name::{Namespace, TaskName};
use model::task::{TaskRef, TaskVersion, VersionRef};
use store::record::{VersionRecord, corrupt, is_same_manifest, number, task_missing, version_missing};
use store::{Components, Error, Publish, PublishTask, Published, Result, TaskInfo};

use crate::PostgresStore;
use crate::db::{Db, again};
use crate::error::Told;
use crate::ids::{count, small};
use crate::session::Session;

#[async_trait]
impl Components for PostgresStore {
    async fn publish(&self, publish: Publish) -> Result<Vec<Published>> {
        Ok(again(|| publish_all(&self.db, &publish)).await?)
    }

    async fn component(&self, sha256: Digest) -> Result<Vec<u8>> {
        let found = self.db.maybe(sqlx::query_file_scalar!("sql/component.sql", &sha256.0[..])).await?;
        found.ok_or_else(|| Error::NotFound { what: format!("component sha256:{sha256}") })
    }

    async fn resolve(&self, namespace: &Namespace, task: &TaskRef) -> Result<TaskVersion> {
        Ok(resolve(&mut self.db.session().await?, namespace, task).await?)
    }

    async fn version(&self, id: VersionId) -> Result<TaskVersion> {
        Ok(version(&mut self.db.session().await?, id).await?)
    }

    async fn tasks(&self, namespace: &Namespace) -> Result<Vec<TaskInfo>> {
        let mut session = self.db.session().await?;
        let active = sqlx::query_file_as!(VersionRecord, "sql/tasks_active.sql", namespace.as_str());
        let mut active: HashMap<String, VersionRecord> =
            session.all(active).await?.into_iter().map(|version| (version.task.clone(), version)).collect();
        let rows = session.all(sqlx::query_file!("sql/tasks.sql", namespace.as_str())).await?;
        let tasks = rows.into_iter().map(|row| {
            Ok::<_, Error>(TaskInfo {
                active: active.remove(&row.name).map(VersionRecord::into_version).transpose()?,
                task: store::record::word(&row.name)?,
                latest: number("version", row.latest)?,
            })
        });
        tasks.collect()
    }

    async fn versions(&self, namespace: &Namespace, task: &TaskName) -> Result<Vec<TaskVersion>> {
        let query =
            sqlx::query_file_as!(VersionRecord, "sql/versions.sql", namespace.as_str(), task.as_str());
        let versions = self.db.all(query).await?;
        if versions.is_empty() {
            return Err(task_missing(&TaskRef { task: task.clone(), version: VersionRef::Active }, false));
        }
        versions.into_iter().map(VersionRecord::into_version).collect()
    }

    async fn promote(&self, namespace: &Namespace, task: &TaskRef) -> Result<TaskVersion> {
        let mut session = self.db.session().await?;
        // What it points at never changes, so nothing is held meanwhile.
        let found = resolve(&mut session, namespace, task).await?;
        session.execute(sqlx::query_file!("sql/promote.sql", found.id.0)).await?;
        Ok(version(&mut session, found.id).await?)
    }
}

async fn resolve(session: &mut Session, namespace: &Namespace, task: &TaskRef) -> Told<TaskVersion> {
    let (number, prefix) = match &task.version {
        VersionRef::Active => (None, None),
        VersionRef::Number(number) => (Some(small(*number)), None),
        VersionRef::Sha256Prefix(prefix) => (None, Some(prefix.as_str())),
    };
    let (namespace, name) = (namespace.as_str(), task.task.as_str());
    let query = sqlx::query_file_as!(VersionRecord, "sql/resolve.sql", namespace, name, number, prefix);
    if let Some(found) = session.maybe(query).await? {
        return Ok(found.into_version()?);
    }
    let exists = session.maybe(sqlx::query_file!("sql/task_exists.sql", namespace, name)).await?.is_some();
    Err(task_missing(task, exists).into())
}

async fn version(session: &mut Session, id: VersionId) -> Told<TaskVersion> {
    let query = sqlx::query_file_as!(VersionRecord, "sql/version.sql", id.0);
    let found = session.maybe(query).await?.ok_or_else(|| version_missing(id))?;
    Ok(found.into_version()?)
}

async fn publish_all(db: &Db, publish: &Publish) -> Told<Vec<Published>> {
    let mut tx = db.begin().await?;
    let answer = publish_in(&mut tx, publish).await;
    tx.end(answer).await
}

async fn publish_in(tx: &mut Session, publish: &Publish) -> Told<Vec<Published>> {
    let digest = &publish.sha256.0[..];
    tx.execute(sqlx::query_file!("sql/publish_component.sql", digest, publish.bytes)).await?;
    // By name, so that two publishers do not wait for each other.
    let mut order: Vec<usize> = (0..publish.tasks.len()).collect();
    order.sort_by_key(|n| &publish.tasks[*n].task);
    let mut told = Vec::with_capacity(order.len());
    for n in order {
        told.push((n, publish_task(tx, publish, &publish.tasks[n]).await?));
    }
    told.sort_by_key(|(n, _)| *n);
    Ok(told.into_iter().map(|(_, published)| published).collect())
}

async fn publish_task(tx: &mut Session, publish: &Publish, task: &PublishTask) -> Told<Published> {
    let manifest = serde_json::to_vec(&task.manifest).map_err(corrupt)?;
    let digest = &publish.sha256.0[..];
    let names = (publish.namespace.as_str(), task.task.as_str());
    let task_id = tx.maybe(sqlx::query_file_scalar!("sql/publish_task.sql", names.0, names.1)).await?;
    let task_id = task_id.ok_or_else(|| corrupt(format!("task {:?} was not made", task.task.as_str())))?;
    let latest = tx.maybe(sqlx::query_file!("sql/publish_latest.sql", task_id)).await?;
    let number = latest.as_ref().map_or(0, |latest| latest.version);
    let same =
        latest.filter(|latest| latest.sha256 == digest && is_same_manifest(&latest.manifest, &task.manifest));
    let unchanged = same.is_some();
    let id = match same {
        Some(latest) => latest.id,
        None => {
            let number = store::record::number::<i32>("version", number + 1)?;
            let size = count(publish.bytes.len() as u64);
            let query =
                sqlx::query_file_scalar!("sql/publish_version.sql", task_id, number, digest, size, manifest);
            tx.maybe(query).await?.ok_or_else(|| corrupt("a new version has no id"))?
        }
    };
    if publish.promote {
        tx.execute(sqlx::query_file!("sql/promote.sql", id)).await?;
    }
    Ok(Published { version: version(tx, VersionId(id)).await?, unchanged })
}
