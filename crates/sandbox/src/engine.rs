//! The engines: one constructor for their configuration, two flavours that differ in metering alone.
//!
//! The compile worker makes its engine by the same function without the pool, so that what it compiles loads
//! here; `precompile_compatibility_hash` covers everything that matters for that and is part of the cache's key.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::num::NonZeroUsize;

use model::limits::Limits;
use wasmtime::{Config, Enabled, Engine, PoolingAllocationConfig};

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
const TABLE_ELEMENTS_MAX: usize = 200_000;

/// Bytes of the engine's record of one core instance. It holds 32 bytes for each function that is in a table.
const INSTANCE_BYTES_MAX: usize = 8 << 20;

/// Bytes of a slot's memory that are zeroed rather than given back to the system: most tasks touch less.
const KEEP_RESIDENT_BYTES: usize = 1 << 20;

/// Frames kept of a trap's backtrace: enough to tell a runaway recursion from a deep call.
pub(crate) const BACKTRACE_FRAMES: usize = 64;

/// Whether the code counts its instructions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Flavour {
    /// With fuel.
    Metered,
    /// With epochs only: a third faster, for tasks without a budget.
    Unmetered,
}

impl Flavour {
    /// What an attempt under `limits` needs.
    pub(crate) fn of(limits: &Limits) -> Self {
        if limits.fuel.is_some() { Self::Metered } else { Self::Unmetered }
    }

    /// The letter for it in file names and on the way to the compile worker.
    pub(crate) fn letter(self) -> char {
        match self {
            Self::Metered => 'm',
            Self::Unmetered => 'u',
        }
    }

    /// The flavour of a letter.
    pub(crate) fn from_letter(letter: u8) -> Option<Self> {
        [Self::Metered, Self::Unmetered].into_iter().find(|flavour| flavour.letter() == char::from(letter))
    }
}

/// Both engines.
pub(crate) struct Engines {
    metered: Engine,
    unmetered: Engine,
}

impl Engines {
    /// Engines that run up to `slots` attempts at once from a pool each; where the addresses for a pool cannot be
    /// had, instances are made on demand.
    pub(crate) fn new(slots: usize) -> anyhow::Result<Self> {
        let slots = u32::try_from(slots).unwrap_or(u32::MAX / 1000).max(1);
        Ok(Self { metered: pooled(Flavour::Metered, slots)?, unmetered: pooled(Flavour::Unmetered, slots)? })
    }

    /// The engine of a flavour.
    pub(crate) fn get(&self, flavour: Flavour) -> &Engine {
        match flavour {
            Flavour::Metered => &self.metered,
            Flavour::Unmetered => &self.unmetered,
        }
    }

    /// Moves the epoch of both on: every guest that computes looks at its stop signal.
    pub(crate) fn tick(&self) {
        self.metered.increment_epoch();
        self.unmetered.increment_epoch();
    }
}

/// What code compiled for `engine` depends on, as a number.
pub(crate) fn fingerprint(engine: &Engine) -> u64 {
    let mut hasher = DefaultHasher::new();
    engine.precompile_compatibility_hash().hash(&mut hasher);
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
        .epoch_interruption(true)
        .consume_fuel(flavour == Flavour::Metered)
        .wasm_backtrace_max_frames(NonZeroUsize::new(BACKTRACE_FRAMES))
        // Backtraces show functions, not offsets; without these two the code is a quarter smaller.
        .generate_address_map(false)
        .native_unwind_info(false);
    config
}

fn pool(instances: u32) -> PoolingAllocationConfig {
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(instances)
        .total_core_instances(instances.saturating_mul(CORE_INSTANCES_MAX))
        .total_memories(instances.saturating_mul(MEMORIES_MAX))
        .total_tables(instances.saturating_mul(TABLES_MAX))
        .total_stacks(instances)
        .max_core_instances_per_component(CORE_INSTANCES_MAX)
        .max_memories_per_component(MEMORIES_MAX)
        .max_memories_per_module(MEMORIES_MAX)
        .max_tables_per_component(TABLES_MAX)
        .max_tables_per_module(TABLES_MAX)
        .table_elements(TABLE_ELEMENTS_MAX)
        .max_core_instance_size(INSTANCE_BYTES_MAX)
        .linear_memory_keep_resident(KEEP_RESIDENT_BYTES)
        .table_keep_resident(KEEP_RESIDENT_BYTES)
        .pagemap_scan(Enabled::Auto);
    pool
}
