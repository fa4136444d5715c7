//! Compiled code on disk, which is trusted only after its checksum.
//!
//! Compiled code is native code: of single bits flipped in such a file most load unnoticed, and some kill the
//! process. So each file carries a keyed checksum over its name and every byte, and is read into memory, checked
//! there, and loaded from there. The key is random and belongs to the folder. Files are written aside, synced
//! and renamed; whatever does not check out is deleted and made again.

use std::fs::{self, File, Permissions};
use std::io::{Read, Write};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context;
use hmac::{Hmac, KeyInit, Mac};
use rustix::fs::{Timestamps, UTIME_NOW, futimens};
use sha2::Sha256;
use wasmtime::Engine;

use super::Key;
use crate::compile::parent::Code;
use crate::engine::fingerprint;

/// What each file begins with; the number is raised when the form changes.
const MAGIC: &[u8; 8] = b"jobcode1";

/// The bytes of the checksum.
const TAG_BYTES: usize = 32;

/// Where the code begins.
const HEAD_BYTES: usize = MAGIC.len() + TAG_BYTES;

/// The name of the file with the key.
const KEY_FILE: &str = "key";

/// The folder.
pub(super) struct Disk {
    folder: PathBuf,
    bytes_max: u64,
    secret: [u8; 32],
}

/// Compiled code that may be loaded: fresh from the compile worker, or with the right checksum.
pub(super) struct Verified(Source);

enum Source {
    Fresh(Arc<Code>),
    File(Vec<u8>),
}

impl Verified {
    /// Code that our own compile worker has just made.
    pub(super) fn fresh(code: &Arc<Code>) -> Self {
        Self(Source::Fresh(Arc::clone(code)))
    }

    /// The code.
    pub(super) fn bytes(&self) -> &[u8] {
        match &self.0 {
            Source::Fresh(code) => &code.bytes,
            Source::File(file) => &file[HEAD_BYTES..],
        }
    }
}

impl Disk {
    /// Uses `folder`, which is made if need be, for up to `bytes_max` bytes.
    pub(super) fn open(folder: &Path, bytes_max: u64) -> anyhow::Result<Self> {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(folder).context("make the folder")?;
        let secret = secret(folder).context("read or write its key")?;
        Ok(Self { folder: folder.to_owned(), bytes_max, secret })
    }

