//! The limits of an attempt, wherever they may be typed, and the most that an operator lets them be.

use std::time::Duration;

use clap::Args;
use model::error::Invalid;
use model::limits::{FuelChoice, LimitOverrides, Limits};
use model::units::millis;

use super::values;

/// What one attempt may use. What is usual is what a task gets that says nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Args)]
pub(crate) struct LimitFlags {
    /// Budget of instructions, about a unit each; `unlimited` runs unmetered [usual: 50,000,000,000]
    #[arg(long, value_name = "N|unlimited", value_parser = values::fuel, allow_negative_numbers = true)]
    pub(crate) fuel: Option<FuelChoice>,
    /// Memory, all memories and tables together [usual: 128 MiB]
    #[arg(long, value_name = "SIZE", value_parser = values::size)]
    pub(crate) memory: Option<u64>,
    /// Entries of all tables together [usual: 200,000]
    #[arg(long, value_name = "N", value_parser = values::count, allow_negative_numbers = true)]
    pub(crate) table_elements: Option<u64>,
    /// Deadline on the wall clock [usual: 5m]
    #[arg(long, value_name = "DURATION", value_parser = values::duration)]
    pub(crate) timeout: Option<Duration>,
    /// Largest result [usual: 1 MiB]
    #[arg(long, value_name = "SIZE", value_parser = values::size)]
    pub(crate) max_output: Option<u64>,
    /// Log kept; what is over it is dropped and marked [usual: 1 MiB]
    #[arg(long, value_name = "SIZE", value_parser = values::size)]
    pub(crate) max_log: Option<u64>,
    /// All output files together [usual: 16 MiB]
    #[arg(long, value_name = "SIZE", value_parser = values::size)]
    pub(crate) max_files: Option<u64>,
    /// Calls into the host: log, progress, mail, HTTP and the like [usual: 100,000]
    #[arg(long, value_name = "N", value_parser = values::count, allow_negative_numbers = true)]
    pub(crate) host_calls: Option<u64>,
    /// HTTP requests [usual: 1,000]
    #[arg(long, value_name = "N", value_parser = values::count, allow_negative_numbers = true)]
    pub(crate) http_requests: Option<u64>,
    /// Bodies of all HTTP requests and answers together [usual: 64 MiB]
    #[arg(long, value_name = "SIZE", value_parser = values::size)]
    pub(crate) http_bytes: Option<u64>,
}

impl LimitFlags {
    /// The limits as the rest of the house knows them.
    pub(crate) fn overrides(&self) -> LimitOverrides {
        LimitOverrides {
            fuel: self.fuel,
            memory_bytes: self.memory,
            table_elements: self.table_elements,
            timeout_ms: self.timeout.map(millis),
            output_bytes: self.max_output,
            log_bytes: self.max_log,
            file_bytes: self.max_files,
            host_calls: self.host_calls,
            http_requests: self.http_requests,
            http_bytes: self.http_bytes,
        }
    }

    /// The same, when none is nought: what is over a maximum only whoever knows the maximum can tell.
    pub(crate) fn checked(&self) -> Result<LimitOverrides, Invalid> {
        let limits = self.overrides();
        limits.check_nought()?;
        Ok(limits)
    }

    /// These, and of `others` what these do not say.
    pub(crate) fn or(&self, others: &Self) -> Self {
        Self {
            fuel: self.fuel.or(others.fuel),
            memory: self.memory.or(others.memory),
            table_elements: self.table_elements.or(others.table_elements),
            timeout: self.timeout.or(others.timeout),
            max_output: self.max_output.or(others.max_output),
            max_log: self.max_log.or(others.max_log),
            max_files: self.max_files.or(others.max_files),
            host_calls: self.host_calls.or(others.host_calls),
            http_requests: self.http_requests.or(others.http_requests),
            http_bytes: self.http_bytes.or(others.http_bytes),
        }
    }

