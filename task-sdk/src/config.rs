//! Configuration given at publish: `jobctl task publish … --env NAME=VALUE`.
//!
//! ```
//! use task_sdk::{TaskError, config};
//!
//! fn currency() -> Result<String, TaskError> {
//!     let _optional: Option<String> = config::get("LANGUAGE");
//!     Ok(config::require("CURRENCY")?)
//! }
//! # assert!(currency().is_err());
//! ```

use crate::host;

/// A value that must be there is not; it has to be published with it, so trying again does not help.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{name} is not configured: publish with --env {name}=VALUE")]
pub struct Error {
    name: String,
}

/// The value of this name.
#[must_use]
pub fn get(name: &str) -> Option<String> {
    host::config(name)
}

/// The value of this name, which must be there.
///
/// # Errors
/// When it is not.
pub fn require(name: &str) -> Result<String, Error> {
    get(name).ok_or_else(|| Error { name: name.to_owned() })
}
