//! JSON kept as the bytes it came as, checked once.
//!
//! A database's JSON type rewrites numbers and refuses some valid texts, and so does a parse and print
//! through a value tree. So payloads and results stay bytes; this type is the proof that they were checked.

use std::fmt;

use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::error::Invalid;

/// Bytes that are one valid JSON text in UTF-8.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Json(Vec<u8>);

impl Json {
    /// Checks `bytes`, which may be `bytes_max` long; `field` is the name for the refusal.
    ///
    /// # Errors
    /// When they are too long, not UTF-8, or not one JSON text.
    pub fn check(field: &'static str, bytes: Vec<u8>, bytes_max: usize) -> Result<Self, Invalid> {
        if bytes.len() > bytes_max {
            let seen = bytes.len();
            return Err(Invalid::new(
                field,
                format!("{seen} bytes are more than the limit of {bytes_max} bytes"),
            ));
        }
        let text = std::str::from_utf8(&bytes).map_err(|e| Invalid::new(field, format!("not UTF-8: {e}")))?;
        let mut parser = serde_json::Deserializer::from_str(text);
        IgnoredAny::deserialize(&mut parser)
            .and_then(|_| parser.end())
            .map_err(|e| Invalid::new(field, format!("not valid JSON: {e}")))?;
        Ok(Self(bytes))
    }

    /// Takes bytes that the store gave back: they were checked when they went in.
    #[must_use]
    pub fn trusted(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    /// The bytes as they came.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The text as it came.
    #[must_use]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).expect("it was checked to be UTF-8")
    }

    /// The bytes themselves.
    #[must_use]
    pub fn into_bytes(self) -> Vec<u8> {
        self.0
    }
}

impl Default for Json {
    fn default() -> Self {
        Self(b"{}".to_vec())
    }
}

impl fmt::Debug for Json {
    /// Never the content: payloads and results do not belong into logs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Json({} bytes)", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_order_stay_as_they_came() {
        let text = br#"{"b":1e400,"a":1234567890123456789012345678901234567890,"c":"\u0000"}"#;

        let json = Json::check("payload", text.to_vec(), 1000).expect("it is JSON");

        assert_eq!(json.as_bytes(), text);
    }

    #[test]
    fn what_is_not_one_json_text_is_refused() {
        for bytes in [&b"{"[..], b"", b"{} {}", b"nul", b"\xff", b"\"\xc3\"", b"{'a':1}"] {
            assert!(Json::check("payload", bytes.to_vec(), 1000).is_err(), "{bytes:?}");
        }
    }

    #[test]
    fn a_long_text_is_refused_with_limit_and_size() {
        let refusal = Json::check("payload", b"\"12345\"".to_vec(), 6).expect_err("7 bytes");

        assert_eq!(refusal.to_string(), "payload: 7 bytes are more than the limit of 6 bytes");
    }
}
