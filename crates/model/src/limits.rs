//! What one attempt may use: defaults, what a version sets, what a job lowers, what an operator allows.

use serde::{Deserialize, Serialize};

use crate::error::Invalid;
use crate::units::{show_count, show_duration_ms, show_size};

/// The limits one attempt runs under. Every one is armed before the guest is instantiated.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Limits {
    /// Budget of instructions (wasmtime's fuel units, about one an instruction); none: unmetered.
    pub fuel: Option<u64>,
    /// Memories and tables of the whole store together, in bytes.
    pub memory_bytes: u64,
    /// Entries of all tables of the store together.
    pub table_elements: u64,
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
            table_elements: 200_000,
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

/// The most that any version may have unless the operator allows less. An operator cannot allow more: the
/// engine's pool, the store and the wire are built for these.
pub const PLATFORM_MAX: Limits = Limits {
    fuel: None,
    memory_bytes: 4 << 30,
    table_elements: 3_200_000,
    timeout_ms: 24 * 60 * 60 * 1000,
    output_bytes: 8 << 20,
    log_bytes: 16 << 20,
    file_bytes: 64 << 20,
    host_calls: 10_000_000,
    http_requests: 100_000,
    http_bytes: 1 << 30,
};

/// Fuel as it is asked for: a number of units, or none at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FuelChoice {
    /// This many units.
    Units(u64),
    /// The engine without metering.
    Unlimited,
}

/// Limits that somebody set; what is absent stays as it was.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LimitOverrides {
    /// See [`Limits::fuel`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fuel: Option<FuelChoice>,
    /// See [`Limits::memory_bytes`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory_bytes: Option<u64>,
    /// See [`Limits::table_elements`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub table_elements: Option<u64>,
    /// See [`Limits::timeout_ms`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout_ms: Option<u64>,
    /// See [`Limits::output_bytes`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output_bytes: Option<u64>,
    /// See [`Limits::log_bytes`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub log_bytes: Option<u64>,
    /// See [`Limits::file_bytes`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file_bytes: Option<u64>,
    /// See [`Limits::host_calls`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub host_calls: Option<u64>,
    /// See [`Limits::http_requests`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub http_requests: Option<u64>,
    /// See [`Limits::http_bytes`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub http_bytes: Option<u64>,
}

/// How the amount of a limit is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Unit {
    Count,
    Bytes,
    Millis,
}

impl Unit {
    fn show(self, amount: u64) -> String {
        match self {
            Self::Count => amount.to_string(),
            Self::Bytes => show_size(amount),
            Self::Millis => show_duration_ms(amount),
        }
    }

    /// The same for a table, where large counts are read more than copied.
    fn read(self, amount: u64) -> String {
        if self == Self::Count { show_count(amount) } else { self.show(amount) }
    }
}

/// A limit other than fuel: its name as users write it (`--memory`), its unit, and where it stands.
struct Field {
    name: &'static str,
    unit: Unit,
    of: fn(&mut Limits) -> &mut u64,
    asked: fn(&mut LimitOverrides) -> &mut Option<u64>,
}

/// Every limit other than fuel.
const FIELDS: [Field; 9] = [
    Field { name: "memory", unit: Unit::Bytes, of: |l| &mut l.memory_bytes, asked: |o| &mut o.memory_bytes },
    Field {
        name: "table-elements",
        unit: Unit::Count,
        of: |l| &mut l.table_elements,
        asked: |o| &mut o.table_elements,
    },
    Field { name: "timeout", unit: Unit::Millis, of: |l| &mut l.timeout_ms, asked: |o| &mut o.timeout_ms },
    Field {
        name: "max-output",
        unit: Unit::Bytes,
        of: |l| &mut l.output_bytes,
        asked: |o| &mut o.output_bytes,
    },
    Field { name: "max-log", unit: Unit::Bytes, of: |l| &mut l.log_bytes, asked: |o| &mut o.log_bytes },
    Field { name: "max-files", unit: Unit::Bytes, of: |l| &mut l.file_bytes, asked: |o| &mut o.file_bytes },
    Field { name: "host-calls", unit: Unit::Count, of: |l| &mut l.host_calls, asked: |o| &mut o.host_calls },
    Field {
        name: "http-requests",
        unit: Unit::Count,
        of: |l| &mut l.http_requests,
        asked: |o| &mut o.http_requests,
    },
    Field { name: "http-bytes", unit: Unit::Bytes, of: |l| &mut l.http_bytes, asked: |o| &mut o.http_bytes },
];

