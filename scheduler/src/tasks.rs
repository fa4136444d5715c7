//! Task references resolved and schemas compiled, kept for as long as that is safe.
//!
//! What a reference points at may change with each publish, so it is kept for a moment only; what a version
//! is never changes, so its compiled schema stays.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use model::id::{JobId, VersionId};
use model::job::{JobOptions, NewJob};
use model::json::Json;
use model::limits::LimitOverrides;
use model::name::Namespace;
use model::retry::MAX_ATTEMPTS_DEFAULT;
use model::task::{TaskRef, TaskVersion};
use moka::future::Cache;
use rpc::{Code, Error};
use store::Store;

use crate::answer::ask;
use crate::limits;
use crate::schema::Schema;

/// How long a replica that missed the signal may enqueue for the version before: shorter than the time in
/// which a person gets from a publish on one replica to an enqueue on another.
const REFERENCE_TTL: Duration = Duration::from_millis(100);

/// References kept at once; each is small.
const REFERENCES_MAX: u64 = 10_000;

/// Compiled schemas kept at once; the largest takes some MiB.
const SCHEMAS_MAX: u64 = 500;

/// A task version, ready to check payloads for.
pub(crate) struct Known {
    /// The version.
    pub(crate) version: TaskVersion,
    schema: Option<Arc<Schema>>,
}

impl Known {
    /// Checks a payload against the task's input schema.
    ///
    /// # Errors
    /// `Invalid`, naming the path of what does not fit.
    pub(crate) fn check(&self, payload: &Json) -> Result<(), Error> {
        let Some(schema) = &self.schema else { return Ok(()) };
        schema.check(payload).map_err(|message| {
            Error::new(Code::Invalid, message)
                .hint(format!("`jobctl task show {}` shows the schema", self.version.task))
        })
    }

    /// Refuses limits of a job that are over the version's.
    ///
    /// # Errors
    /// `Denied`, naming the first that is.
    pub(crate) fn allow(&self, limits: &LimitOverrides) -> Result<(), Error> {
        let version = &self.version;
        limits::allow(limits, &version.manifest.limits, "the version's", |limit| {
            format!("ask for less, or publish {} with more: --{limit}", version.task)
        })
    }

    /// A job of this version. Its limits are held against the version's by [`Self::allow`].
    ///
    /// # Errors
    /// As [`Self::check`].
    pub(crate) fn job(
        &self,
        id: JobId,
        namespace: Namespace,
        payload: Json,
        options: JobOptions,
    ) -> Result<NewJob, Error> {
        self.check(&payload)?;
        let tasks = self.version.manifest.description.max_attempts;
        let max_attempts = options.max_attempts.or(tasks).unwrap_or(MAX_ATTEMPTS_DEFAULT);
        Ok(NewJob { id, namespace, version: self.version.id, payload, max_attempts, options })
    }
}

/// Resolves task references.
pub(crate) struct Tasks {
    store: Arc<dyn Store>,
    /// Raised when something changed: what is asked from then on never meets an answer from before.
    generation: AtomicU64,
    references: Cache<(u64, Namespace, TaskRef), Arc<Known>>,
    schemas: Cache<VersionId, Option<Arc<Schema>>>,
}

impl Tasks {
    pub(crate) fn new(store: Arc<dyn Store>) -> Self {
        let references = Cache::builder().max_capacity(REFERENCES_MAX).time_to_live(REFERENCE_TTL).build();
        let schemas = Cache::builder().max_capacity(SCHEMAS_MAX).build();
        Self { store, generation: AtomicU64::new(0), references, schemas }
    }

    /// What `task` points at now, or did a moment ago.
    ///
    /// # Errors
    /// `NotFound`, and what the store says.
    pub(crate) async fn resolve(&self, namespace: &Namespace, task: &TaskRef) -> Result<Arc<Known>, Error> {
        let key = (self.generation.load(Ordering::Acquire), namespace.clone(), task.clone());
        let look = async {
            let version = ask(self.store.resolve(namespace, task)).await?;
            let schema = self.schema(&version).await?;
            Ok::<_, Error>(Arc::new(Known { version, schema }))
        };
        self.references.try_get_with(key, look).await.map_err(Arc::unwrap_or_clone)
    }

    /// Forgets what references point at.
    pub(crate) fn forget(&self) {
        self.generation.fetch_add(1, Ordering::AcqRel);
    }

    async fn schema(&self, version: &TaskVersion) -> Result<Option<Arc<Schema>>, Error> {
        let Some(schema) = version.manifest.description.input_schema.clone() else { return Ok(None) };
        let compile = async move {
            tokio::task::spawn_blocking(move || Schema::compile(&schema))
                .await
                .unwrap_or_else(|panic| Err(format!("compiling it broke: {panic}")))
                .map(|schema| Some(Arc::new(schema)))
        };
        self.schemas.try_get_with(version.id, compile).await.map_err(|why| {
            let message = format!("the stored input schema of {}@{} {why}", version.task, version.version);
            tracing::error!(task = %version.task, version = version.version, "{message}");
            Error::new(Code::Internal, message)
        })
    }
}
