//! Secrets of the host. The task holds a handle and never sees the value: the host puts it into a header of an
//! [`http`](crate::http) request.
//!
//! Using this module makes the component ask for the capability: `jobctl task publish … --secret NAME`.

use crate::host;

/// A handle for a secret.
#[derive(Debug, Clone)]
pub struct Secret {
    pub(crate) name: String,
    #[cfg_attr(not(target_family = "wasm"), expect(dead_code, reason = "natively the name says all"))]
    pub(crate) handle: host::SecretHandle,
}

/// The secret was not granted, or this host does not know it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Error(String);

/// The secret of this name.
///
/// # Errors
/// When it was not granted, or this host does not know it.
pub fn get(name: &str) -> Result<Secret, Error> {
    let handle = host::secret(name).map_err(Error)?;
    Ok(Secret { name: name.to_owned(), handle })
}

impl Secret {
    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }
}
