//! The clock by which the host judges its own lease: monotonic, and it goes on while the machine sleeps.
//! (`Instant` stands still then, and a host that woke up would trust in a lease that ran out hours ago.)

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// Time since the machine started.
pub(crate) fn uptime() -> Duration {
    #[cfg(target_os = "linux")]
    let clock = ClockId::Boottime;
    #[cfg(not(target_os = "linux"))]
    let clock = ClockId::Monotonic;
    let at = clock_gettime(clock);
    Duration::new(at.tv_sec.unsigned_abs(), u32::try_from(at.tv_nsec).unwrap_or(0))
}
