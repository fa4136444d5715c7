//! How a task fails, and what becomes of the job then.

use std::error::Error;
use std::fmt;
use std::time::Duration;

/// Why a task failed, and whether trying again can help.
///
/// `?` makes one of any error. It is retryable, since most errors that nobody foresaw pass (and the number of
/// attempts is bounded), but for those that are known to be the same next time:
///
/// | an error, or a source of it | becomes |
/// |---|---|
/// | a parse or conversion of the standard library's; JSON that does not fit | permanent |
/// | [`mail::Error`](crate::mail::Error): `Invalid`, `Refused` | permanent |
/// | [`http::Error`](crate::http::Error): `Denied`, `Invalid` | permanent |
/// | [`files::Error`](crate::files::Error), [`config::Error`](crate::config::Error) | permanent |
/// | every other | retryable |
///
/// [`OrFail`] says it for one call. Like `anyhow::Error` this is no [`std::error::Error`] itself, so that there is
/// one rule for all of those.
///
/// ```
/// use std::time::Duration;
/// use task_sdk::{Kind, OrFail, TaskError};
///
/// fn port(text: &str) -> Result<u16, TaskError> {
///     Ok(text.parse()?) // The same text will not parse next time: permanent.
/// }
///
/// fn read() -> Result<String, TaskError> {
///     Ok(std::fs::read_to_string("/nowhere")?) // May be there next time: retryable.
/// }
///
/// fn read_or_give_up() -> Result<String, TaskError> {
///     std::fs::read_to_string("/nowhere").or_permanent("read the list of customers")
/// }
///
/// assert_eq!(port("x").unwrap_err().kind(), Kind::Permanent);
/// assert_eq!(read().unwrap_err().kind(), Kind::Retryable);
/// assert_eq!(read_or_give_up().unwrap_err().kind(), Kind::Permanent);
///
/// let busy = TaskError::retry_after("the bank is closed", Duration::from_secs(3600));
/// assert_eq!(busy.kind(), Kind::RetryAfter(Duration::from_secs(3600)));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaskError {
    kind: Kind,
    message: String,
}

/// Whether trying again can help.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Yes, after the usual back-off.
    Retryable,
    /// Yes, and not before this long from now.
    RetryAfter(Duration),
    /// No: the job fails for good.
    Permanent,
}

impl TaskError {
    /// It may pass: the job is tried again after the usual back-off, if it has attempts left. That doubles with each
    /// failure, from a second to an hour, and is jittered.
    #[must_use]
    pub fn retryable(message: impl fmt::Display) -> Self {
        Self { kind: Kind::Retryable, message: message.to_string() }
    }

    /// It may pass, and not before `wait` is over: the job is tried again then, or when the usual back-off is over if
    /// that is later. A wait of more than ten years is cut to that. Each such failure uses up an attempt.
    #[must_use]
    pub fn retry_after(message: impl fmt::Display, wait: Duration) -> Self {
        Self { kind: Kind::RetryAfter(wait), message: message.to_string() }
    }

    /// It is for good: the job fails now, however many attempts it has left.
    #[must_use]
    pub fn permanent(message: impl fmt::Display) -> Self {
        Self { kind: Kind::Permanent, message: message.to_string() }
    }

    /// Whether trying again can help.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// What people read.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The same with what was being done put before it: `send the invoice: the relay is away`.
    #[must_use]
    pub fn context(mut self, doing: impl fmt::Display) -> Self {
        self.message = format!("{doing}: {}", self.message);
        self
    }
}

impl fmt::Display for TaskError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl<E: Error + 'static> From<E> for TaskError {
    fn from(error: E) -> Self {
        Self { kind: kind_of(&error), message: chain(&error) }
    }
}

/// Says for one call whether its failure is worth another attempt.
pub trait OrFail<T> {
    /// A failure is permanent; `doing` stands before its message.
    ///
    /// # Errors
    /// When there was one.
    fn or_permanent(self, doing: impl fmt::Display) -> Result<T, TaskError>;

    /// A failure is retryable; `doing` stands before its message.
    ///
    /// # Errors
    /// When there was one.
    fn or_retryable(self, doing: impl fmt::Display) -> Result<T, TaskError>;
}

