//! The memory limit of an attempt: one sum over all memories and tables of its store.
//!
//! The engine's own limits count each memory alone, so that a component with many of them has the limit many
//! times over. What was refused is remembered: a guest sees −1 from `memory.grow` and most then abort, and the
//! user should read "memory", not "unreachable".

use wasmtime::{ResourceLimiter, Result};

/// What the engine keeps for one entry of a table.
const TABLE_ENTRY_BYTES: usize = size_of::<usize>();

/// Counts and refuses.
#[derive(Debug)]
pub(crate) struct Limiter {
    limit: u64,
    held: u64,
    peak: u64,
    /// Granted and not yet known to have succeeded.
    pending: u64,
    refused: Option<u64>,
}

impl Limiter {
    /// A limit in bytes.
    pub(crate) fn new(limit: u64) -> Self {
        Self { limit, held: 0, peak: 0, pending: 0, refused: None }
    }

    /// The most that was held at once, in bytes.
    pub(crate) fn peak(&self) -> u64 {
        self.peak
    }

    /// The sum that the guest would have had with what was refused last, in bytes.
    pub(crate) fn refused(&self) -> Option<u64> {
        self.refused
    }

    /// The limit, in bytes.
    pub(crate) fn limit(&self) -> u64 {
        self.limit
    }

    fn grow(&mut self, more: usize) -> bool {
        let wanted = self.held.saturating_add(more as u64);
        if wanted > self.limit {
            self.refused = Some(wanted);
            return false;
        }
        self.pending = more as u64;
        self.held = wanted;
        self.peak = self.peak.max(wanted);
        true
    }

    fn undo(&mut self) {
        self.held -= std::mem::take(&mut self.pending);
    }
}

impl ResourceLimiter for Limiter {
    fn memory_growing(&mut self, current: usize, desired: usize, _maximum: Option<usize>) -> Result<bool> {
        Ok(self.grow(desired.saturating_sub(current)))
    }

    fn memory_grow_failed(&mut self, _error: wasmtime::Error) -> Result<()> {
        self.undo();
        Ok(())
    }

    fn table_growing(&mut self, current: usize, desired: usize, _maximum: Option<usize>) -> Result<bool> {
        Ok(self.grow(desired.saturating_sub(current).saturating_mul(TABLE_ENTRY_BYTES)))
    }

    fn table_grow_failed(&mut self, _error: wasmtime::Error) -> Result<()> {
        self.undo();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: usize = 1 << 20;

    #[test]
    fn many_memories_share_one_limit() {
        let mut limiter = Limiter::new(100 * MIB as u64);

        let first = limiter.memory_growing(0, 64 * MIB, None).expect("no error");
        let second = limiter.memory_growing(0, 64 * MIB, None).expect("no error");

        assert!(first && !second);
        assert_eq!(limiter.refused(), Some(128 * MIB as u64));
        assert_eq!(limiter.peak(), 64 * MIB as u64);
    }

    #[test]
    fn a_growth_that_failed_is_given_back() {
        let mut limiter = Limiter::new(100 * MIB as u64);

        limiter.memory_growing(0, 90 * MIB, None).expect("no error");
        limiter.memory_grow_failed(wasmtime::Error::msg("no addresses left")).expect("no error");

        assert!(limiter.memory_growing(0, 90 * MIB, None).expect("no error"));
    }

    #[test]
    fn a_table_counts_too() {
        let mut limiter = Limiter::new(MIB as u64);

        assert!(!limiter.table_growing(0, MIB, None).expect("no error"));
    }
}