    /// Sets the limit called `name`; `_` does for `-`.
    ///
    /// # Errors
    /// Names what is wrong, and for an unknown name those that are known.
    pub(crate) fn set(&mut self, name: &str, value: &str) -> Result<(), String> {
        let named = |problem: String| format!("{name}: {problem}");
        let size = || values::size(value).map(Some).map_err(named);
        let count = || values::count(value).map(Some).map_err(named);
        match name.replace('_', "-").as_str() {
            "fuel" => self.fuel = Some(values::fuel(value).map_err(named)?),
            "memory" => self.memory = size()?,
            "table-elements" => self.table_elements = count()?,
            "timeout" => self.timeout = Some(values::duration(value).map_err(named)?),
            "max-output" => self.max_output = size()?,
            "max-log" => self.max_log = size()?,
            "max-files" => self.max_files = size()?,
            "host-calls" => self.host_calls = count()?,
            "http-requests" => self.http_requests = count()?,
            "http-bytes" => self.http_bytes = size()?,
            _ => {
                return Err(format!(
                    "{name:?} is no limit; there are {}",
                    Limits::names().collect::<Vec<_>>().join(", ")
                ));
            }
        }
        Ok(())
    }
}

/// What the operator of a server allows.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct Ceilings {
    /// The most that a task may have of a limit, as in memory=1GiB; may be given several times
    #[arg(
        long = "max-limit",
        value_name = "NAME=VALUE",
        value_delimiter = ',',
        env = "JOBCTL_MAX_LIMITS",
        hide_env_values = true
    )]
    pub(crate) max_limits: Vec<String>,
    /// Compiled code kept on disk; what was not used for longest goes first [default: 4 GiB]
    #[arg(long, value_name = "SIZE", env = "JOBCTL_CACHE_SIZE", hide_env_values = true)]
    pub(crate) cache_size: Option<String>,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;
    use model::units::{show_count, show_duration_ms, show_size};

    use super::*;
    use crate::args::Cli;

    #[test]
    fn every_limit_is_set_by_its_name_and_is_a_flag_of_its_own() {
        for name in Limits::names() {
            let mut limits = LimitFlags::default();
            let value = if name == "timeout" { "7s" } else { "7" };

            limits.set(name, value).expect(name);

            let mut alike = LimitFlags::default();
            alike.set(&name.replace('-', "_"), value).expect(name);
            assert_eq!((&limits, limits.overrides().is_empty()), (&alike, false), "{name}");
            assert_eq!(LimitFlags::default().or(&limits), limits, "{name}");
            assert_eq!(limits.checked(), Ok(limits.overrides()));
            limits.set(name, if name == "timeout" { "0s" } else { "0" }).expect(name);
            assert_eq!(limits.checked().expect_err(name).field, name);
            for path in [&["enqueue"][..], &["task", "publish"], &["task", "check"], &["task", "run"]] {
                let command = Cli::command();
                let command = path.iter().fold(&command, |command, word| {
                    command.find_subcommand(word).unwrap_or_else(|| panic!("{path:?}"))
                });
                assert!(
                    command.get_arguments().any(|flag| flag.get_long() == Some(name)),
                    "{path:?} has no --{name}"
                );
            }
        }
    }

    #[test]
    fn a_limit_that_is_not_known_or_does_not_fit_is_named() {
        let refused = |name, value| LimitFlags::default().set(name, value).expect_err(name);

        assert!(refused("memmory", "1MiB").contains("http-bytes"), "{}", refused("memmory", "1MiB"));
        for (name, value) in [("memory", "big"), ("host-calls", "-1"), ("timeout", "soon"), ("fuel", "much")]
        {
            assert!(
                refused(name, value).starts_with(&format!("{name}: \"{value}\"")),
                "{}",
                refused(name, value)
            );
        }
    }

    #[test]
    fn help_names_the_limits_that_are_usual() {
        let usual = Limits::default();
        let expected = [
            show_count(usual.fuel.expect("metered")),
            show_size(usual.memory_bytes),
            show_count(usual.table_elements),
            show_duration_ms(usual.timeout_ms),
            show_size(usual.output_bytes),
            show_size(usual.log_bytes),
            show_size(usual.file_bytes),
            show_count(usual.host_calls),
            show_count(usual.http_requests),
            show_size(usual.http_bytes),
        ];
        let command = LimitFlags::augment_args(clap::Command::new("x"));

        for (name, usual) in Limits::names().zip(expected) {
            let flag = command.get_arguments().find(|flag| flag.get_long() == Some(name)).expect(name);
            let help = flag.get_help().map(ToString::to_string).unwrap_or_default();
            assert!(help.ends_with(&format!("[usual: {usual}]")), "{help}");
        }
    }
}
