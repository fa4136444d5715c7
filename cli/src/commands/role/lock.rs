//! The lock of a data folder: one process at a time. The kernel lets go of it when the process ends, however
//! that ends.

use std::fs::{DirBuilder, File};
use std::io::{Read, Write};
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;

use anyhow::Context as _;
use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;

use crate::exit::{Error, Exit, Result};

/// Held as long as it lives.
#[derive(Debug)]
pub(super) struct Lock {
    _file: File,
}

impl Lock {
    /// Makes the folder if need be, and takes its lock.
    pub(super) fn take(folder: &Path) -> Result<Self> {
        let place = || format!("use the data folder {}", folder.display());
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)
            .with_context(place)
            .map_err(Error::from)?;
        let mut file = File::options()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(folder.join("lock"))
            .with_context(place)
            .map_err(Error::from)?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(Errno::WOULDBLOCK) => return Err(taken(folder, &mut file)),
            Err(error) => return Err(anyhow::Error::from(error).context(place()).into()),
        }
        let written = file.set_len(0).and_then(|()| writeln!(file, "{}", std::process::id()));
        written.with_context(place).map_err(Error::from)?;
        Ok(Self { _file: file })
    }
}

fn taken(folder: &Path, file: &mut File) -> Error {
    let mut pid = String::new();
    // Without a pid the message is shorter.
    let _ = file.read_to_string(&mut pid);
    let by = match pid.trim() {
        "" => String::new(),
        pid => format!(" by process {pid}"),
    };
    Error::new(Exit::Conflict, "conflict", format!("the data folder {} is in use{by}", folder.display()))
        .hint("stop it first, or choose another folder with --data-dir")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_holder_is_refused_and_told_who_holds_it() {
        let folder = tempfile::tempdir().expect("a folder");
        let data = folder.path().join("data");
        let first = Lock::take(&data).expect("free");

        let Error::Shown(refusal) = Lock::take(&data).expect_err("taken") else { panic!("it is shown") };
        drop(first);
        let again = Lock::take(&data);

        assert_eq!(refusal.exit, Exit::Conflict);
        assert!(
            refusal.message.ends_with(&format!("by process {}", std::process::id())),
            "{}",
            refusal.message
        );
        assert!(again.is_ok());
    }
}
