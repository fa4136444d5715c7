//! Compiled code on disk, which is trusted only after its checksum.
//!
//! Compiled code is native code: of single bits flipped in such a file most load unnoticed, and some kill the
//! process. So each file carries a keyed checksum over its name and every byte, and is read into memory, checked
//! there, and loaded from there. The key is random and belongs to the folder. Files are written aside, synced
//! and renamed; whatever does not check out is deleted and made again.
//!
//! Several processes may share a folder, it may be cleared or vanish at any time, and the disk may be full: then code
//! is compiled again, which costs time and nothing else.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context, bail, ensure};
use hmac::{Hmac, KeyInit, Mac};
use model::bounds::COMPONENT_BYTES_MAX;
use model::units::show_size;
use rustix::fs::{Timestamps, UTIME_NOW, futimens};
use sha2::Sha256;
use wasmtime::Engine;

use super::Key;
use super::eviction::{self, CODE};
use super::secret::{self, Secret};
use crate::compile::allowance::Allowance;
use crate::compile::parent::Code;
use crate::engine::fingerprint;

/// What each file begins with; the number is raised when the form changes.
const MAGIC: &[u8; 8] = b"jobcode1";

/// The bytes of the checksum.
const TAG_BYTES: usize = 32;

/// Where the code begins.
const HEAD_BYTES: usize = MAGIC.len() + TAG_BYTES;

/// The folder.
pub(super) struct Disk {
    folder: PathBuf,
    bytes_max: u64,
    /// Whether the last write failed: a disk that stays full is reported once.
    failing: AtomicBool,
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
    /// Uses `folder`, which is made if need be, for up to `bytes_max` bytes of code. A folder that cannot be used is
    /// reported; it is tried again when there is something to keep.
    pub(super) fn open(folder: &Path, bytes_max: u64) -> Self {
        let disk = Self { folder: folder.to_owned(), bytes_max, failing: AtomicBool::new(false) };
        disk.report(disk.set_up());
        disk
    }

    /// The code of `key`, if it is there and whole. What is not whole is deleted.
    pub(super) fn read(&self, key: Key, engine: &Engine) -> Option<Verified> {
        match self.try_read(key, engine) {
            Ok(file) => file.map(|file| Verified(Source::File(file))),
            Err(error) => {
                self.discard(key, engine, &format!("{error:#}"));
                None
            }
        }
    }

    /// Keeps `code`. When that fails the next process compiles again.
    pub(super) fn write(&self, key: Key, engine: &Engine, code: &Verified) {
        self.report(self.try_write(key, engine, code.bytes()));
    }

