//! Keeps the folder within its bound, and rid of what killed processes left.
//!
//! The time of last change is the time of last use: reading sets it. Only files with names of ours are touched, so
//! that a folder given by mistake loses nothing.

use std::ffi::OsStr;
use std::fs::{self, DirEntry, Metadata};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use model::clock::{Clock, SystemClock};

/// What the name of a file begins with while it is written.
pub(super) const NEW: &str = "new-";

/// What every name ends with but the key's.
pub(super) const CODE: &str = ".code";

/// Bytes of a digest in a name.
const DIGEST_LETTERS: usize = 64;

/// Writing takes seconds; what is older was left by a process that was killed.
const LEFTOVER_AGE: Duration = Duration::from_secs(3600);

/// Deletes leftovers, and what was not used for longest until the rest has at most `most` bytes.
pub(super) fn tidy(folder: &Path, most: u64) -> io::Result<()> {
    let now = SystemTime::from(SystemClock.now());
    for (path, metadata) in files(folder)? {
        // A time that lies ahead is no age.
        let age = now.duration_since(metadata.modified()?).unwrap_or_default();
        if is_new(&path) && age > LEFTOVER_AGE {
            remove(&path)?;
        }
    }
    make_room(folder, most)
}

/// Deletes what was not used for longest until the rest has at most `most` bytes. What is being written counts and
/// stays.
pub(super) fn make_room(folder: &Path, most: u64) -> io::Result<()> {
    let mut total = 0;
    let mut old = Vec::new();
    for (path, metadata) in files(folder)? {
        total += metadata.len();
        if !is_new(&path) {
            old.push((metadata.modified()?, metadata.len(), path));
        }
    }
    old.sort();
    for (_, size, path) in old {
        if total <= most {
            break;
        }
        // Who reads it just now keeps it open and reads on.
        remove(&path)?;
        tracing::debug!(file = %path.display(), "made room in the cache of compiled code");
        total -= size;
    }
    Ok(())
}

/// The files with names of ours. Other processes may delete them meanwhile.
fn files(folder: &Path) -> io::Result<Vec<(PathBuf, Metadata)>> {
    let look = |entry: io::Result<DirEntry>| {
        let entry = entry?;
        Ok((entry.path(), entry.metadata()?))
    };
    let mut files = Vec::new();
    for file in fs::read_dir(folder)?.map(look) {
        match file {
            Ok((path, metadata)) if metadata.is_file() && is_ours(&path) => files.push((path, metadata)),
            Ok(_) => {}
            Err(error) if is_gone(&error) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(files)
}

fn is_ours(path: &Path) -> bool {
    let Some(name) = path.file_name().and_then(OsStr::to_str).and_then(|name| name.strip_suffix(CODE)) else {
        return false;
    };
    let digest = name.as_bytes().split_at_checked(DIGEST_LETTERS);
    let named = digest
        .is_some_and(|(digest, rest)| digest.iter().all(u8::is_ascii_hexdigit) && rest.starts_with(b"-"));
    named || name.starts_with(NEW)
}

fn is_new(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(NEW.as_bytes()))
}

fn remove(path: &Path) -> io::Result<()> {
    fs::remove_file(path).or_else(|error| if is_gone(&error) { Ok(()) } else { Err(error) })
}

fn is_gone(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::NotFound
}
