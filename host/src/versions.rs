//! Task versions by id: they never change, so each is asked for once.

use std::sync::Arc;
use std::time::Duration;

use model::id::VersionId;
use model::task::TaskVersion;
use moka::future::Cache;
use service::backoff;
use store::Store;

use crate::patience::patient;

/// Versions kept: a manifest with its schemas has some kilobytes, so this is some tens of megabytes at the most.
const VERSIONS_MAX: u64 = 4_096;

/// The longest wait between two tries.
const RETRY_MAX: Duration = Duration::from_secs(1);

/// Looks versions up.
pub(crate) struct Versions {
    store: Arc<dyn Store>,
    known: Cache<VersionId, Arc<TaskVersion>>,
}

impl Versions {
    /// From this store.
    pub(crate) fn new(store: Arc<dyn Store>) -> Self {
        Self { store, known: Cache::new(VERSIONS_MAX) }
    }

    /// The version. Waits for as long as the store is away: a job is not to fail because Postgres restarts.
    ///
    /// # Errors
    /// When there is no such version, or what is stored of it makes no sense.
    pub(crate) async fn get(&self, id: VersionId) -> Result<Arc<TaskVersion>, Arc<store::Error>> {
        let mut waits = backoff(Duration::from_millis(50), RETRY_MAX);
        loop {
            let found = self
                .known
                .try_get_with(id, async { patient(self.store.version(id)).await.map(Arc::new) })
                .await;
            match found {
                Err(error) if error.is_transient() => {
                    tracing::debug!(%error, "the task version cannot be read; it is tried again");
                    tokio::time::sleep(waits.next().unwrap_or(RETRY_MAX)).await;
                }
                found => return found,
            }
        }
    }
}