const NOUGHT: &str = "a limit of 0 lets nothing run";

impl Limits {
    /// These limits with `overrides` laid over them, up or down.
    #[must_use]
    pub fn with(mut self, overrides: &LimitOverrides) -> Self {
        let mut overrides = overrides.clone();
        match overrides.fuel {
            Some(FuelChoice::Units(units)) => self.fuel = Some(units),
            Some(FuelChoice::Unlimited) => self.fuel = None,
            None => {}
        }
        for field in &FIELDS {
            if let Some(asked) = *(field.asked)(&mut overrides) {
                *(field.of)(&mut self) = asked;
            }
        }
        self
    }

    /// These limits, none of them over that of `max`.
    #[must_use]
    pub fn capped(mut self, max: &Self) -> Self {
        let mut max = max.clone();
        self.fuel = match (self.fuel, max.fuel) {
            (Some(units), Some(most)) => Some(units.min(most)),
            (units, most) => units.or(most),
        };
        for field in &FIELDS {
            let most = *(field.of)(&mut max);
            let of = (field.of)(&mut self);
            *of = (*of).min(most);
        }
        self
    }

    /// The name of each limit, as users write it.
    pub fn names() -> impl Iterator<Item = &'static str> {
        std::iter::once("fuel").chain(FIELDS.iter().map(|field| field.name))
    }

    /// Each limit by its name as users write it, with its amount for people.
    #[must_use]
    pub fn shown(&self) -> Vec<(&'static str, String)> {
        let mut limits = self.clone();
        let fuel = self.fuel.map_or("unlimited".to_owned(), show_count);
        let others = FIELDS.iter().map(|field| (field.name, field.unit.read(*(field.of)(&mut limits))));
        std::iter::once(("fuel", fuel)).chain(others).collect()
    }

    /// Refuses limits of nought and such as are over `max`, which is called `whose` in the refusal.
    ///
    /// # Errors
    /// Names the first limit that does not fit, the most allowed and the value seen.
    pub fn check(&self, max: &Self, whose: &str) -> Result<(), Invalid> {
        let (mut seen, mut max) = (self.clone(), max.clone());
        check_fuel(seen.fuel, max.fuel, whose)?;
        for field in &FIELDS {
            check_one(field, *(field.of)(&mut seen), *(field.of)(&mut max), whose)?;
        }
        Ok(())
    }
}

impl LimitOverrides {
    /// Whether nothing is set.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Those that are set, as [`Limits::shown`].
    #[must_use]
    pub fn shown(&self) -> Vec<(&'static str, String)> {
        let mut limits = self.clone();
        let fuel = self.fuel.map(|fuel| match fuel {
            FuelChoice::Units(units) => show_count(units),
            FuelChoice::Unlimited => "unlimited".to_owned(),
        });
        let others = FIELDS.iter().filter_map(|field| {
            let asked = *(field.asked)(&mut limits);
            asked.map(|asked| (field.name, field.unit.read(asked)))
        });
        fuel.map(|fuel| ("fuel", fuel)).into_iter().chain(others).collect()
    }

    /// Refuses a limit of nought, which makes no sense wherever it is set.
    ///
    /// # Errors
    /// Names the first.
    pub fn check_nought(&self) -> Result<(), Invalid> {
        let mut seen = self.clone();
        let fuel = (seen.fuel == Some(FuelChoice::Units(0))).then_some("fuel");
        let other =
            || FIELDS.iter().find(|field| *(field.asked)(&mut seen) == Some(0)).map(|field| field.name);
        fuel.or_else(other).map_or(Ok(()), |name| Err(Invalid::new(name, NOUGHT)))
    }

    /// Refuses what is nought or over `max`, which is called `whose` in the refusal: a job may lower the limits of
    /// its version, not raise them.
    ///
    /// # Errors
    /// Names the first limit that does not fit, the most allowed and the value seen.
    pub fn check(&self, max: &Limits, whose: &str) -> Result<(), Invalid> {
        let (mut seen, mut max) = (self.clone(), max.clone());
        match seen.fuel {
            Some(FuelChoice::Units(units)) => check_fuel(Some(units), max.fuel, whose)?,
            Some(FuelChoice::Unlimited) => check_fuel(None, max.fuel, whose)?,
            None => {}
        }
        for field in &FIELDS {
            if let Some(asked) = *(field.asked)(&mut seen) {
                check_one(field, asked, *(field.of)(&mut max), whose)?;
            }
        }
        Ok(())
    }
}

