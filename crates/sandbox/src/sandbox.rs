//! The sandbox as the rest of the house sees it.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context;
use async_trait::async_trait;
use model::attempt::Usage;
use model::error::ErrorKind;
use model::id::Digest;

use crate::cache::{Key, LoadError, Loader};
use crate::capabilities::Capabilities;
use crate::compile::parent::Compiler;
use crate::engine::{Engines, Flavour};
use crate::execution::{Execution, Invocation, StopSignal};
use crate::inspect;
use crate::inspection::{Inspection, Refusal};
use crate::run::execute;
use crate::ticker::Ticker;
use crate::traps::End;

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
pub struct Sandbox {
    engines: Arc<Engines>,
    compiler: Arc<Compiler>,
    loader: Loader,
    ticker: Ticker,
}

impl Sandbox {
    /// Sets up engines, cache and the epoch ticker. A cache folder that cannot be used is reported and done
    /// without: it costs time, not jobs.
    ///
    /// # Errors
    /// When the engines cannot be made.
    pub fn new(config: Config) -> anyhow::Result<Arc<Self>> {
        let engines = Arc::new(Engines::new(config.slots)?);
        let compiler = Compiler::new(config.compile_command);
        let loader = Loader::new(&engines, Arc::clone(&compiler), &config.cache_dir)?;
        let ticker = Ticker::start(Arc::clone(&engines)).context("start the epoch ticker")?;
        Ok(Arc::new(Self { engines, compiler, loader, ticker }))
    }

    /// Parses, validates, compiles and describes a component.
    ///
    /// # Errors
    /// Says in one line why it cannot be published.
    pub async fn inspect(&self, bytes: Vec<u8>) -> Result<Inspection, Refusal> {
        inspect::inspect(&self.loader, &self.ticker, bytes).await
    }

    /// Runs one attempt to its end.
    pub async fn run(
        &self,
        source: &dyn ComponentSource,
        invocation: Invocation,
        capabilities: Arc<dyn Capabilities>,
        mut stop: StopSignal,
    ) -> Execution {
        let key = Key { sha256: invocation.sha256, flavour: Flavour::of(&invocation.limits) };
        let loaded = tokio::select! {
            biased;
            (reason, since) = stop.wait() => {
                return before_the_start(End::stopped(reason, since.elapsed(), &invocation.limits));
            }
            loaded = self.loader.load(key, source) => loaded,
        };
        match loaded {
            Ok((loaded, _)) => execute(&loaded.pre, &self.ticker, invocation, capabilities, stop).await,
            Err(LoadError::Refused(refusal)) => {
                let message = format!("the component {}", refusal.message);
                before_the_start(End::failed(ErrorKind::InvalidModule, message))
            }
            Err(LoadError::Altered(message)) => {
                tracing::error!(sha256 = %key.sha256, "{message}");
                before_the_start(End::failed(ErrorKind::InvalidModule, message))
            }
            Err(LoadError::Unavailable(message)) => before_the_start(End::failed(ErrorKind::Host, message)),
        }
    }

    /// Makes computing guests look at their stop signals now.
    pub fn wake(&self) {
        self.engines.tick();
    }

    /// How many components this sandbox compiled since it began.
    #[must_use]
    pub fn compiled(&self) -> u64 {
        self.compiler.compiled()
    }
}

/// The execution of an attempt whose guest never ran.
fn before_the_start(end: End) -> Execution {
    Execution {
        ending: end.ending,
        result: end.result,
        files: Vec::new(),
        usage: Usage::default(),
        stop: end.stop,
    }
}
