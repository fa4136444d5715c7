//! The file that tells others where a role listens, written whole once it is ready.

use std::fs::{self, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use serde_json::Value;

/// The file, or nothing when nobody asked for one. It goes away with the role.
#[derive(Debug)]
pub(super) struct PortsFile(Option<PathBuf>);

impl PortsFile {
    /// Takes away what an earlier process left: whoever waits for the file waits for this one.
    pub(super) fn at(path: Option<PathBuf>) -> anyhow::Result<Self> {
        if let Some(path) = &path {
            match fs::remove_file(path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    return Err(error).with_context(|| format!("replace the ports file {}", path.display()));
                }
                _ => {}
            }
        }
        Ok(Self(path))
    }

    /// Writes it aside and renames it.
    pub(super) fn write(&self, ports: &Value) -> anyhow::Result<()> {
        let Some(path) = &self.0 else { return Ok(()) };
        write(path, ports).with_context(|| format!("write the ports file {}", path.display()))
    }
}

impl Drop for PortsFile {
    fn drop(&mut self) {
        if let Some(path) = &self.0 {
            // It may not have been written, or the folder may be gone.
            let _ = fs::remove_file(path);
        }
    }
}

fn write(path: &Path, ports: &Value) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut file = tempfile::Builder::new()
        .prefix(".ports-")
        .permissions(Permissions::from_mode(0o666))
        .tempfile_in(folder)?;
    writeln!(file, "{ports}")?;
    file.persist(path)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_ports_file_is_there_as_long_as_its_role() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("ports.json");
        fs::write(&path, "stale").expect("written");

        let file = PortsFile::at(Some(path.clone())).expect("a path");
        let before = path.exists();
        file.write(&json!({"pid": 1})).expect("written");
        let during = fs::read_to_string(&path).expect("there");
        drop(file);

        assert_eq!((before, during.as_str(), path.exists()), (false, "{\"pid\":1}\n", false));
    }
}
