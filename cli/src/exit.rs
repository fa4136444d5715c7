//! How a command ends: the exit codes that scripts rely on, and the error that is shown.

use std::io;
use std::process::ExitCode;

use model::error::Invalid;
use model::job::JobState;
use rpc::Code;
use serde_json::{Map, Value};

use crate::version::VERSION;

/// The exit codes of `jobctl`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Exit {
    /// Done.
    Done = 0,
    /// An unexpected failure.
    Unexpected = 1,
    /// Bad usage or bad input; nothing was stored.
    Usage = 2,
    /// There is no such thing.
    NotFound = 3,
    /// The job failed.
    JobFailed = 4,
    /// The job was cancelled.
    JobCancelled = 5,
    /// Refused by policy: a grant, a limit, a permission.
    Refused = 6,
    /// The server is unreachable or unavailable.
    Unavailable = 7,
    /// Timed out waiting.
    TimedOut = 8,
    /// A conflict: the same key with other content, a job in the wrong state.
    Conflict = 9,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

impl From<Code> for Exit {
    fn from(code: Code) -> Self {
        match code {
            Code::Invalid => Self::Usage,
            Code::NotFound => Self::NotFound,
            Code::Conflict => Self::Conflict,
            Code::Denied | Code::Unauthenticated => Self::Refused,
            Code::Unavailable => Self::Unavailable,
            Code::Timeout => Self::TimedOut,
            Code::Internal => Self::Unexpected,
        }
    }
}

impl Exit {
    /// How it went for a job that stands in `state`; one that has not ended is no failure.
    pub(crate) fn of_job(state: &str) -> Self {
        match state.parse() {
            Ok(JobState::Failed) => Self::JobFailed,
            Ok(JobState::Cancelled) => Self::JobCancelled,
            _ => Self::Done,
        }
    }

    /// How it went for several jobs: a failure weighs more than a cancel.
    pub(crate) fn of_jobs<'a>(states: impl IntoIterator<Item = &'a str>) -> Self {
        states.into_iter().map(Self::of_job).fold(Self::Done, |worst, exit| match (worst, exit) {
            (Self::JobFailed, _) | (_, Self::JobFailed) => Self::JobFailed,
            (Self::Done, other) => other,
            (worst, _) => worst,
        })
    }
}

/// Why a command did not do what it was asked.
#[derive(Debug)]
pub(crate) enum Error {
    /// To be shown.
    Shown(Box<Shown>),
    /// Whoever read our output has had enough (`| head`): end quietly.
    PipeClosed,
}

/// An error as it is shown.
#[derive(Debug)]
pub(crate) struct Shown {
    /// The exit code.
    pub(crate) exit: Exit,
    /// The stable word for scripts.
    pub(crate) code: &'static str,
    /// One line for people.
    pub(crate) message: String,
    /// What to do about it, one line.
    pub(crate) hint: Option<String>,
    /// More for scripts, such as the job it is about.
    pub(crate) more: Map<String, Value>,
}

impl Error {
    /// An error that is to be shown.
    pub(crate) fn new(exit: Exit, code: &'static str, message: impl Into<String>) -> Self {
        let shown = Shown { exit, code, message: message.into(), hint: None, more: Map::new() };
        Self::Shown(Box::new(shown))
    }

    /// Bad usage or bad input.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::new(Exit::Usage, Code::Invalid.as_str(), message)
    }

    /// The same with a hint.
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        if let Self::Shown(shown) = &mut self {
            shown.hint = Some(hint.into());
        }
        self
    }

    /// The same with a hint, unless it has one that is nearer to the point.
    pub(crate) fn hint_unless_there_is_one(self, hint: &str) -> Self {
        match &self {
            Self::Shown(shown) if shown.hint.is_none() => self.hint(hint),
            _ => self,
        }
    }

    /// The same with another message around its own.
    pub(crate) fn context(mut self, wrap: impl FnOnce(&str) -> String) -> Self {
        if let Self::Shown(shown) = &mut self {
            shown.message = wrap(&shown.message);
        }
        self
    }

    /// The same with one more field for scripts.
    pub(crate) fn with(mut self, field: &str, value: impl Into<Value>) -> Self {
        if let Self::Shown(shown) = &mut self {
            shown.more.insert(field.to_owned(), value.into());
        }
        self
    }

    /// The same with another exit code.
    pub(crate) fn exit(mut self, exit: Exit) -> Self {
        if let Self::Shown(shown) = &mut self {
            shown.exit = exit;
        }
        self
    }
}

/// What every command answers.
pub(crate) type Result<T = Exit> = std::result::Result<T, Error>;