/// For errors of all kinds, and for texts.
impl<T, E: Into<Box<dyn Error>>> OrFail<T> for Result<T, E> {
    fn or_permanent(self, doing: impl fmt::Display) -> Result<T, TaskError> {
        self.map_err(|error| TaskError::permanent(chain(&*error.into())).context(doing))
    }

    fn or_retryable(self, doing: impl fmt::Display) -> Result<T, TaskError> {
        self.map_err(|error| TaskError::retryable(chain(&*error.into())).context(doing))
    }
}

/// For what is not there: the message is `doing` alone.
impl<T> OrFail<T> for Option<T> {
    fn or_permanent(self, doing: impl fmt::Display) -> Result<T, TaskError> {
        self.ok_or_else(|| TaskError::permanent(doing))
    }

    fn or_retryable(self, doing: impl fmt::Display) -> Result<T, TaskError> {
        self.ok_or_else(|| TaskError::retryable(doing))
    }
}

/// The error and its sources, the outermost first; a source that its error repeats already is left out.
fn chain(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(source) = next {
        let said = source.to_string();
        if !text.contains(&said) {
            text.push_str(": ");
            text.push_str(&said);
        }
        next = source.source();
    }
    text
}

/// The first error of the chain that is known decides.
fn kind_of(error: &(dyn Error + 'static)) -> Kind {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(kind) = known(error) {
            return kind;
        }
        next = error.source();
    }
    Kind::Retryable
}

fn known(error: &(dyn Error + 'static)) -> Option<Kind> {
    use crate::{config, files, http, mail};

    if let Some(error) = error.downcast_ref::<mail::Error>() {
        return Some(if matches!(error, mail::Error::Unavailable(_)) {
            Kind::Retryable
        } else {
            Kind::Permanent
        });
    }
    if let Some(error) = error.downcast_ref::<http::Error>() {
        let passes = matches!(error, http::Error::Failed(_) | http::Error::Limit(_));
        return Some(if passes { Kind::Retryable } else { Kind::Permanent });
    }
    if let Some(error) = error.downcast_ref::<serde_json::Error>() {
        return Some(if error.is_io() { Kind::Retryable } else { Kind::Permanent });
    }
    let permanent = error.is::<files::Error>()
        || error.is::<config::Error>()
        || error.is::<std::num::ParseIntError>()
        || error.is::<std::num::ParseFloatError>()
        || error.is::<std::num::TryFromIntError>()
        || error.is::<std::str::ParseBoolError>()
        || error.is::<std::str::Utf8Error>()
        || error.is::<std::string::FromUtf8Error>()
        || error.is::<std::char::ParseCharError>()
        || error.is::<std::net::AddrParseError>();
    permanent.then_some(Kind::Permanent)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{http, mail};

    #[derive(Debug, thiserror::Error)]
    #[error("order 5")]
    struct Order(#[source] mail::Error);

    #[test]
    fn what_is_known_to_repeat_is_permanent_however_deep() {
        let refused = Order(mail::Error::Refused("unknown user".to_owned()));
        let away = Order(mail::Error::Unavailable("no route".to_owned()));

        assert_eq!(
            TaskError::from(refused),
            TaskError::permanent("order 5: the relay refused it: unknown user")
        );
        assert_eq!(TaskError::from(away).kind(), Kind::Retryable);
        assert_eq!(TaskError::from(http::Error::Denied("x".to_owned())).kind(), Kind::Permanent);
        assert_eq!(TaskError::from(http::Error::Failed("x".to_owned())).kind(), Kind::Retryable);
    }

    #[test]
    fn what_is_not_known_is_retryable() {
        let error = std::io::Error::other("pipe broke");

        assert_eq!(TaskError::from(error), TaskError::retryable("pipe broke"));
    }

    #[test]
    fn one_call_can_say_for_itself() {
        let parsed = "x".parse::<u8>().or_retryable("read the age");
        let text: Result<(), _> = Err("no such customer").or_permanent("find the customer");
        let absent = None::<u8>.or_permanent("no customer is called Ana");

        assert_eq!(parsed, Err(TaskError::retryable("read the age: invalid digit found in string")));
        assert_eq!(text, Err(TaskError::permanent("find the customer: no such customer")));
        assert_eq!(absent, Err(TaskError::permanent("no customer is called Ana")));
    }
}
