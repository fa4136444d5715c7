//! The limits on what an attempt holds: one sum over all memories and tables of its store, and one over the entries of
//! all tables.
//!
//! The engine's own limits count each memory alone, so that a component with many of them has the limit many
//! times over. What was refused is remembered: a guest sees −1 from `memory.grow` and most then abort, and the
//! user should read "memory", not "unreachable".
//!
//! Nothing that was granted is ever taken off again. The engine reports a growth that failed, but it also reports some
//! that it never asked for (a 64-bit table that grows beyond all numbers), and whoever took the last grant off for
//! those would let a guest have any limit many times over. What fails after it was granted is counted to an attempt
//! that is about to end anyway; what a guest's own maximum forbids is refused here, without a word.

use model::error::ErrorKind;
use model::limits::Limits;
use wasmtime::{ResourceLimiter, Result};

use crate::engine::TABLE_ELEMENTS_MAX;
use crate::measure::sizes;

/// What the engine keeps for one entry of a table.
const TABLE_ENTRY_BYTES: u64 = size_of::<usize>() as u64;

/// Counts and refuses.
#[derive(Debug)]
pub(crate) struct Limiter {
    bytes: Sum,
    elements: Sum,
    refused: Option<Refused>,
}

/// A limit and what is held of it.
#[derive(Debug)]
struct Sum {
    limit: u64,
    held: u64,
}

/// A growth that was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refused {
    /// All memories and tables would have had so many bytes.
    Memory { asked: u64, limit: u64 },
    /// All tables would have had so many entries.
    Tables { asked: u64, limit: u64 },
    /// One table would have had so many.
    Table { asked: u64, limit: u64 },
}

impl Refused {
    /// The kind of error it is.
    pub(crate) fn kind(self) -> ErrorKind {
        match self {
            Self::Memory { .. } => ErrorKind::Memory,
            Self::Tables { .. } | Self::Table { .. } => ErrorKind::Table,
        }
    }

    /// In words.
    pub(crate) fn message(self) -> String {
        match self {
            Self::Memory { asked, limit } => format!("asked for {}", sizes(asked, limit)),
            Self::Tables { asked, limit } => format!("asked for {asked} elements, limit {limit} elements"),
            Self::Table { asked, limit } => {
                format!("asked for {asked} elements in one table, limit {limit} elements")
            }
        }
    }
}

impl Sum {
    /// What would be held with `more`; `Err` when that is over the limit.
    fn with(&self, more: u64) -> Result<u64, u64> {
        let wanted = self.held.saturating_add(more);
        if wanted > self.limit { Err(wanted) } else { Ok(wanted) }
    }
}

impl Limiter {
    /// The limits of an attempt.
    pub(crate) fn new(limits: &Limits) -> Self {
        Self {
            bytes: Sum { limit: limits.memory_bytes, held: 0 },
            elements: Sum { limit: limits.table_elements, held: 0 },
            refused: None,
        }
    }

    /// The most bytes that were held at once: memories and tables only grow.
    pub(crate) fn peak_bytes(&self) -> u64 {
        self.bytes.held
    }

    /// The most entries that all tables had at once.
    pub(crate) fn peak_elements(&self) -> u64 {
        self.elements.held
    }

    /// What was refused last, unless a later growth went well: then the guest found its way.
    pub(crate) fn refused(&self) -> Option<Refused> {
        self.refused
    }

    fn grow(&mut self, bytes: u64, elements: u64) -> Result<(), Refused> {
        let elements = self
            .elements
            .with(elements)
            .map_err(|asked| Refused::Tables { asked, limit: self.elements.limit })?;
        let bytes =
            self.bytes.with(bytes).map_err(|asked| Refused::Memory { asked, limit: self.bytes.limit })?;
        (self.bytes.held, self.elements.held) = (bytes, elements);
        Ok(())
    }

    fn remember(&mut self, grown: Result<(), Refused>) -> bool {
        self.refused = grown.err();
        self.refused.is_none()
    }
}

impl ResourceLimiter for Limiter {
    fn memory_growing(&mut self, current: usize, desired: usize, maximum: Option<usize>) -> Result<bool> {
        if maximum.is_some_and(|most| desired > most) {
            return Ok(false);
        }
        let grown = self.grow(desired.saturating_sub(current) as u64, 0);
        Ok(self.remember(grown))
    }