impl From<rpc::Error> for Error {
    fn from(error: rpc::Error) -> Self {
        let shown = Self::new(error.code.into(), error.code.as_str(), error.message);
        match error.hint {
            Some(hint) => shown.hint(hint),
            None => shown,
        }
    }
}

impl From<Invalid> for Error {
    fn from(invalid: Invalid) -> Self {
        Self::usage(invalid.to_string())
    }
}

impl From<recurrence::Refused> for Error {
    fn from(refused: recurrence::Refused) -> Self {
        let shown = Self::usage(refused.to_string());
        match refused.hint {
            Some(hint) => shown.hint(hint),
            None => shown,
        }
    }
}

impl From<connect::Error> for Error {
    fn from(error: connect::Error) -> Self {
        match error {
            connect::Error::Invalid(invalid) => invalid.into(),
            connect::Error::Outdated(why) => Self::new(Exit::Unexpected, "schema", why)
                .hint("`jobctl migrate` brings the schema up to date"),
            connect::Error::Schema(why) => Self::new(Exit::Unexpected, "schema", why)
                .hint(format!("this is jobctl {VERSION}; the release that migrated last works with it")),
            connect::Error::Unavailable(why) => Self::new(Exit::Unavailable, Code::Unavailable.as_str(), why),
        }
    }
}

impl From<anyhow::Error> for Error {
    fn from(error: anyhow::Error) -> Self {
        let shown = Self::new(Exit::Unexpected, Code::Internal.as_str(), format!("{error:#}"));
        let busy = error
            .chain()
            .filter_map(|cause| cause.downcast_ref::<io::Error>())
            .any(|cause| cause.kind() == io::ErrorKind::AddrInUse);
        if busy {
            shown.hint("something else listens there: choose another port (0 picks a free one)")
        } else {
            shown
        }
    }
}

/// An error of writing to our own standard output.
pub(crate) fn of_writing(error: &io::Error) -> Error {
    if error.kind() == io::ErrorKind::BrokenPipe {
        return Error::PipeClosed;
    }
    Error::new(Exit::Unexpected, Code::Internal.as_str(), format!("write to standard output: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exit_of(error: Error) -> Exit {
        match error {
            Error::Shown(shown) => shown.exit,
            Error::PipeClosed => Exit::Done,
        }
    }

    #[test]
    fn each_code_of_the_api_has_its_exit_code() {
        let cases = [
            (Code::Invalid, 2),
            (Code::NotFound, 3),
            (Code::Denied, 6),
            (Code::Unauthenticated, 6),
            (Code::Unavailable, 7),
            (Code::Timeout, 8),
            (Code::Conflict, 9),
            (Code::Internal, 1),
        ];

        for (code, expected) in cases {
            assert_eq!(exit_of(rpc::Error::new(code, "no").into()) as u8, expected, "{code:?}");
        }
    }

    #[test]
    fn the_end_of_a_job_has_its_exit_code() {
        for (state, expected) in [("succeeded", 0), ("failed", 4), ("cancelled", 5), ("running", 0)] {
            assert_eq!(Exit::of_job(state) as u8, expected, "{state}");
        }
        assert_eq!(Exit::of_jobs(["succeeded", "cancelled", "failed", "cancelled"]), Exit::JobFailed);
        assert_eq!(Exit::of_jobs(["cancelled", "succeeded"]), Exit::JobCancelled);
        assert_eq!(Exit::of_jobs([]), Exit::Done);
    }

    #[test]
    fn a_hint_that_is_there_stays() {
        let hint = |error: Error| match error.hint_unless_there_is_one("the other") {
            Error::Shown(shown) => shown.hint,
            Error::PipeClosed => None,
        };

        assert_eq!(hint(Error::usage("no").hint("the first")).as_deref(), Some("the first"));
        assert_eq!(hint(Error::usage("no")).as_deref(), Some("the other"));
        assert_eq!(hint(Error::PipeClosed), None);
    }

    #[test]
    fn a_closed_pipe_ends_quietly() {
        let closed = of_writing(&io::ErrorKind::BrokenPipe.into());
        let full = of_writing(&io::ErrorKind::StorageFull.into());

        assert!(matches!(closed, Error::PipeClosed));
        assert_eq!(exit_of(full), Exit::Unexpected);
    }

    #[test]
    fn a_busy_port_comes_with_a_hint() {
        let error =
            anyhow::Error::from(io::Error::from(io::ErrorKind::AddrInUse)).context("bind the address");

        let Error::Shown(shown) = Error::from(error) else { panic!("it is shown") };

        assert!(shown.hint.is_some_and(|hint| hint.contains("port")));
    }
}
