//! What SQLite says, sorted by what the caller may do next.

use sqlx::migrate::MigrateError;
use store::Error;

/// Primary result codes that say nothing about the data, and may not come again: permission, abort, busy,
/// locked, out of memory, read-only, interrupted, input or output, full, cannot open, protocol.
const PASSING: [i64; 11] = [3, 4, 5, 6, 7, 8, 9, 10, 13, 14, 15];

/// The error of a statement.
pub(crate) fn fault(error: sqlx::Error) -> Error {
    match error {
        sqlx::Error::Database(error) => {
            // The lowest byte of an extended code is the primary one.
            let code = error.code().and_then(|code| code.parse::<i64>().ok()).map(|code| code & 0xff);
            let why = match code {
                Some(9) => "it took too long and was interrupted".to_owned(),
                _ => error.message().to_owned(),
            };
            if code.is_some_and(|code| PASSING.contains(&code)) {
                Error::Unavailable { why }
            } else {
                Error::Corrupt { why }
            }
        }
        error @ (sqlx::Error::ColumnDecode { .. }
        | sqlx::Error::ColumnNotFound(_)
        | sqlx::Error::Decode(_)
        | sqlx::Error::RowNotFound
        | sqlx::Error::TypeNotFound { .. }) => Error::Corrupt { why: error.to_string() },
        error => Error::Unavailable { why: error.to_string() },
    }
}

/// The error of a migration.
pub(crate) fn migrate_fault(error: MigrateError) -> Error {
    match error {
        MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _) => fault(error),
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
