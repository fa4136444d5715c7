//! Files attached to the job. They are kept when the attempt ends, whatever its outcome.
//!
//! ```
//! use task_sdk::{TaskError, files};
//!
//! fn work() -> Result<(), TaskError> {
//!     files::write("report.csv", "text/csv", "region,units\nBahia,5\n")?;
//!     Ok(())
//! }
//! # work().unwrap();
//! ```

use crate::host;

/// The host did not take the file: a name with a folder in it, a bad media type, or one file too many. More bytes than
/// the version's limit allows end the attempt.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the file was not written: {0}")]
pub struct Error(String);

/// Writes a file of this `name` (no folders), whole. A second write of one name replaces the first.
///
/// # Errors
/// When the host does not take it; then what was there stays.
pub fn write(name: &str, media_type: &str, data: impl AsRef<[u8]>) -> Result<(), Error> {
    host::write_file(name, media_type, data.as_ref()).map_err(Error)
}
