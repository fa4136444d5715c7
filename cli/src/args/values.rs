//! How the values of flags are read.

use std::str::FromStr;
use std::time::Duration;

use chrono::{DateTime, Utc};
use clap::builder::{PossibleValuesParser, TypedValueParser};
use model::limits::FuelChoice;
use model::units::{parse_duration, parse_size};

/// `500ms`, `30s`, `5m`, `2h`, `7d`.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    parse_duration(text).map_err(|refusal| refusal.problem)
}

/// `64KiB`, `128MiB`.
pub(crate) fn size(text: &str) -> Result<u64, String> {
    parse_size(text).map_err(|refusal| refusal.problem)
}

/// RFC 3339 with an offset.
pub(crate) fn instant(text: &str) -> Result<DateTime<Utc>, String> {
    DateTime::parse_from_rfc3339(text).map(|at| at.with_timezone(&Utc)).map_err(|_| {
        format!("{text:?} is not an instant like 2026-11-01T05:30:00Z or 2026-11-01T05:30:00+02:00")
    })
}

/// The same, or `none`.
pub(crate) fn instant_or_none(text: &str) -> Result<MaybeInstant, String> {
    if text == "none" {
        return Ok(MaybeInstant(None));
    }
    instant(text).map(|at| MaybeInstant(Some(at)))
}

/// An instant that somebody gave, or took away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct MaybeInstant(pub(crate) Option<DateTime<Utc>>);

/// One of the words of `T`, which completions and help name.
pub(crate) fn word<T>(words: &'static [T], word_of: fn(T) -> &'static str) -> impl TypedValueParser<Value = T>
where
    T: Copy + FromStr + Send + Sync + 'static,
    T::Err: std::error::Error + Send + Sync + 'static,
{
    PossibleValuesParser::new(words.iter().map(|word| word_of(*word)).collect::<Vec<_>>())
        .try_map(|word| word.parse())
}

/// `K=V`.
pub(crate) fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err(format!("{text:?} is not KEY=VALUE")),
    }
}

/// A whole number, with `_` between digits if that reads better.
pub(crate) fn count(text: &str) -> Result<u64, String> {
    text.replace('_', "").parse().map_err(|_| format!("{text:?} is not a whole number"))
}

/// A number of units, with `_` between digits if that reads better, or `unlimited`.
pub(crate) fn fuel(text: &str) -> Result<FuelChoice, String> {
    if text == "unlimited" {
        return Ok(FuelChoice::Unlimited);
    }
    count(text).map(FuelChoice::Units).map_err(|_| format!("{text:?} is neither a number nor `unlimited`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instant_needs_its_offset() {
        assert_eq!(
            instant("2026-11-01T05:30:00+02:00").map(|at| at.to_rfc3339()).as_deref(),
            Ok("2026-11-01T03:30:00+00:00")
        );
        assert!(instant("2026-11-01T05:30:00").is_err());
        assert!(instant("tomorrow").is_err());
    }

    #[test]
    fn a_pair_keeps_what_follows_the_first_equals_sign() {
        assert_eq!(pair("a=b=c"), Ok(("a".to_owned(), "b=c".to_owned())));
        assert_eq!(pair("a="), Ok(("a".to_owned(), String::new())));
        assert!(pair("a").is_err());
        assert!(pair("=b").is_err());
    }

    #[test]
    fn fuel_is_a_number_or_unlimited() {
        assert_eq!(fuel("5_000"), Ok(FuelChoice::Units(5000)));
        assert_eq!(fuel("unlimited"), Ok(FuelChoice::Unlimited));
        assert!(fuel("much").is_err());
    }
}