    /// Deletes what cannot be used, whatever it is.
    pub(super) fn discard(&self, key: Key, engine: &Engine, why: &str) {
        let path = self.path(key, engine);
        let is_folder = fs::symlink_metadata(&path).is_ok_and(|metadata| metadata.is_dir());
        let removed = if is_folder { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
        let file = path.display();
        match removed {
            Err(error) if !is_absent(&error) => {
                self.report(Err(error).with_context(|| format!("delete {file}, which is useless ({why})")));
            }
            _ => tracing::warn!(%file, why, "a file of compiled code is discarded and made again"),
        }
    }

    /// Tells of the first failure and of its end: a disk that stays full is no news each time.
    fn report(&self, done: anyhow::Result<()>) {
        let folder = self.folder.display();
        match done {
            Ok(()) if self.failing.swap(false, Ordering::Relaxed) => {
                tracing::info!(%folder, "the cache of compiled code can be used again");
            }
            Err(error) if !self.failing.swap(true, Ordering::Relaxed) => {
                let error = format!("{error:#}");
                tracing::warn!(%folder, error, "the cache folder cannot be used: compiled code is kept in memory only");
            }
            _ => {}
        }
    }

    fn set_up(&self) -> anyhow::Result<()> {
        make_folder(&self.folder)?;
        secret::ensured(&self.folder).context("read or write its key")?;
        eviction::tidy(&self.folder, self.bytes_max).context("make room")
    }

    fn try_read(&self, key: Key, engine: &Engine) -> anyhow::Result<Option<Vec<u8>>> {
        let path = self.path(key, engine);
        let metadata = match fs::symlink_metadata(&path) {
            Err(error) if is_absent(&error) => return Ok(None),
            metadata => metadata?,
        };
        // Opening a pipe would wait for its other end.
        ensure!(metadata.is_file(), "it is not a file");
        let (size, most) = (metadata.len(), Allowance::of(COMPONENT_BYTES_MAX).code_bytes);
        ensure!(size <= most, "it has {}, more than any code of ours", show_size(size));
        let file = match File::open(&path) {
            Err(error) if is_absent(&error) => return Ok(None),
            file => file?,
        };
        let mut bytes = Vec::with_capacity(usize::try_from(size)?);
        (&file).take(most).read_to_end(&mut bytes)?;
        let Some(secret) = secret::existing(&self.folder).context("the key of the folder")? else {
            bail!("the key of the folder is gone");
        };
        ensure!(is_whole(&secret, &name(key, engine), &bytes), "its checksum is wrong");
        // For eviction the time of change is the time of last use. A disk that refuses only makes it less exact.
        let now = rustix::fs::Timespec { tv_sec: 0, tv_nsec: UTIME_NOW };
        let _ = futimens(&file, &Timestamps { last_access: now, last_modification: now });
        Ok(Some(bytes))
    }

    fn try_write(&self, key: Key, engine: &Engine, code: &[u8]) -> anyhow::Result<()> {
        let size = (HEAD_BYTES + code.len()) as u64;
        if size > self.bytes_max {
            let (code, cache) = (show_size(size), show_size(self.bytes_max));
            tracing::info!(sha256 = %key.sha256, "compiled code of {code} is not kept: the cache has {cache}");
            return Ok(());
        }
        make_folder(&self.folder)?;
        let secret = secret::ensured(&self.folder).context("read or write its key")?;
        // Room first: so the bound holds, and nothing is evicted by its own writing.
        eviction::make_room(&self.folder, self.bytes_max - size).context("make room")?;
        let mut file = secret::new_file(&self.folder).context("make a file")?;
        file.write_all(MAGIC).context("write the file")?;
        file.write_all(&tag(&secret, &name(key, engine), code).finalize().into_bytes())?;
        file.write_all(code).context("write the file")?;
        file.as_file().sync_all().context("sync the file")?;
        file.persist(self.path(key, engine)).context("rename the file")?;
        File::open(&self.folder)?.sync_all().context("sync the folder")
    }

    fn path(&self, key: Key, engine: &Engine) -> PathBuf {
        self.folder.join(name(key, engine))
    }
}

fn make_folder(folder: &Path) -> anyhow::Result<()> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder).context("make the folder")
}

/// Whether an error says that there is nothing, the folder included.
fn is_absent(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

fn is_whole(secret: &Secret, name: &str, file: &[u8]) -> bool {
    let Some((head, code)) = file.split_at_checked(HEAD_BYTES) else {
        return false;
    };
    let Some(seen) = head.strip_prefix(MAGIC) else {
        return false;
    };
    tag(secret, name, code).verify_slice(seen).is_ok()
}

/// The checksum covers the name too: a file under another's name is as wrong as a flipped bit.
fn tag(secret: &Secret, name: &str, code: &[u8]) -> Hmac<Sha256> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret).expect("an HMAC takes a key of any length");
    mac.update(MAGIC);
    mac.update(name.as_bytes());
    mac.update(code);
    mac
}

/// Of one length, so that it cannot run into the code in the checksum.
fn name(key: Key, engine: &Engine) -> String {
    format!("{}-{:016x}-{}{CODE}", key.sha256, fingerprint(engine), key.flavour.letter())
}
