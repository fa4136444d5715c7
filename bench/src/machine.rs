//! Where it was measured: a number without its machine says nothing.

use std::fmt;
use std::fs;

use chrono::SecondsFormat;
use model::clock::{Clock as _, SystemClock};
use serde::Serialize;

/// Other work that takes more than this share of one processor makes times doubtful.
const QUIET_LOAD_MAX: f64 = 0.5;

/// This machine, as it was when the benchmark began.
#[derive(Debug, Clone, Serialize)]
pub struct Machine {
    /// When, RFC 3339 in UTC.
    pub at: String,
    /// The model of its processors.
    pub processor: String,
    /// How many this process may use.
    pub processors: usize,
    /// Memory in MiB.
    pub memory_mib: u64,
    /// The kernel's release.
    pub kernel: String,
    /// Work that waited or ran over the last minute, in processors.
    pub load: f64,
    /// How the benchmark was built: `release` or `dev`.
    pub profile: &'static str,
}

impl Machine {
    /// Looks at it.
    #[must_use]
    pub fn look() -> Self {
        let memory_kib =
            field("/proc/meminfo", "MemTotal").and_then(|text| text.split(' ').next()?.parse().ok());
        let load = read("/proc/loadavg").split(' ').next().and_then(|text| text.parse().ok());
        Self {
            at: SystemClock.now().to_rfc3339_opts(SecondsFormat::Secs, true),
            processor: field("/proc/cpuinfo", "model name").unwrap_or_else(|| "unknown".to_owned()),
            processors: std::thread::available_parallelism().map_or(1, usize::from),
            memory_mib: memory_kib.unwrap_or(0_u64) >> 10,
            kernel: read("/proc/sys/kernel/osrelease").trim().to_owned(),
            load: load.unwrap_or(0.0),
            profile: if cfg!(debug_assertions) { "dev" } else { "release" },
        }
    }

    /// Why its times say little, if they do.
    #[must_use]
    pub fn doubt(&self) -> Option<String> {
        if self.profile != "release" {
            return Some("this is a dev build: its times say nothing about a release".to_owned());
        }
        (self.load > QUIET_LOAD_MAX)
            .then(|| format!("the machine was not quiet: a load of {} before it began", self.load))
    }
}

impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { at, processor, processors, memory_mib, kernel, load, profile } = self;
        write!(
            f,
            "{at}, {processors} × {processor}, {memory_mib} MiB, Linux {kernel}, load {load}, {profile} build"
        )
    }
}

/// The resident memory of a process, in KiB.
#[must_use]
pub fn resident_kib(pid: u32) -> Option<u64> {
    field(&format!("/proc/{pid}/status"), "VmRSS")?.split(' ').next()?.parse().ok()
}

/// The value of the first line `NAME: VALUE`.
fn field(path: &str, name: &str) -> Option<String> {
    let text = read(path);
    let mut fields = text.lines().filter_map(|line| line.split_once(':'));
    fields.find(|(known, _)| known.trim() == name).map(|(_, value)| value.trim().to_owned())
}

/// What a file of the kernel says; nothing where there is none.
fn read(path: &str) -> String {
    fs::read_to_string(path).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_knows_itself() {
        let machine = Machine::look();

        assert!(machine.processors > 0 && machine.memory_mib > 0 && !machine.kernel.is_empty(), "{machine}");
        assert!(resident_kib(std::process::id()).is_some_and(|kib| kib > 0));
        assert!(machine.doubt().is_some_and(|doubt| doubt.contains("dev build")), "tests are");
    }
}
