//! What one attempt may use: defaults, what a version sets, what a job lowers.

use serde::{Deserialize, Serialize};

use crate::error::Invalid;

/// The limits one attempt runs under. Every one is armed before the guest is instantiated.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Budget of instructions (wasmtime's fuel units, about one an instruction); none: unmetered.
    pub fuel: Option<u64>,
    /// Memories and tables of the whole store together, in bytes.
    pub memory_bytes: u64,
    /// Wall-clock deadline of the attempt, in milliseconds.
    pub timeout_ms: u64,
    /// Largest result, in bytes.
    pub output_bytes: u64,
    /// All log text of the attempt together, in bytes; what is over is dropped and marked.
    pub log_bytes: u64,
    /// All output files of the attempt together, in bytes.
    pub file_bytes: u64,
    /// Calls into the host (log, progress, mail, …) together.
    pub host_calls: u64,
    /// Outbound HTTP requests.
    pub http_requests: u64,
    /// Bytes of all HTTP request and response bodies together.
    pub http_bytes: u64,
}

impl Default for Limits {
    /// Suits ordinary work: half a minute of pure computing, as much memory as CPython with a data frame.
    fn default() -> Self {
        Self {
            fuel: Some(50_000_000_000),
            memory_bytes: 128 << 20,
            timeout_ms: 5 * 60 * 1000,
            output_bytes: 1 << 20,
            log_bytes: 1 << 20,
            file_bytes: 16 << 20,
            host_calls: 100_000,
            http_requests: 1_000,
            http_bytes: 64 << 20,
        }
    }
}

/// What an operator lets any version have at the most.
pub const PLATFORM_MAX: Limits = Limits {
    fuel: None,
    memory_bytes: 4 << 30,
    timeout_ms: 24 * 60 * 60 * 1000,
    output_bytes: 8 << 20,
    log_bytes: 16 << 20,
    file_bytes: 64 << 20,
    host_calls: 10_000_000,
    http_requests: 100_000,
    http_bytes: 1 << 30,
};

/// Fuel as it is asked for: a number of units, or none at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FuelChoice {
    /// This many units.
    Units(u64),
    /// The engine without metering.
    Unlimited,
}

/// Limits that somebody set; what is absent stays as it was.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LimitOverrides {
    /// See [`Limits::fuel`].
    pub fuel: Option<FuelChoice>,
    /// See [`Limits::memory_bytes`].
    pub memory_bytes: Option<u64>,
    /// See [`Limits::timeout_ms`].
    pub timeout_ms: Option<u64>,
    /// See [`Limits::output_bytes`].
    pub output_bytes: Option<u64>,
}

impl Limits {
    /// These limits with `overrides` laid over them.
    #[must_use]
    pub fn with(mut self, overrides: &LimitOverrides) -> Self {
        match overrides.fuel {
            Some(FuelChoice::Units(units)) => self.fuel = Some(units),
            Some(FuelChoice::Unlimited) => self.fuel = None,
            None => {}
        }
        self.memory_bytes = overrides.memory_bytes.unwrap_or(self.memory_bytes);
        self.timeout_ms = overrides.timeout_ms.unwrap_or(self.timeout_ms);
        self.output_bytes = overrides.output_bytes.unwrap_or(self.output_bytes);
        self
    }

    /// Refuses limits of nought and such as are over `max`.
    ///
    /// # Errors
    /// Names the first limit that does not fit, the most allowed and the value seen.
    pub fn check(&self, max: &Self) -> Result<(), Invalid> {
        if self.fuel == Some(0) {
            return Err(Invalid::new("fuel", "a limit of 0 lets nothing run"));
        }
        if let (Some(most), fuel) = (max.fuel, self.fuel)
            && fuel.is_none_or(|units| units > most)
        {
            let seen = fuel.map_or("unlimited".to_owned(), |units| units.to_string());
            return Err(Invalid::new("fuel", format!("{seen} is over the platform's {most}")));
        }
        let pairs = [
            ("memory", self.memory_bytes, max.memory_bytes),
            ("timeout", self.timeout_ms, max.timeout_ms),
            ("max-output", self.output_bytes, max.output_bytes),
            ("log-bytes", self.log_bytes, max.log_bytes),
            ("file-bytes", self.file_bytes, max.file_bytes),
            ("host-calls", self.host_calls, max.host_calls),
            ("http-requests", self.http_requests, max.http_requests),
            ("http-bytes", self.http_bytes, max.http_bytes),
        ];
        for (field, seen, most) in pairs {
            if seen == 0 {
                return Err(Invalid::new(field, "a limit of 0 lets nothing run"));
            }
            if seen > most {
                return Err(Invalid::new(field, format!("{seen} is over the platform's {most}")));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_within_the_platform() {
        assert_eq!(Limits::default().check(&PLATFORM_MAX), Ok(()));
    }

    #[test]
    fn a_limit_over_the_platform_is_refused_by_name() {
        let overrides = LimitOverrides { memory_bytes: Some(5 << 30), ..LimitOverrides::default() };

        let refusal = Limits::default().with(&overrides).check(&PLATFORM_MAX).expect_err("5 GiB");

        assert_eq!(refusal.to_string(), "memory: 5368709120 is over the platform's 4294967296");
    }
}