fn check_fuel(seen: Option<u64>, most: Option<u64>, whose: &str) -> Result<(), Invalid> {
    if seen == Some(0) {
        return Err(Invalid::new("fuel", NOUGHT));
    }
    match most {
        Some(most) if seen.is_none_or(|units| units > most) => {
            let seen = seen.map_or("unlimited".to_owned(), |units| units.to_string());
            Err(Invalid::new("fuel", format!("{seen} is over {whose} limit of {most}")))
        }
        _ => Ok(()),
    }
}

fn check_one(field: &Field, seen: u64, most: u64, whose: &str) -> Result<(), Invalid> {
    if seen == 0 {
        return Err(Invalid::new(field.name, NOUGHT));
    }
    if seen > most {
        let (seen, most) = (field.unit.show(seen), field.unit.show(most));
        return Err(Invalid::new(field.name, format!("{seen} is over {whose} limit of {most}")));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn memory(bytes: u64) -> LimitOverrides {
        LimitOverrides { memory_bytes: Some(bytes), ..LimitOverrides::default() }
    }

    #[test]
    fn the_defaults_are_within_the_platform() {
        assert_eq!(Limits::default().check(&PLATFORM_MAX, "the platform's"), Ok(()));
    }

    #[test]
    fn a_limit_over_the_platform_is_refused_by_name() {
        let limits = Limits::default().with(&memory(5 << 30));

        let refusal = limits.check(&PLATFORM_MAX, "the platform's").expect_err("5 GiB");

        assert_eq!(refusal.to_string(), "memory: 5 GiB is over the platform's limit of 4 GiB");
    }

    #[test]
    fn every_limit_is_laid_over_capped_and_checked() {
        for field in &FIELDS {
            let mut overrides = LimitOverrides::default();
            *(field.asked)(&mut overrides) = Some(7);
            let mut lowered = Limits::default().with(&overrides);
            assert_eq!(*(field.of)(&mut lowered), 7, "{}", field.name);
            assert_ne!(lowered, Limits::default());

            assert_eq!(Limits::default().capped(&lowered), lowered, "{}", field.name);

            let refusal = Limits::default().check(&lowered, "its").expect_err(field.name);
            assert_eq!(refusal.field, field.name);
            *(field.asked)(&mut overrides) = Some(8);
            assert_eq!(overrides.check(&lowered, "its").expect_err(field.name).field, field.name);
            *(field.asked)(&mut overrides) = Some(0);
            assert_eq!(overrides.check_nought().expect_err(field.name).field, field.name);
            assert_eq!(overrides.check(&lowered, "its").expect_err(field.name).field, field.name);
        }
    }

    #[test]
    fn unlimited_fuel_is_over_any_budget_and_within_none() {
        let unlimited = LimitOverrides { fuel: Some(FuelChoice::Unlimited), ..LimitOverrides::default() };
        let unmetered = Limits::default().with(&unlimited);

        assert!(unlimited.check(&Limits::default(), "the version's").is_err());
        assert_eq!(unlimited.check(&unmetered, "the version's"), Ok(()));
        assert_eq!(unmetered.capped(&Limits::default()).fuel, Limits::default().fuel);
    }

    #[test]
    fn a_job_lowers_only() {
        assert_eq!(memory(64 << 20).check(&Limits::default(), "the version's"), Ok(()));

        let refusal = memory(1 << 30).check(&Limits::default(), "the version's").expect_err("1 GiB");

        assert_eq!(refusal.to_string(), "memory: 1 GiB is over the version's limit of 128 MiB");
    }

    #[test]
    fn limits_are_shown_by_the_names_that_set_them() {
        let shown = Limits::default().shown();

        assert_eq!(shown.len(), FIELDS.len() + 1);
        for expected in [("fuel", "50,000,000,000"), ("memory", "128 MiB"), ("timeout", "5m")] {
            assert!(shown.iter().any(|(name, amount)| (*name, amount.as_str()) == expected), "{shown:?}");
        }
        assert_eq!(memory(1 << 20).shown(), [("memory", "1 MiB".to_owned())]);
    }

    #[test]
    fn limits_that_were_stored_before_a_limit_was_known_get_its_default() {
        let limits: Limits =
            serde_json::from_str(r#"{"fuel": null, "memory_bytes": 5}"#).expect("it is read");

        assert_eq!(limits, Limits { fuel: None, memory_bytes: 5, ..Limits::default() });
    }
}
