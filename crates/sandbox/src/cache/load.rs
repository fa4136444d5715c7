//! The road from a digest to a pre-instantiated component.

use std::sync::{Arc, OnceLock};
use std::time::Instant;

use model::attempt::CodeOrigin;
use model::id::Digest;
use model::units::millis;
use moka::future::Cache;
use moka::policy::EvictionPolicy;
use wasmtime::Engine;
use wasmtime::component::{Component, Linker};

use super::disk::{Disk, Verified};
use super::{Key, Load, LoadError, Loaded};
use crate::bindings::FullPre;
use crate::compile::parent::{Compiler, Keep};
use crate::compile::verdict::CompileError;
use crate::compile::{one_line, precheck};
use crate::engine::{Engines, Flavour};
use crate::imports;
use crate::inspection::{Refusal, RefusalKind};
use crate::sandbox::Config;
use crate::source::ComponentSource;
use crate::state::State;

/// Loads components.
pub(crate) struct Loader {
    engines: Arc<Engines>,
    makers: [OnceLock<Arc<Maker>>; 4],
    compiler: Arc<Compiler>,
    disk: Arc<Disk>,
    memory: Cache<Key, Loaded>,
}

/// Makes components of one flavour from code.
struct Maker {
    engine: Engine,
    linker: Linker<State>,
}

impl Loader {
    /// A loader for `engines` that keeps code in the configured folder.
    pub(crate) fn new(
        engines: Arc<Engines>,
        compiler: Arc<Compiler>,
        config: &Config,
    ) -> anyhow::Result<Self> {
        let disk = Arc::new(Disk::open(&config.cache_dir, config.disk_bytes_max));
        let memory = Cache::builder()
            .max_capacity(config.memory_bytes_max)
            // The default prefers what is used often over what was used last, and would refuse a new version a place.
            .eviction_policy(EvictionPolicy::lru())
            .weigher(|_: &Key, loaded: &Loaded| loaded.code_bytes.max(1))
            .build();
        let makers = <[OnceLock<Arc<Maker>>; 4]>::default();
        for flavour in Flavour::ALL.into_iter().filter(|flavour| !flavour.deterministic) {
            let maker = Arc::new(Maker::new(&engines, flavour)?);
            makers[flavour.place()].get_or_init(|| maker);
        }
        Ok(Self { engines, makers, compiler, disk, memory })
    }

    /// The component of `key`, and how it was had.
    pub(crate) async fn load(
        &self,
        key: Key,
        source: &dyn ComponentSource,
    ) -> Result<(Loaded, Load), LoadError> {
        let began = Instant::now();
        if let Some(loaded) = self.memory.get(&key).await {
            return Ok((loaded, Load { origin: CodeOrigin::Memory, took: began.elapsed(), compile_ms: 0 }));
        }
        let loading = async {
            match self.kept(key).await? {
                Some(loaded) => Ok(loaded),
                None => self.compiled(key, source).await,
            }
        };
        let loaded = self.memory.try_get_with(key, Box::pin(loading)).await;
        let loaded = loaded.map_err(|error: Arc<LoadError>| LoadError::clone(&error))?;
        // Evicts at once what is over the bound, which may be what has just come: it runs all the same.
        self.memory.run_pending_tasks().await;
        let Loaded { origin, compile_ms, .. } = loaded;
        Ok((loaded, Load { origin, took: began.elapsed(), compile_ms }))
    }

    /// The maker of a flavour; those of deterministic ones are made when they are first asked for.
    fn maker(&self, flavour: Flavour) -> Result<Arc<Maker>, LoadError> {
        let slot = &self.makers[flavour.place()];
        if let Some(maker) = slot.get() {
            return Ok(Arc::clone(maker));
        }
        let made = Maker::new(&self.engines, flavour)
            .map_err(|error| LoadError::Unavailable(format!("no engine can be made: {error:#}")))?;
        Ok(Arc::clone(slot.get_or_init(|| Arc::new(made))))
    }

