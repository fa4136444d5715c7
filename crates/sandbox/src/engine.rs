//! The engines: one constructor for their configuration, four flavours that differ in metering and in floating point.
//!
//! The compile worker makes its engine by the same function without the pool, so that what it compiles loads
//! here; `precompile_compatibility_hash` covers everything that matters for that and is part of the cache's key.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::num::NonZeroUsize;
use std::sync::{Mutex, OnceLock, PoisonError};

use model::limits::Limits;
use wasmtime::{Config, Enabled, Engine, PoolingAllocationConfig};

use crate::bulk;

/// Instances beyond the slots of the pool: inspections run while every slot is busy.
const SPARE_INSTANCES: u32 = 4;

/// Core instances of one component, the same number that the check before compiling allows.
pub(crate) const CORE_INSTANCES_MAX: u32 = 100;

/// Memories of one component. Languages need one; a composition of some components a few. Each is a
/// reservation of 4 GiB of addresses in the pool.
pub(crate) const MEMORIES_MAX: u32 = 4;

/// Tables of one component: a component made from one module has two.
const TABLES_MAX: u32 = 16;

/// Entries of one table: CPython and StarlingMonkey have 25,000 functions; eight times that.
pub(crate) const TABLE_ELEMENTS_MAX: usize = 200_000;

/// Bytes of the engine's records of all instances of one component, which no memory limit counts. They hold 32 bytes
/// for each function that is in a table or exported: StarlingMonkey has 800 KiB.
const INSTANCE_BYTES_MAX: usize = 2 << 20;

/// Bytes that one memory may keep when its slot is free, zeroed rather than given back to the system, which is
/// slower: most tasks touch less.
const MEMORY_KEPT_BYTES: usize = 1 << 20;

/// Bytes that all memories of a pool keep together: what a host holds does not depend on what its guests once did.
const MEMORIES_KEPT_BYTES: usize = 24 << 20;

/// The same for its tables.
const TABLES_KEPT_BYTES: usize = 4 << 20;

/// The engine's stack of one guest. Rust and C keep most of theirs in memory besides.
pub(crate) const STACK_BYTES_MAX: usize = 512 << 10;

/// Frames kept of a trap's backtrace: enough to tell a runaway recursion from a deep call.
pub(crate) const BACKTRACE_FRAMES: usize = 64;

/// How the code of a version is compiled; part of what compiled code is kept by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Flavour {
    /// Whether it counts its instructions. Without, with epochs only, some code runs a third faster.
    pub metered: bool,
    /// Whether floating point gives the same bits on every processor: NaNs are made canonical after each operation, and
    /// relaxed SIMD does what is prescribed. Some code takes twice as long.
    pub deterministic: bool,
}

impl Flavour {
    /// All of them.
    pub(crate) const ALL: [Self; 4] = [
        Self { metered: true, deterministic: false },
        Self { metered: false, deterministic: false },
        Self { metered: true, deterministic: true },
        Self { metered: false, deterministic: true },
    ];

    /// The letters of [`Self::ALL`].
    const LETTERS: [char; 4] = ['m', 'u', 'd', 'e'];

    /// What an attempt under `limits` needs, of a version that is `deterministic` or not.
    #[must_use]
    pub fn of(limits: &Limits, deterministic: bool) -> Self {
        Self { metered: limits.fuel.is_some(), deterministic }
    }

    /// Its place in [`Self::ALL`].
    pub(crate) fn place(self) -> usize {
        usize::from(!self.metered) + 2 * usize::from(self.deterministic)
    }

    /// The letter for it in file names and on the way to the compile worker.
    pub(crate) fn letter(self) -> char {
        Self::LETTERS[self.place()]
    }

    /// The flavour of a letter.
    pub(crate) fn from_letter(letter: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|flavour| flavour.letter() == char::from(letter))
    }
}

/// One engine for each flavour. The deterministic ones are made when they are first asked for: few use them, and each
/// has a pool of its own.
pub(crate) struct Engines {
    slots: u32,
    made: [OnceLock<Engine>; 4],
    making: Mutex<()>,
}

