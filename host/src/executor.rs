//! What runs an attempt: the sandbox, or a script in tests.

use std::sync::Arc;

use async_trait::async_trait;
use model::id::Digest;
use sandbox::{Capabilities, ComponentSource, Execution, Invocation, Sandbox, StopSignal};
use store::Store;

/// What runs an attempt.
#[async_trait]
pub trait Executor: Send + Sync {
    /// Runs one attempt to its end, or until `stop` asks. Whatever happens is an outcome, never an error.
    async fn execute(
        &self,
        invocation: Invocation,
        capabilities: Arc<dyn Capabilities>,
        stop: StopSignal,
    ) -> Execution;

    /// Makes attempts that compute look at their stop signals now.
    fn wake(&self);

    /// How many components it compiled since it began.
    fn compiled(&self) -> u64;
}

/// The sandbox, with components from the store.
pub(crate) struct SandboxExecutor {
    sandbox: Arc<Sandbox>,
    source: StoreSource,
}

impl SandboxExecutor {
    /// Over this sandbox and this store.
    pub(crate) fn new(sandbox: Arc<Sandbox>, store: Arc<dyn Store>) -> Self {
        Self { sandbox, source: StoreSource(store) }
    }
}

#[async_trait]
impl Executor for SandboxExecutor {
    async fn execute(
        &self,
        invocation: Invocation,
        capabilities: Arc<dyn Capabilities>,
        stop: StopSignal,
    ) -> Execution {
        self.sandbox.run(&self.source, invocation, capabilities, stop).await
    }

    fn wake(&self) {
        self.sandbox.wake();
    }

    fn compiled(&self) -> u64 {
        self.sandbox.compiled()
    }
}

struct StoreSource(Arc<dyn Store>);

#[async_trait]
impl ComponentSource for StoreSource {
    async fn fetch(&self, sha256: Digest) -> anyhow::Result<Vec<u8>> {
        Ok(self.0.component(sha256).await?)
    }
}
