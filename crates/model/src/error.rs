//! Why input was refused, and why a job failed.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::bounds::TEXT_BYTES_MAX;

/// Input that was refused: which field, and what is wrong with the value seen.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {problem}")]
pub struct Invalid {
    /// The field as the user knows it.
    pub field: &'static str,
    /// What is wrong, with the limit and the value seen.
    pub problem: String,
}

impl Invalid {
    /// Refuses `field` because of `problem`.
    pub fn new(field: &'static str, problem: impl Into<String>) -> Self {
        Self { field, problem: problem.into() }
    }
}

/// What kind of end an attempt that did not succeed came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorKind {
    /// The task itself said that it failed.
    Task,
    /// The guest trapped: an unreachable instruction, a panic, a bad access.
    Trap,
    /// The budget of instructions ran out.
    Fuel,
    /// The guest asked for more memory than its limit.
    Memory,
    /// The guest asked for more table entries than its limit.
    Table,
    /// The wall-clock deadline passed.
    Timeout,
    /// The stack overflowed.
    Stack,
    /// The result or the files were larger than allowed, or the result is not JSON.
    Output,
    /// The budget of calls into the host ran out.
    HostCalls,
    /// The budget of HTTP requests, or of their bytes, ran out.
    Http,
    /// The guest asked for what it was not granted.
    Denied,
    /// The component cannot be loaded or does not match its digest.
    InvalidModule,
    /// The host lost its lease, too often for another try.
    Lost,
    /// The host could not do its part.
    Host,
    /// The job was not started before the instant it expires at.
    Expired,
}

const KINDS: [(ErrorKind, &str); 15] = [
    (ErrorKind::Task, "task"),
    (ErrorKind::Trap, "trap"),
    (ErrorKind::Fuel, "fuel"),
    (ErrorKind::Memory, "memory"),
    (ErrorKind::Table, "table"),
    (ErrorKind::Timeout, "timeout"),
    (ErrorKind::Stack, "stack"),
    (ErrorKind::Output, "output"),
    (ErrorKind::HostCalls, "host_calls"),
    (ErrorKind::Http, "http"),
    (ErrorKind::Denied, "denied"),
    (ErrorKind::InvalidModule, "invalid_module"),
    (ErrorKind::Lost, "lost"),
    (ErrorKind::Host, "host"),
    (ErrorKind::Expired, "expired"),
];

impl ErrorKind {
    /// The word for it, the same in SQL, JSON and on the terminal.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        KINDS.iter().find(|(kind, _)| *kind == self).map_or("host", |(_, word)| word)
    }
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for ErrorKind {
    type Err = Invalid;

    fn from_str(word: &str) -> Result<Self, Invalid> {
        KINDS
            .iter()
            .find(|(_, known)| *known == word)
            .map(|(kind, _)| *kind)
            .ok_or_else(|| Invalid::new("error kind", format!("{word:?} is not known")))
    }
}

/// Why an attempt or a job failed, as it is kept and shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// The kind.
    pub kind: ErrorKind,
    /// One message for people. Guest text: capped and NUL-free, to be escaped where it is shown.
    pub message: String,
}

impl Failure {
    /// A failure of `kind`; the message is made safe to store.
    pub fn new(kind: ErrorKind, message: impl AsRef<str>) -> Self {
        Self { kind, message: storable_text(message.as_ref(), TEXT_BYTES_MAX) }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.kind, self.message)
    }
}

/// Guest text made safe to store: NUL becomes U+FFFD (Postgres keeps none in text), and what is over
/// `bytes_max` is cut at a character's edge and marked with `…`.
#[must_use]
pub fn storable_text(text: &str, bytes_max: usize) -> String {
    let clean = text.replace('\0', "\u{fffd}");
    if clean.len() <= bytes_max {
        return clean;
    }
    let room = bytes_max.saturating_sub('…'.len_utf8());
    let mut end = room;
    while !clean.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}…", &clean[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_is_read_back_from_its_word() {
        for (kind, word) in KINDS {
            assert_eq!(kind.as_str(), word);
            assert_eq!(word.parse::<ErrorKind>(), Ok(kind));
        }
    }

    #[test]
    fn text_is_cut_at_a_character_and_keeps_no_nul() {
        assert_eq!(storable_text("a\0b", 100), "a\u{fffd}b");
        assert_eq!(storable_text("ééééé", 8), "éé…");
    }
}
