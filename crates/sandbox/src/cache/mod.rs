//! From a component's digest to something that can be instantiated at once.
//!
//! ```text
//! memory (pre-instantiated, by weight) → disk (checksummed) → source (by digest) → compile worker
//! ```
//! One load for many waiters at every step. A disk that is full, unwritable or corrupt costs time, never a job.

mod disk;
mod eviction;
mod load;
mod secret;

use std::sync::Arc;
use std::time::Duration;

use model::attempt::CodeOrigin;
use model::id::Digest;

use crate::bindings::FullPre;
use crate::engine::Flavour;
use crate::inspection::Refusal;
use crate::state::State;

pub(crate) use load::Loader;

/// Compiled code on disk: a hundred Python or JavaScript components.
pub const DISK_BYTES_DEFAULT: u64 = 4 << 30;

/// Compiled code that is kept ready in memory: a dozen Python or JavaScript components, or a thousand in Rust.
pub const MEMORY_BYTES_DEFAULT: u64 = 512 << 20;

/// What compiled code is kept by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Key {
    /// The component.
    pub(crate) sha256: Digest,
    /// How it is compiled.
    pub(crate) flavour: Flavour,
}

/// A component that is ready to be instantiated.
#[derive(Clone)]
pub(crate) struct Loaded {
    /// Imports linked, exports looked up.
    pub(crate) pre: Arc<FullPre<State>>,
    /// The size of its code, in bytes.
    pub(crate) code_bytes: u32,
    /// Where its code came from before it was in memory.
    pub(crate) origin: CodeOrigin,
    /// How long the compiler took then, in milliseconds; 0 when it did not run.
    pub(crate) compile_ms: u64,
}

/// How a component was had.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Load {
    /// Where its code came from.
    pub(crate) origin: CodeOrigin,
    /// How long whoever asked waited for it.
    pub(crate) took: Duration,
    /// How long the compiler took, in milliseconds; 0 when it did not run. Whoever waited for a compilation that was
    /// under way is told the whole of it.
    pub(crate) compile_ms: u64,
}

/// Why a component cannot be had.
#[derive(Debug, Clone)]
pub(crate) enum LoadError {
    /// It is at fault itself.
    Refused(Refusal),
    /// Its bytes are not those of its digest.
    Altered(String),
    /// The machine or the store is; another try may help.
    Unavailable(String),
}
