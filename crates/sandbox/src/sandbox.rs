//! The sandbox as the rest of the house sees it.

use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use model::id::Digest;

use crate::capabilities::Capabilities;
use crate::execution::{Execution, Invocation, StopSignal};
use crate::inspection::{Inspection, Refusal};

/// How a sandbox is set up.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where compiled code is kept.
    pub cache_dir: PathBuf,
    /// The program, with its first arguments, that is started as the compile worker
    /// (`jobctl compile-worker`); it must call [`crate::compile_worker`].
    pub compile_command: Vec<String>,
    /// How many attempts may run at once: the size of the instance pool.
    pub slots: usize,
}

/// Where the bytes of components come from.
#[async_trait]
pub trait ComponentSource: Send + Sync {
    /// The bytes of the component named `sha256`; the sandbox checks that they match.
    ///
    /// # Errors
    /// When they cannot be had now.
    async fn fetch(&self, sha256: Digest) -> anyhow::Result<Vec<u8>>;
}

/// Runs attempts.
pub struct Sandbox {}

impl Sandbox {
    /// Sets up engines, cache and the epoch ticker.
    ///
    /// # Errors
    /// When the cache folder cannot be used or the engine cannot be made.
    pub fn new(_config: Config) -> anyhow::Result<Arc<Self>> {
        todo!()
    }

    /// Parses, validates, compiles and describes a component.
    ///
    /// # Errors
    /// Says in one line why it cannot be published.
    pub async fn inspect(&self, _bytes: Vec<u8>) -> Result<Inspection, Refusal> {
        todo!()
    }

    /// Runs one attempt to its end.
    pub async fn run(
        &self,
        _source: &dyn ComponentSource,
        _invocation: Invocation,
        _capabilities: Arc<dyn Capabilities>,
        _stop: StopSignal,
    ) -> Execution {
        todo!()
    }

    /// Makes computing guests look at their stop signals now.
    pub fn wake(&self) {
        todo!()
    }

    /// How many components this sandbox compiled since it began.
    #[must_use]
    pub fn compiled(&self) -> u64 {
        todo!()
    }
}