    /// The code of `key`, if it is there and whole. What is not whole is deleted.
    pub(super) fn read(&self, key: Key, engine: &Engine) -> Option<Verified> {
        let path = self.path(key, engine);
        let mut bytes = Vec::new();
        let file = match File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return None,
            Err(error) => {
                self.discard(key, engine, &error.to_string());
                return None;
            }
        };
        if let Err(error) = (&file).read_to_end(&mut bytes) {
            self.discard(key, engine, &error.to_string());
            return None;
        }
        if !self.is_whole(key, engine, &bytes) {
            self.discard(key, engine, "its checksum is wrong");
            return None;
        }
        // For eviction the time of change is the time of last use. A disk that refuses only makes it less exact.
        let now = rustix::fs::Timespec { tv_sec: 0, tv_nsec: UTIME_NOW };
        let _ = futimens(&file, &Timestamps { last_access: now, last_modification: now });
        Some(Verified(Source::File(bytes)))
    }

    /// Keeps `code`. When that fails the next process compiles again.
    pub(super) fn write(&self, key: Key, engine: &Engine, code: &Verified) {
        if let Err(error) = self.try_write(key, engine, code.bytes()) {
            tracing::warn!(
                folder = %self.folder.display(),
                error = %format!("{error:#}"),
                "compiled code could not be kept on disk"
            );
        }
    }

    /// Deletes what cannot be used.
    pub(super) fn discard(&self, key: Key, engine: &Engine, why: &str) {
        let path = self.path(key, engine);
        tracing::warn!(file = %path.display(), why, "a file of compiled code is discarded and made again");
        if let Err(error) = fs::remove_file(&path) {
            tracing::warn!(file = %path.display(), %error, "it could not be deleted");
        }
    }

    fn try_write(&self, key: Key, engine: &Engine, code: &[u8]) -> anyhow::Result<()> {
        let mut file = tempfile::Builder::new()
            .prefix("new-")
            .permissions(Permissions::from_mode(0o600))
            .tempfile_in(&self.folder)
            .context("make a file")?;
        file.write_all(MAGIC)?;
        file.write_all(&self.tag(key, engine, code).finalize().into_bytes())?;
        file.write_all(code)?;
        file.as_file().sync_all().context("sync the file")?;
        file.persist(self.path(key, engine)).context("rename the file")?;
        File::open(&self.folder)?.sync_all().context("sync the folder")?;
        self.evict().context("make room")
    }

    fn is_whole(&self, key: Key, engine: &Engine, file: &[u8]) -> bool {
        let Some((head, code)) = file.split_at_checked(HEAD_BYTES) else {
            return false;
        };
        let Some(tag) = head.strip_prefix(MAGIC) else {
            return false;
        };
        self.tag(key, engine, code).verify_slice(tag).is_ok()
    }

    /// The checksum covers the name too: a file under another's name is as wrong as a flipped bit.
    fn tag(&self, key: Key, engine: &Engine, code: &[u8]) -> Hmac<Sha256> {
        let mut mac =
            Hmac::<Sha256>::new_from_slice(&self.secret).expect("an HMAC takes a key of any length");
        mac.update(MAGIC);
        mac.update(name(key, engine).as_bytes());
        mac.update(code);
        mac
    }

    fn path(&self, key: Key, engine: &Engine) -> PathBuf {
        self.folder.join(name(key, engine))
    }

    /// Deletes what was not used for longest until the rest fits.
    fn evict(&self) -> std::io::Result<()> {
        let mut files = Vec::new();
        for entry in fs::read_dir(&self.folder)? {
            let entry = entry?;
            let metadata = entry.metadata()?;
            if metadata.is_file() && entry.file_name() != KEY_FILE {
                files.push((metadata.modified()?, metadata.len(), entry.path()));
            }
        }
        let mut total: u64 = files.iter().map(|(_, size, _)| size).sum();
        files.sort();
        for (_, size, path) in files {
            if total <= self.bytes_max {
                break;
            }
            fs::remove_file(path)?;
            total -= size;
        }
        Ok(())
    }
}

/// Of one length, so that it cannot run into the code in the checksum.
fn name(key: Key, engine: &Engine) -> String {
    format!("{}-{:016x}-{}.code", key.sha256, fingerprint(engine), key.flavour.letter())
}

/// The folder's key. One that others may read, or that has the wrong length, is replaced: then every file fails
/// its checksum and is made again.
fn secret(folder: &Path) -> anyhow::Result<[u8; 32]> {
    let path = folder.join(KEY_FILE);
    if let Some(secret) = existing_secret(&path)? {
        return Ok(secret);
    }
    let secret: [u8; 32] = rand::random();
    let mut file = tempfile::Builder::new()
        .prefix("new-")
        .permissions(Permissions::from_mode(0o600))
        .tempfile_in(folder)?;
    file.write_all(&secret)?;
    file.as_file().sync_all()?;
    match file.persist_noclobber(&path) {
        Ok(_) => Ok(secret),
        // Another process on the same folder was first.
        Err(_) => existing_secret(&path)?.context("another process is changing it"),
    }
}

fn existing_secret(path: &Path) -> anyhow::Result<Option<[u8; 32]>> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let mut secret = Vec::new();
    let private = file.metadata()?.permissions().mode() & 0o077 == 0;
    file.take(64).read_to_end(&mut secret)?;
    match <[u8; 32]>::try_from(secret) {
        Ok(secret) if private => Ok(Some(secret)),
        _ => {
            tracing::warn!(file = %path.display(), "the key of the cache is not private or not whole: replaced");
            fs::remove_file(path)?;
            Ok(None)
        }
    }
}
