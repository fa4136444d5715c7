//! The key of the cache's checksums: random, private, in a file of the folder it belongs to.
//!
//! It is read anew each time: whoever clears the folder while we run, or starts another process on it, changes it.

use std::fs::{self, File, Permissions};
use std::io::{self, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use anyhow::Context;
use tempfile::NamedTempFile;

use super::eviction::{CODE, NEW};

/// The name of the file.
const FILE: &str = "key";

/// A key.
pub(super) type Secret = [u8; 32];

/// The folder's key, which is made if there is none.
pub(super) fn ensured(folder: &Path) -> anyhow::Result<Secret> {
    if let Some(secret) = existing(folder)? {
        return Ok(secret);
    }
    let secret: Secret = rand::random();
    let mut file = new_file(folder)?;
    file.write_all(&secret)?;
    file.as_file().sync_all()?;
    match file.persist_noclobber(folder.join(FILE)) {
        Ok(_) => Ok(secret),
        // Another process on the same folder was first.
        Err(_) => existing(folder)?.context("another process is changing it"),
    }
}

/// A private file that is deleted unless it gets another name.
pub(super) fn new_file(folder: &Path) -> io::Result<NamedTempFile> {
    tempfile::Builder::new().prefix(NEW).suffix(CODE).permissions(private()).tempfile_in(folder)
}

/// The folder's key, if it has one. One that others may read, or that has the wrong length, is deleted: then every
/// file fails its checksum and is made again.
pub(super) fn existing(folder: &Path) -> io::Result<Option<Secret>> {
    let path = folder.join(FILE);
    let file = match File::open(&path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut secret = Vec::new();
    let private = file.metadata()?.permissions().mode() & 0o077 == 0;
    file.take(64).read_to_end(&mut secret)?;
    match Secret::try_from(secret) {
        Ok(secret) if private => Ok(Some(secret)),
        _ => {
            tracing::warn!(file = %path.display(), "the key of the cache is not private or not whole: replaced");
            fs::remove_file(path)?;
            Ok(None)
        }
    }
}

/// Only we may read what is made here.
pub(super) fn private() -> Permissions {
    Permissions::from_mode(0o600)
}
