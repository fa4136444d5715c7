//! What PostgreSQL says, sorted by what the caller may do next.

use sqlx::migrate::MigrateError;
use store::Error;

/// What a statement was answered with.
pub(crate) type Told<T> = Result<T, Fault>;

/// Why a statement did not do what it was asked, as far as the driver itself cares.
#[derive(Debug)]
pub(crate) enum Fault {
    /// The server chose it as the victim of a deadlock or of a conflict with others: nothing was done, and it
    /// may be run again at once.
    Victim(String),
    /// `refuse` ended it, with these words.
    Refused(String),
    /// Anything else, in the words of the store.
    Store(Error),
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        Self::Store(error)
    }
}

impl From<Fault> for Error {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Victim(why) => Self::Unavailable { why },
            Fault::Refused(why) => Self::Corrupt { why },
            Fault::Store(error) => error,
        }
    }
}

impl From<sqlx::Error> for Fault {
    fn from(error: sqlx::Error) -> Self {
        match error {
            sqlx::Error::Database(error) => {
                let code = error.code().unwrap_or_default().into_owned();
                told(&code, error.message().to_owned())
            }
            error @ (sqlx::Error::ColumnDecode { .. }
            | sqlx::Error::ColumnIndexOutOfBounds { .. }
            | sqlx::Error::ColumnNotFound(_)
            | sqlx::Error::Decode(_)
            | sqlx::Error::Encode(_)
            | sqlx::Error::RowNotFound
            | sqlx::Error::TypeNotFound { .. }) => Self::Store(Error::Corrupt { why: error.to_string() }),
            error => unavailable(error.to_string()),
        }
    }
}

/// The server only reads: a standby, or a primary that is none any more.
const READ_ONLY: &str = "25006";

/// Whether a connection that was told this leads nowhere any more: it was closed with these words, or it is one to a
/// server that only reads.
pub(crate) fn ends_connection(code: &str) -> bool {
    code.starts_with("08") || code.starts_with("57P") || matches!(code, "25P03" | READ_ONLY)
}

/// The server could not, or did not answer.
pub(crate) fn unavailable(why: String) -> Fault {
    Fault::Store(Error::Unavailable { why })
}

/// Sorts what the server told by its SQLSTATE.
fn told(code: &str, message: String) -> Fault {
    let class = code.get(..2).unwrap_or_default();
    match (class, code) {
        // Serialization failure, deadlock.
        (_, "40001" | "40P01") => Fault::Victim(message),
        (_, "JC001") => Fault::Refused(message),
        (_, "57014") => unavailable("the statement took too long and was interrupted".to_owned()),
        (_, "55P03") => unavailable("a row was locked for too long".to_owned()),
        // Whoever connects again may find the new primary.
        (_, READ_ONLY) => unavailable(message),
        // Idle too long in a transaction.
        (_, "25P03") => unavailable(message),
        // Connection, authorization, no such database, other transaction rollbacks, resources, limits,
        // object state, operator intervention, system.
        ("08" | "28" | "3D" | "40" | "53" | "54" | "55" | "57" | "58", _) => unavailable(message),
        // A table, column or function that is not there.
        ("42", _) => {
            Fault::Store(Error::Corrupt { why: format!("the schema does not fit this release: {message}") })
        }
        _ => Fault::Store(Error::Corrupt { why: message }),
    }
}

/// The error of a migration.
pub(crate) fn migrate_fault(error: MigrateError) -> Error {
    match error {
        MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _) => Fault::from(error).into(),
        MigrateError::VersionMissing(number) => newer_schema(number),
        MigrateError::VersionMismatch(number) => Error::Conflict {
            why: format!("migration {number} was applied to the database in another wording"),
        },
        error => Error::Corrupt { why: error.to_string() },
    }
}

/// The database knows a migration that this release does not.
pub(crate) fn newer_schema(number: i64) -> Error {
    Error::Conflict {
        why: format!("a newer release has migrated the database: migration {number} is not known"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_word_on_a_connection_is_told_from_a_refusal() {
        for code in ["57P01", "57P02", "08006", "25P03", "25006"] {
            assert!(ends_connection(code), "{code}");
        }
        for code in ["57014", "55P03", "40P01", "23505", "JC001", ""] {
            assert!(!ends_connection(code), "{code}");
        }
    }

    #[test]
    fn what_may_pass_is_told_from_what_will_not() {
        let sorted = |code: &str| Error::from(told(code, "words".to_owned()));

        for code in ["08006", "57P01", "57P03", "57014", "55P03", "53300", "25006", "28P01", "3D000", "40P01"]
        {
            assert!(sorted(code).is_transient(), "{code}");
        }
        for code in ["22021", "23505", "42P01", "XX001", "JC001", ""] {
            assert!(matches!(sorted(code), Error::Corrupt { .. }), "{code}");
        }
    }
}
