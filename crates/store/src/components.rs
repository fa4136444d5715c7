//! Code by digest: task versions and the bytes they are made of.

use async_trait::async_trait;
use model::id::{Digest, VersionId};
use model::name::{Namespace, TaskName};
use model::task::{Manifest, TaskRef, TaskVersion};

use crate::Result;

/// A checked component to store, with one version of each of its tasks: all or nothing.
#[derive(Debug, Clone)]
pub struct Publish {
    /// The namespace.
    pub namespace: Namespace,
    /// The component's bytes.
    pub bytes: Vec<u8>,
    /// Their digest.
    pub sha256: Digest,
    /// Its tasks.
    pub tasks: Vec<PublishTask>,
    /// Whether the new versions become the active ones.
    pub promote: bool,
}

/// One task of a component.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublishTask {
    /// The name.
    pub task: TaskName,
    /// All that a host must know to run it.
    pub manifest: Manifest,
}

/// What became of one task, in input order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Published {
    /// The version that stands for it now.
    pub version: TaskVersion,
    /// Whether the newest version had the same bytes and manifest already, so that nothing was stored.
    pub unchanged: bool,
}

/// A task as it is listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaskInfo {
    /// Its name.
    pub task: TaskName,
    /// Its active version; none when none was promoted yet.
    pub active: Option<TaskVersion>,
    /// The number of its newest version.
    pub latest: u32,
}

/// Code by digest.
#[async_trait]
pub trait Components: Send + Sync {
    /// Stores a component and one version of each of its tasks, in one transaction. The same bytes are
    /// stored once, whatever tasks they serve.
    async fn publish(&self, publish: Publish) -> Result<Vec<Published>>;

    /// The bytes of a component.
    ///
    /// # Errors
    /// `NotFound`. That they match the digest is for the reader to check.
    async fn component(&self, sha256: Digest) -> Result<Vec<u8>>;

    /// The version that `task` points at.
    ///
    /// # Errors
    /// `NotFound`, naming the task, and the version when only that is unknown.
    async fn resolve(&self, namespace: &Namespace, task: &TaskRef) -> Result<TaskVersion>;

    /// A version by its id.
    ///
    /// # Errors
    /// `NotFound`.
    async fn version(&self, id: VersionId) -> Result<TaskVersion>;

    /// All tasks of a namespace, by name.
    async fn tasks(&self, namespace: &Namespace) -> Result<Vec<TaskInfo>>;

    /// All versions of a task, newest first.
    ///
    /// # Errors
    /// `NotFound` when there is no such task.
    async fn versions(&self, namespace: &Namespace, task: &TaskName) -> Result<Vec<TaskVersion>>;

    /// Makes the version that `task` points at the active one.
    ///
    /// # Errors
    /// `NotFound`.
    async fn promote(&self, namespace: &Namespace, task: &TaskRef) -> Result<TaskVersion>;
}
