//! Why the words of a schedule were refused.

use model::error::Invalid;

/// Words that were refused: which field, what is wrong with the value seen, and what to write instead.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {problem}")]
pub struct Refused {
    /// The field as the user knows it, as in `cron` or `timezone`.
    pub field: &'static str,
    /// What is wrong, with the limit and the value seen; of a cron expression it names the field in it.
    pub problem: String,
    /// What to write instead.
    pub hint: Option<String>,
}

impl Refused {
    /// Words of `field` that are wrong in this way.
    pub(crate) fn new(field: &'static str, problem: impl Into<String>) -> Self {
        Self { field, problem: problem.into(), hint: None }
    }

    /// With what to write instead.
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

impl From<Invalid> for Refused {
    fn from(invalid: Invalid) -> Self {
        Self { field: invalid.field, problem: invalid.problem, hint: None }
    }
}
