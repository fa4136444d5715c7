//! What compiling one component may take: in proportion to its size, so that a small one that asks for much is
//! refused early, and up to what the largest in use need.
//!
//! ```text
//!  size      memory    processor   what is known of that size
//!  1.5 kB    384 MiB     4 s       a bomb
//!  150 kB    402 MiB     5 s       Rust            20 MiB   0.3 s
//!  1.65 MB   585 MiB    20 s       QuickJS         95 MiB   3.1 s
//!  12 MB     1.9 GiB   120 s       StarlingMonkey 452 MiB   21 s
//! ```
//! Each is four times and more of what was measured: other compilers and slower machines fit in.

use std::time::Duration;

/// Addresses that any worker needs: its program, stacks and arenas map 220 MiB before it compiles.
const ADDRESS_BYTES_BASE: u64 = 384 << 20;

/// Addresses for each byte of the component. Compilers take 20 to 60 times its size.
const ADDRESS_BYTES_EACH: u64 = 128;

/// Addresses of the largest: five times what StarlingMonkey takes.
const ADDRESS_BYTES_MAX: u64 = 3 << 30;

/// Processor time for any: the smallest take hundredths of a second.
const CPU_SECONDS_BASE: u64 = 4;

/// Bytes of the component that give it one more second. Compilers get through 500 kB in that time, those of debug
/// builds through 300 kB.
const BYTES_PER_CPU_SECOND: u64 = 100_000;

/// Processor time of the largest: StarlingMonkey takes 21 s.
const CPU_SECONDS_MAX: u64 = 120;

/// Wall-clock time for each second of processor time: the worker stands back behind everything else on the machine.
const WALL_SECONDS_EACH: u64 = 2;

/// Compiled code of any: a memory's first contents may be up to 16 MiB of noughts that the component does not hold.
const CODE_BYTES_BASE: u64 = 64 << 20;

/// Compiled code for each byte of the component. It is two to four times as large.
const CODE_BYTES_EACH: u64 = 16;

/// What one worker may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Allowance {
    /// Address space, in bytes; what is resident can only be less.
    pub(crate) address_bytes: u64,
    /// Processor time of all its threads together, in seconds.
    pub(crate) cpu_seconds: u64,
    /// Time by the clock. Its processor time ends a worker that computes before that; this is for one that waits.
    pub(crate) wall: Duration,
    /// The compiled code, in bytes.
    pub(crate) code_bytes: u64,
}

impl Allowance {
    /// For a component of so many bytes.
    pub(crate) fn of(component_bytes: usize) -> Self {
        let size = component_bytes as u64;
        let address_bytes = ADDRESS_BYTES_EACH.saturating_mul(size).saturating_add(ADDRESS_BYTES_BASE);
        let cpu_seconds = (CPU_SECONDS_BASE + size / BYTES_PER_CPU_SECOND).min(CPU_SECONDS_MAX);
        Self {
            address_bytes: address_bytes.min(ADDRESS_BYTES_MAX),
            cpu_seconds,
            wall: Duration::from_secs(1 + WALL_SECONDS_EACH * cpu_seconds),
            code_bytes: CODE_BYTES_EACH.saturating_mul(size).saturating_add(CODE_BYTES_BASE),
        }
    }
}

#[cfg(test)]
mod tests {
    use model::bounds::COMPONENT_BYTES_MAX;

    use super::*;

    #[test]
    fn a_small_component_gets_less_than_512_mib_and_10_seconds() {
        for size in [0, 1_500, 150_000, 1_000_000] {
            assert!(Allowance::of(size).address_bytes <= 512 << 20, "{size}");
        }
        for size in [0, 1_500, 99_999] {
            assert!(Allowance::of(size).wall < Duration::from_secs(10), "{size}");
        }
    }

    /// Size, memory and processor time as they were measured.
    #[test]
    fn what_is_in_use_gets_four_times_of_what_it_needs() {
        let known: [(usize, u64, f64); 5] = [
            (148_000, 28 << 20, 0.25),
            (1_650_000, 95 << 20, 3.1),
            (4_500_000, 125 << 20, 5.4),
            (12_100_000, 452 << 20, 21.0),
            (18_400_000, 403 << 20, 17.0),
        ];

        for (size, memory_bytes, cpu_seconds) in known {
            let allowance = Allowance::of(size);
            assert!(allowance.address_bytes >= 4 * memory_bytes, "{size}: {allowance:?}");
            assert!(Duration::from_secs(allowance.cpu_seconds).as_secs_f64() >= 4.0 * cpu_seconds, "{size}");
        }
    }

    #[test]
    fn nobody_gets_more_than_the_largest() {
        let allowance = Allowance::of(COMPONENT_BYTES_MAX);

        assert_eq!((allowance.address_bytes, allowance.cpu_seconds), (3 << 30, 120));
        assert_eq!(allowance.wall, Duration::from_secs(241));
    }
}
