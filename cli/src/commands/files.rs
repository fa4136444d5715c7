//! Files that jobs made, on their way to a disk.

use std::fs::Permissions;
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use tempfile::NamedTempFile;

use crate::exit::{Error, Result};

/// A file beside `path`, to be renamed to it when it is whole, so that a half of it is never taken for the whole.
pub(super) fn aside(path: &Path) -> io::Result<NamedTempFile> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    tempfile::Builder::new().prefix(".jobctl-").permissions(Permissions::from_mode(0o666)).tempfile_in(folder)
}

/// Writes a whole file.
pub(super) fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = aside(path)?;
    file.write_all(bytes)?;
    file.persist(path)?;
    Ok(())
}

/// A file name that leads nowhere else.
pub(super) fn plain_name(name: &str) -> Result<&Path> {
    let path = Path::new(name);
    if path.file_name().is_some_and(|plain| plain == path.as_os_str()) {
        return Ok(path);
    }
    Err(Error::usage(format!(
        "name: {name:?} is not a plain file name; give --out a file instead of a folder"
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_leads_elsewhere_is_refused() {
        for name in ["../x", "/etc/passwd", "a/b", "..", ".", ""] {
            assert!(plain_name(name).is_err(), "{name}");
        }
        assert!(plain_name("report.html").is_ok());
    }
}
