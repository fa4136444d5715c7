//! Values as people write them in files: manifests, lines of a batch, `jobctl.toml`. They are read as the flags of the
//! same name are; where a flag takes a number, a number does as well as a text.

use std::fmt;
use std::time::Duration;

use model::limits::FuelChoice;
use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer};

use super::values;

/// A text, or a number as a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Word(pub(crate) String);

impl<'de> Deserialize<'de> for Word {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;

        impl Visitor<'_> for Reader {
            type Value = Word;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text or a whole number")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Word, E> {
                Ok(Word(text.to_owned()))
            }

            fn visit_u64<E: Error>(self, number: u64) -> Result<Word, E> {
                Ok(Word(number.to_string()))
            }

            fn visit_i64<E: Error>(self, number: i64) -> Result<Word, E> {
                Ok(Word(number.to_string()))
            }
        }

        deserializer.deserialize_any(Reader)
    }
}

macro_rules! written {
    ($($(#[$doc:meta])* $type:ident($inner:ty) = $read:path;)+) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) struct $type(pub(crate) $inner);

        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let Word(text) = Word::deserialize(deserializer)?;
                $read(&text).map(Self).map_err(D::Error::custom)
            }
        }

        impl From<$type> for $inner {
            fn from(written: $type) -> Self {
                written.0
            }
        }
    )+};
}

written! {
    /// Units of fuel, or `unlimited`.
    Fuel(FuelChoice) = values::fuel;
    /// `64KiB`, `128MiB`, or a number of bytes.
    Size(u64) = values::size;
    /// `500ms`, `30s`, `5m`, `2h`, `7d`.
    Span(Duration) = values::duration;
    /// A whole number.
    Count(u64) = values::count;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_does_as_well_as_a_text() {
        assert_eq!(serde_json::from_str::<Size>("1024").expect("bytes"), Size(1024));
        assert_eq!(serde_json::from_str::<Size>("\"1KiB\"").expect("a size"), Size(1024));
        assert_eq!(serde_json::from_str::<Fuel>("5").expect("units"), Fuel(FuelChoice::Units(5)));
        assert_eq!(serde_json::from_str::<Count>("\"1_000\"").expect("a count"), Count(1000));
    }

    #[test]
    fn what_does_not_fit_is_named_with_what_would() {
        let refused = [
            serde_json::from_str::<Span>("5").expect_err("no unit").to_string(),
            serde_json::from_str::<Count>("-5").expect_err("negative").to_string(),
            serde_json::from_str::<Fuel>("\"much\"").expect_err("no number").to_string(),
            serde_json::from_str::<Size>("true").expect_err("no size").to_string(),
        ];

        for (refusal, expected) in refused.iter().zip([
            "\"5\" is not like 500ms",
            "\"-5\" is not a whole",
            "`unlimited`",
            "a text or a whole",
        ]) {
            assert!(refusal.contains(expected), "{refusal}");
        }
    }
}
