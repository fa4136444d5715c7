//! A job's limits and the grace of a cancel, as the columns hold them.

use model::limits::{LimitOverrides, PLATFORM_MAX};

use super::{corrupt, number};
use crate::Result;

/// A job's limits from their two columns. The timeout, which many jobs set, has one of its own; the others, which few
/// set, are JSON.
///
/// # Errors
/// `Corrupt`.
pub fn limits(timeout_ms: Option<i64>, limits: Option<&str>) -> Result<LimitOverrides> {
    let limits: LimitOverrides = match limits {
        Some(json) => serde_json::from_str(json).map_err(corrupt)?,
        None => LimitOverrides::default(),
    };
    let timeout_ms = timeout_ms.map(|ms| number("timeout_ms", ms)).transpose()?;
    Ok(LimitOverrides { timeout_ms, ..limits })
}

/// A job's limits as the two columns hold them.
#[must_use]
pub fn limit_columns(limits: &LimitOverrides) -> (Option<i64>, Option<String>) {
    let timeout_ms = limits.timeout_ms.map(|ms| i64::try_from(ms).unwrap_or(i64::MAX));
    let others = LimitOverrides { timeout_ms: None, ..*limits };
    let json = || serde_json::to_string(&others).expect("plain fields become JSON");
    (timeout_ms, (!others.is_empty()).then(json))
}

/// The grace of a cancel as far as it matters: no attempt runs longer than the platform lets it.
#[must_use]
pub fn capped_grace_ms(grace_ms: u64) -> i64 {
    i64::try_from(grace_ms.min(PLATFORM_MAX.timeout_ms)).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use model::limits::FuelChoice;

    use super::*;

    #[test]
    fn limits_come_back_from_their_columns() {
        let timeout = LimitOverrides { timeout_ms: Some(1500), ..LimitOverrides::default() };
        let memory = LimitOverrides { memory_bytes: Some(1 << 20), ..LimitOverrides::default() };
        let both = LimitOverrides { fuel: Some(FuelChoice::Units(7)), timeout_ms: Some(1), ..memory };

        for asked in [LimitOverrides::default(), timeout, memory, both] {
            let (timeout_ms, json) = limit_columns(&asked);
            assert_eq!(limits(timeout_ms, json.as_deref()).expect("limits"), asked);
        }
        assert_eq!(limit_columns(&LimitOverrides::default()), (None, None), "most rows stay narrow");
    }

    #[test]
    fn a_grace_without_end_ends_with_the_longest_attempt() {
        assert_eq!(capped_grace_ms(u64::MAX), 24 * 60 * 60 * 1000);
        assert_eq!(capped_grace_ms(5_000), 5_000);
    }
}