    async fn kept(&self, key: Key) -> Result<Option<Loaded>, LoadError> {
        let (maker, disk) = (self.maker(key.flavour)?, Arc::clone(&self.disk));
        let reading = tokio::task::spawn_blocking(move || {
            let code = disk.read(key, &maker.engine)?;
            match maker.make(&code, CodeOrigin::Disk, 0) {
                Ok(loaded) => Some(loaded),
                Err(refusal) => {
                    disk.discard(key, &maker.engine, &refusal.message);
                    None
                }
            }
        });
        Ok(reading.await.ok().flatten())
    }

    async fn compiled(&self, key: Key, source: &dyn ComponentSource) -> Result<Loaded, LoadError> {
        let bytes = source.fetch(key.sha256).await.map_err(|error| {
            LoadError::Unavailable(format!("the component {} could not be fetched: {error:#}", key.sha256))
        })?;
        let bytes = blocking(move || checked(key.sha256, bytes)).await?;
        let maker = self.maker(key.flavour)?;
        let (disk, engine) = (Arc::clone(&self.disk), maker.engine.clone());
        let keep: Keep = Box::new(move |code| disk.write(key, &engine, &Verified::fresh(code)));
        let code = self.compiler.compile(key, bytes, keep).await.map_err(|error| match error {
            CompileError::Refused(refusal) => LoadError::Refused(refusal),
            CompileError::Unavailable(text) => LoadError::Unavailable(text),
        })?;
        let took_ms = millis(code.took).max(1);
        let make = move || maker.make(&Verified::fresh(&code), CodeOrigin::Compiled, took_ms);
        blocking(move || make().map_err(LoadError::Refused)).await
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, LoadError> + Send + 'static,
) -> Result<T, LoadError> {
    let ended = |error| LoadError::Unavailable(format!("loading broke off: {error}"));
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|error| Err(ended(error)))
}

fn checked(sha256: Digest, bytes: Vec<u8>) -> Result<Vec<u8>, LoadError> {
    let seen = Digest::of(&bytes);
    if seen != sha256 {
        // Once for all that wait for it. Somebody has changed the store behind our back.
        tracing::error!(expected = %sha256, %seen, "a stored component has been altered: it is not run");
        return Err(LoadError::Altered(format!(
            "the stored component {sha256} has been altered: its bytes have the digest {seen}"
        )));
    }
    precheck::check(&bytes).map_err(LoadError::Refused)?;
    Ok(bytes)
}

impl Maker {
    fn new(engines: &Engines, flavour: Flavour) -> anyhow::Result<Self> {
        let engine = engines.get(flavour)?;
        let mut linker = Linker::new(&engine);
        imports::link(&mut linker)?;
        Ok(Self { engine, linker })
    }

    fn make(&self, code: &Verified, origin: CodeOrigin, compile_ms: u64) -> Result<Loaded, Refusal> {
        let component =
            deserialize(&self.engine, code).map_err(|error| refusal("cannot be loaded", &error))?;
        let instance =
            self.linker.instantiate_pre(&component).map_err(|error| refusal("cannot be linked", &error))?;
        let pre = FullPre::new(instance).map_err(|error| refusal("is not a task", &error))?;
        let code_bytes = u32::try_from(code.bytes().len()).unwrap_or(u32::MAX);
        Ok(Loaded { pre: Arc::new(pre), code_bytes, origin, compile_ms })
    }
}

fn refusal(what: &str, error: &wasmtime::Error) -> Refusal {
    Refusal {
        kind: RefusalKind::Malformed,
        message: format!("{what}: {}", one_line(&format!("{error:#}"))),
        hint: None,
    }
}

#[expect(unsafe_code, reason = "the one place where compiled code is loaded")]
fn deserialize(engine: &Engine, code: &Verified) -> wasmtime::Result<Component> {
    // SAFETY: the bytes must be what `Engine::precompile_component` made and nobody has altered since. A
    // `Verified` is made in two ways only: from the standard output of the compile worker that we started for a
    // component that passed the checks, or from a file whose HMAC-SHA256 under this folder's secret key was
    // found right over the very bytes passed here, which are in our own memory and no longer in a file that
    // somebody could change in between. That HMAC also covers digest, flavour and the engine's fingerprint.
    unsafe { Component::deserialize(engine, code.bytes()) }
}
