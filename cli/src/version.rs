//! The release that this is.

/// The release that this is.
pub(crate) const VERSION: &str = env!("CARGO_PKG_VERSION");
