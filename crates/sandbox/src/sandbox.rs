//! The sandbox as the rest of the house sees it.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context;
use model::attempt::Usage;
use model::error::ErrorKind;
use model::units::micros;

use crate::cache::{Key, LoadError, Loader};
use crate::capabilities::Capabilities;
use crate::compile::parent::Compiler;
use crate::engine::{Engines, Flavour};
use crate::execution::{Execution, Invocation, Spent, StopSignal};
use crate::inspect;
use crate::inspection::{Inspection, Refusal};
use crate::run::execute;
use crate::source::ComponentSource;
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
    /// Most bytes of compiled code on disk; [`crate::DISK_BYTES_DEFAULT`] suits.
    pub disk_bytes_max: u64,
    /// Most bytes of compiled code that are kept ready in memory; [`crate::MEMORY_BYTES_DEFAULT`] suits.
    pub memory_bytes_max: u64,
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
    pub fn new(mut config: Config) -> anyhow::Result<Arc<Self>> {
        let engines = Arc::new(Engines::new(config.slots)?);
        let compiler = Compiler::new(std::mem::take(&mut config.compile_command));
        let loader = Loader::new(Arc::clone(&engines), Arc::clone(&compiler), &config)?;
        let ticker = Ticker::start(Arc::clone(&engines)).context("start the epoch ticker")?;
        Ok(Arc::new(Self { engines, compiler, loader, ticker }))
    }

    /// Parses, validates, compiles and describes a component. `flavour` is that of the version that will run: see
    /// [`Flavour::of`].
    ///
    /// # Errors
    /// Says in one line why it cannot be published.
    pub async fn inspect(&self, bytes: Vec<u8>, flavour: Flavour) -> Result<Inspection, Refusal> {
        inspect::inspect(&self.loader, &self.ticker, bytes, flavour).await
    }

    /// Runs one attempt to its end.
    pub async fn run(
        &self,
        source: &dyn ComponentSource,
        invocation: Invocation,
        capabilities: Arc<dyn Capabilities>,
        mut stop: StopSignal,
    ) -> Execution {
        let flavour = Flavour::of(&invocation.limits, invocation.deterministic);
        let key = Key { sha256: invocation.sha256, flavour };
        let began = Instant::now();
        let loaded = tokio::select! {
            biased;
            (reason, since) = stop.wait_before_the_start() => {
                return before_the_start(End::stopped(reason, since), began.elapsed());
            }
            loaded = self.loader.load(key, source) => loaded,
        };
        match loaded {
            Ok((loaded, load)) => {
                execute(&loaded.pre, &self.ticker, invocation, capabilities, stop, load).await
            }
            Err(LoadError::Refused(refusal)) => {
                let message = format!("the component {}", refusal.message);
                before_the_start(End::failed(ErrorKind::InvalidModule, message), began.elapsed())
            }
            Err(LoadError::Altered(message)) => {
                before_the_start(End::failed(ErrorKind::InvalidModule, message), began.elapsed())
            }
            Err(LoadError::Unavailable(message)) => {
                before_the_start(End::failed(ErrorKind::Host, message), began.elapsed())
            }
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

/// The execution of an attempt whose guest never ran, after `waited` for its code.
fn before_the_start(end: End, waited: Duration) -> Execution {
    Execution {
        ending: end.ending,
        result: end.result,
        files: Vec::new(),
        usage: Usage { load_us: micros(waited), ..Usage::default() },
        stop: end.stop,
        spent: Spent::default(),
    }
}