    fn table_growing(&mut self, current: usize, desired: usize, maximum: Option<usize>) -> Result<bool> {
        // The engine's maximum is the table's own or the pool's, whichever is less.
        if maximum.is_some_and(|most| desired > most && most < TABLE_ELEMENTS_MAX) {
            return Ok(false);
        }
        let elements = desired.saturating_sub(current) as u64;
        let grown = if desired > TABLE_ELEMENTS_MAX && self.elements.with(elements).is_ok() {
            Err(Refused::Table { asked: desired as u64, limit: TABLE_ELEMENTS_MAX as u64 })
        } else {
            self.grow(elements.saturating_mul(TABLE_ENTRY_BYTES), elements)
        };
        Ok(self.remember(grown))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: usize = 1 << 20;

    fn limiter(memory_bytes: usize, table_elements: u64) -> Limiter {
        Limiter::new(&Limits { memory_bytes: memory_bytes as u64, table_elements, ..Limits::default() })
    }

    fn said(limiter: &Limiter) -> Option<String> {
        limiter.refused().map(|refused| format!("{}: {}", refused.kind(), refused.message()))
    }

    #[test]
    fn many_memories_share_one_limit() {
        let mut limiter = limiter(100 * MIB, 10);

        let first = limiter.memory_growing(0, 64 * MIB, None).expect("no error");
        let second = limiter.memory_growing(0, 67 * MIB, None).expect("no error");

        assert!(first && !second);
        assert_eq!(said(&limiter).as_deref(), Some("memory: asked for 131 MiB, limit 100 MiB"));
        assert_eq!(limiter.peak_bytes(), 64 * MIB as u64);
    }

    #[test]
    fn a_report_of_failure_takes_nothing_off() {
        let mut limiter = limiter(100 * MIB, 10);

        limiter.memory_growing(0, 90 * MIB, None).expect("no error");
        limiter.table_grow_failed(wasmtime::Error::msg("beyond all numbers")).expect("no error");

        assert!(!limiter.memory_growing(90 * MIB, 180 * MIB, None).expect("no error"));
    }

    #[test]
    fn what_the_guest_forbids_itself_is_no_limit_of_ours() {
        let mut limiter = limiter(100 * MIB, 10);

        let memory = limiter.memory_growing(0, 2 * MIB, Some(MIB)).expect("no error");
        let table = limiter.table_growing(0, 1_000_000, Some(5)).expect("no error");

        assert!(!memory && !table);
        assert_eq!((said(&limiter), limiter.peak_bytes()), (None, 0));
    }

    #[test]
    fn a_refusal_that_the_guest_got_over_is_forgotten() {
        let mut limiter = limiter(10 * MIB, 10);

        assert!(!limiter.memory_growing(0, 20 * MIB, None).expect("no error"));
        assert!(limiter.memory_growing(0, 5 * MIB, None).expect("no error"));

        assert_eq!(limiter.refused(), None);
    }

    #[test]
    fn tables_share_one_limit_and_count_as_memory_too() {
        let mut limiter = limiter(MIB, 200_000);

        assert!(limiter.table_growing(0, 100_000, None).expect("no error"));
        assert!(!limiter.table_growing(0, 150_000, None).expect("no error"));
        assert_eq!(
            said(&limiter).as_deref(),
            Some("table: asked for 250000 elements, limit 200000 elements")
        );

        assert!(!limiter.table_growing(0, 50_000, None).expect("no error"));
        assert_eq!(said(&limiter).as_deref(), Some("memory: asked for 1.1 MiB, limit 1 MiB"));
        assert_eq!(limiter.peak_elements(), 100_000);
    }

    #[test]
    fn one_table_has_a_limit_of_its_own() {
        let mut limiter = limiter(100 * MIB, 3_200_000);

        assert!(!limiter.table_growing(0, 300_000, Some(200_000)).expect("no error"));

        let expected = "table: asked for 300000 elements in one table, limit 200000 elements";
        assert_eq!(said(&limiter).as_deref(), Some(expected));
    }
}
