//! Task references resolved and schemas compiled, kept for as long as that is safe.
//!
//! What a reference points at may change with each publish, so it is kept for a moment only; what a version
//! is never changes, so its compiled schema stays.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use jsonschema::Validator;
use model::bounds::SCHEMA_BYTES_MAX;
use model::error::storable_text;
use model::id::VersionId;
use model::json::Json;
use model::name::Namespace;
use model::task::{TaskRef, TaskVersion};
use moka::future::Cache;
use rpc::{Code, Error};
use serde_json::Value;
use store::Store;

use crate::answer::ask;

/// How long a replica that missed the signal may enqueue for the version before: shorter than the time in
/// which a person gets from a publish on one replica to an enqueue on another.
const REFERENCE_TTL: Duration = Duration::from_millis(100);

/// References kept at once; each is small.
const REFERENCES_MAX: u64 = 10_000;

/// Compiled schemas kept at once; the largest takes some MiB.
const VALIDATORS_MAX: u64 = 500;

/// How many violations an error names.
const VIOLATIONS_MAX: usize = 5;

/// Longest text of one violation in an error; it may quote the payload.
const VIOLATION_BYTES_MAX: usize = 300;

/// A task version, ready to check payloads for.
pub(crate) struct Known {
    /// The version.
    pub(crate) version: TaskVersion,
    validator: Option<Arc<Validator>>,
}

impl Known {
    /// Checks a payload against the task's input schema.
    ///
    /// # Errors
    /// `Invalid`, naming the path of what does not fit.
    pub(crate) fn check(&self, payload: &Json) -> Result<(), Error> {
        let Some(validator) = &self.validator else { return Ok(()) };
        let hint = || format!("`jobctl task show {}` shows the schema", self.version.task);
        let value: Value = serde_json::from_slice(payload.as_bytes()).map_err(|error| {
            Error::new(Code::Invalid, format!("payload: cannot be checked against the schema: {error}"))
                .hint(hint())
        })?;
        let mut violations = validator.iter_errors(&value);
        let named: Vec<String> = violations
            .by_ref()
            .take(VIOLATIONS_MAX)
            .map(|violation| {
                let path = violation.instance_path().as_str();
                let at = if path.is_empty() { "payload".to_owned() } else { format!("payload at {path}") };
                format!("{at}: {}", storable_text(&violation.to_string(), VIOLATION_BYTES_MAX))
            })
            .collect();
        if named.is_empty() {
            return Ok(());
        }
        let more = if violations.next().is_some() { "; and more" } else { "" };
        Err(Error::new(Code::Invalid, format!("{}{more}", named.join("; "))).hint(hint()))
    }
}

/// Resolves task references.
pub(crate) struct Tasks {
    store: Arc<dyn Store>,
    /// Raised when something changed: what is asked from then on never meets an answer from before.
    generation: AtomicU64,
    references: Cache<(u64, Namespace, TaskRef), Arc<Known>>,
    validators: Cache<VersionId, Option<Arc<Validator>>>,
}

impl Tasks {
    pub(crate) fn new(store: Arc<dyn Store>) -> Self {
        let references = Cache::builder().max_capacity(REFERENCES_MAX).time_to_live(REFERENCE_TTL).build();
        let validators = Cache::builder().max_capacity(VALIDATORS_MAX).build();
        Self { store, generation: AtomicU64::new(0), references, validators }
    }

    /// What `task` points at now, or did a moment ago.
    ///
    /// # Errors
    /// `NotFound`, and what the store says.
    pub(crate) async fn resolve(&self, namespace: &Namespace, task: &TaskRef) -> Result<Arc<Known>, Error> {
        let key = (self.generation.load(Ordering::Acquire), namespace.clone(), task.clone());
        let look = async {
            let version = ask(self.store.resolve(namespace, task)).await?;
            let validator = self.validator(&version).await?;
            Ok::<_, Error>(Arc::new(Known { version, validator }))
        };
        self.references.try_get_with(key, look).await.map_err(Arc::unwrap_or_clone)
    }

    /// Forgets what references point at.
    pub(crate) fn forget(&self) {
        self.generation.fetch_add(1, Ordering::AcqRel);
    }

    async fn validator(&self, version: &TaskVersion) -> Result<Option<Arc<Validator>>, Error> {
        let Some(schema) = version.manifest.description.input_schema.clone() else { return Ok(None) };
        let compile = async move {
            tokio::task::spawn_blocking(move || compile(&schema))
                .await
                .unwrap_or_else(|panic| Err(format!("compiling it broke: {panic}")))
                .map(|validator| Some(Arc::new(validator)))
        };
        self.validators.try_get_with(version.id, compile).await.map_err(|why| {
            let message = format!("the stored input schema of {}@{} {why}", version.task, version.version);
            tracing::error!(task = %version.task, version = version.version, "{message}");
            Error::new(Code::Internal, message)
        })
    }
}

/// Compiles a schema; it refers to nothing outside itself.
///
/// # Errors
/// Says what is wrong with it.
pub(crate) fn compile(schema: &str) -> Result<Validator, String> {
    if schema.len() > SCHEMA_BYTES_MAX {
        return Err(format!("has {} bytes; allowed are {SCHEMA_BYTES_MAX}", schema.len()));
    }
    let value: Value = serde_json::from_str(schema).map_err(|error| format!("is not JSON: {error}"))?;
    jsonschema::meta::validate(&value).map_err(|error| format!("is not a JSON Schema: {error}"))?;
    jsonschema::validator_for(&value).map_err(|error| format!("cannot be used: {error}"))
}