impl Engines {
    /// Engines that run up to `slots` attempts at once from a pool each; where the addresses for a pool cannot be
    /// had, instances are made on demand.
    pub(crate) fn new(slots: usize) -> anyhow::Result<Self> {
        let slots = u32::try_from(slots).unwrap_or(u32::MAX / 1000).max(1);
        let engines = Self { slots, made: Default::default(), making: Mutex::default() };
        for flavour in Flavour::ALL.into_iter().filter(|flavour| !flavour.deterministic) {
            engines.get(flavour)?;
        }
        Ok(engines)
    }

    /// The engine of a flavour.
    pub(crate) fn get(&self, flavour: Flavour) -> anyhow::Result<Engine> {
        let slot = &self.made[flavour.place()];
        if let Some(engine) = slot.get() {
            return Ok(engine.clone());
        }
        let _one_pool_only = self.making.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(engine) = slot.get() {
            return Ok(engine.clone());
        }
        let engine = pooled(flavour, self.slots)?;
        Ok(slot.get_or_init(|| engine).clone())
    }

    /// Moves the epoch of all on: every guest that computes looks at its stop signal.
    pub(crate) fn tick(&self) {
        for engine in self.made.iter().filter_map(OnceLock::get) {
            engine.increment_epoch();
        }
    }
}

/// What code compiled for `engine` depends on, as a number.
pub(crate) fn fingerprint(engine: &Engine) -> u64 {
    let mut hasher = DefaultHasher::new();
    engine.precompile_compatibility_hash().hash(&mut hasher);
    bulk::REVISION.hash(&mut hasher);
    hasher.finish()
}

/// The engine of the compile worker: it runs nothing, so it needs no pool.
pub(crate) fn compiling(flavour: Flavour) -> anyhow::Result<Engine> {
    Ok(Engine::new(&config(flavour))?)
}

fn pooled(flavour: Flavour, slots: u32) -> anyhow::Result<Engine> {
    let mut config = config(flavour);
    config.allocation_strategy(pool(slots.saturating_add(SPARE_INSTANCES)));
    match Engine::new(&config) {
        Ok(engine) => Ok(engine),
        Err(error) => {
            tracing::warn!(
                slots,
                error = %format!("{error:#}"),
                "no address space for an instance pool: instances are made on demand, which is slower"
            );
            compiling(flavour)
        }
    }
}

fn config(flavour: Flavour) -> Config {
    let mut config = Config::new();
    config
        .wasm_component_model(true)
        // What components hand over lies in memories of 32 bits; `bulk` counts on it.
        .wasm_memory64(false)
        .epoch_interruption(true)
        .consume_fuel(flavour.metered)
        .cranelift_nan_canonicalization(flavour.deterministic)
        .relaxed_simd_deterministic(flavour.deterministic)
        .max_wasm_stack(STACK_BYTES_MAX)
        .wasm_backtrace_max_frames(NonZeroUsize::new(BACKTRACE_FRAMES))
        // Backtraces show functions, not offsets; without these two the code is a quarter smaller.
        .generate_address_map(false)
        .native_unwind_info(false);
    config
}

fn pool(instances: u32) -> PoolingAllocationConfig {
    let (memories, tables) = (instances.saturating_mul(MEMORIES_MAX), instances.saturating_mul(TABLES_MAX));
    let share = |bytes: usize, of: u32| bytes / usize::try_from(of).unwrap_or(usize::MAX).max(1);
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(instances)
        .total_core_instances(instances.saturating_mul(CORE_INSTANCES_MAX))
        .total_memories(memories)
        .total_tables(tables)
        .total_stacks(instances)
        .max_core_instances_per_component(CORE_INSTANCES_MAX)
        .max_memories_per_component(MEMORIES_MAX)
        .max_memories_per_module(MEMORIES_MAX)
        .max_tables_per_component(TABLES_MAX)
        .max_tables_per_module(TABLES_MAX)
        .table_elements(TABLE_ELEMENTS_MAX)
        .max_core_instance_size(INSTANCE_BYTES_MAX)
        .max_component_instance_size(INSTANCE_BYTES_MAX)
        .linear_memory_keep_resident(share(MEMORIES_KEPT_BYTES, memories).min(MEMORY_KEPT_BYTES))
        .table_keep_resident(share(TABLES_KEPT_BYTES, tables))
        .pagemap_scan(Enabled::Auto);
    pool
}
