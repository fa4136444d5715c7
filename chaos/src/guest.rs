//! The component with the task `touch`, which does the work of all loads.

use std::path::PathBuf;

/// Where `scripts/build-tasks` puts it.
///
/// # Panics
/// When it was not built.
pub(crate) fn component() -> PathBuf {
    let path = stories::project().join("chaos/guest/dist/chaos_guest.wasm");
    assert!(path.exists(), "{} is not there: run scripts/build-tasks", path.display());
    path
}
