//! What the next attempt gets to know if this one fails.
//!
//! ```
//! use task_sdk::{TaskError, checkpoint};
//!
//! fn import(rows: &[&str]) -> Result<(), TaskError> {
//!     let done: usize = checkpoint::load()?.unwrap_or(0);
//!     for (index, _row) in rows.iter().enumerate().skip(done) {
//!         // … store the row …
//!         checkpoint::save(&(index + 1))?;
//!     }
//!     Ok(())
//! }
//! # import(&["a"]).unwrap();
//! ```

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::host;

/// Why a checkpoint could not be saved or loaded.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The host did not take it: over 1 MiB, or its store did not answer.
    #[error("the checkpoint was not saved: {0}")]
    NotSaved(String),
    /// The value cannot be written as JSON, or what was saved is not of this type.
    #[error("the checkpoint does not fit its type")]
    Malformed(#[from] serde_json::Error),
}

/// Saves `value`, written as JSON (1 MiB at the most), in place of what was saved before. Durable when it returns.
///
/// # Errors
/// When it cannot be written as JSON, or the host does not take it.
pub fn save<T: Serialize + ?Sized>(value: &T) -> Result<(), Error> {
    save_bytes(&serde_json::to_vec(value)?)
}

/// What this or an earlier attempt saved last; none: nothing yet.
///
/// # Errors
/// When what was saved is not a `T`.
pub fn load<T: DeserializeOwned>() -> Result<Option<T>, Error> {
    Ok(load_bytes().map(|data| serde_json::from_slice(&data)).transpose()?)
}

/// [`save`] for bytes that are not JSON.
///
/// # Errors
/// When the host does not take them.
pub fn save_bytes(data: &[u8]) -> Result<(), Error> {
    host::save_checkpoint(data).map_err(Error::NotSaved)
}

/// [`load`] for bytes that are not JSON.
#[must_use]
pub fn load_bytes() -> Option<Vec<u8>> {
    host::load_checkpoint()
}
