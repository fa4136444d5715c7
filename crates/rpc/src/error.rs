//! Errors as they travel: a stable code, a message and a hint, in the details of a gRPC status.

use std::fmt;

use prost::Message;
use tonic::Status;

use crate::v1;

/// What the caller may do next; each has an exit code of `jobctl`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Code {
    /// Bad input; nothing was stored.
    Invalid,
    /// There is no such thing.
    NotFound,
    /// It clashes with what is there.
    Conflict,
    /// A policy refuses it: a grant, a limit, a permission.
    Denied,
    /// The token is missing or wrong.
    Unauthenticated,
    /// Not reachable or not able now; try again.
    Unavailable,
    /// It took too long.
    Timeout,
    /// A fault of ours.
    Internal,
}

const CODES: [(Code, &str, tonic::Code); 8] = [
    (Code::Invalid, "invalid", tonic::Code::InvalidArgument),
    (Code::NotFound, "not_found", tonic::Code::NotFound),
    (Code::Conflict, "conflict", tonic::Code::FailedPrecondition),
    (Code::Denied, "denied", tonic::Code::PermissionDenied),
    (Code::Unauthenticated, "unauthenticated", tonic::Code::Unauthenticated),
    (Code::Unavailable, "unavailable", tonic::Code::Unavailable),
    (Code::Timeout, "timeout", tonic::Code::DeadlineExceeded),
    (Code::Internal, "internal", tonic::Code::Internal),
];

impl Code {
    /// The word for it, as in the JSON of `jobctl`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        CODES.iter().find(|(code, ..)| *code == self).map_or("internal", |(_, word, _)| word)
    }

    fn grpc(self) -> tonic::Code {
        CODES.iter().find(|(code, ..)| *code == self).map_or(tonic::Code::Internal, |(.., grpc)| *grpc)
    }
}

/// An answer that is an error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    /// What the caller may do next.
    pub code: Code,
    /// One line for people.
    pub message: String,
    /// What to do about it, one line.
    pub hint: Option<String>,
}

impl Error {
    /// An error without a hint.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), hint: None }
    }

    /// The same with a hint.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {}

impl From<Error> for Status {
    fn from(error: Error) -> Self {
        let details = v1::Error {
            code: error.code.as_str().to_owned(),
            message: error.message.clone(),
            hint: error.hint.unwrap_or_default(),
        };
        Self::with_details(error.code.grpc(), error.message, details.encode_to_vec().into())
    }
}

impl From<Status> for Error {
    /// Reads our own details; for what did not come from our code, the status itself.
    fn from(status: Status) -> Self {
        if let Ok(details) = v1::Error::decode(status.details())
            && let Some((code, ..)) = CODES.iter().find(|(_, word, _)| *word == details.code)
        {
            let hint = Some(details.hint).filter(|hint| !hint.is_empty());
            return Self { code: *code, message: details.message, hint };
        }
        let code = match status.code() {
            tonic::Code::Unknown | tonic::Code::Cancelled => Code::Unavailable,
            tonic::Code::OutOfRange | tonic::Code::ResourceExhausted => Code::Denied,
            tonic::Code::Unimplemented => Code::Invalid,
            grpc => {
                CODES.iter().find(|(.., known)| *known == grpc).map_or(Code::Internal, |(code, ..)| *code)
            }
        };
        if status.code() == tonic::Code::Unimplemented && status.message().is_empty() {
            // What tonic says of a call that a service of this name has not.
            return Self::new(code, "the other side does not know this call: it runs an older release")
                .hint("`jobctl status` shows the releases");
        }
        Self::new(code, status.message())
    }
}

impl From<model::error::Invalid> for Error {
    fn from(invalid: model::error::Invalid) -> Self {
        Self::new(Code::Invalid, invalid.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_survives_the_wire() {
        for (code, ..) in CODES {
            let error = Error::new(code, "it is so").hint("do that");
            assert_eq!(Error::from(Status::from(error.clone())), error);
        }
    }

    #[test]
    fn a_foreign_status_keeps_its_meaning() {
        let error = Error::from(Status::unavailable("gone"));

        assert_eq!((error.code, error.message.as_str()), (Code::Unavailable, "gone"));
    }

    #[test]
    fn a_call_that_an_older_release_has_not_is_said_in_words() {
        let error = Error::from(Status::unimplemented(""));

        assert_eq!(error.code, Code::Invalid);
        assert!(error.message.contains("older release"), "{error}");
    }
}
