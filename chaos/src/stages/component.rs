//! Components that no host has seen yet.

use std::fs;
use std::path::{Path, PathBuf};

use model::clock::{Clock as _, SystemClock};
use model::id::{Digest, JobId};

use crate::guest;
use crate::trial::Trial;

/// The component of `touch`, the same code under a digest of its own: a custom section at its end makes it another.
pub(super) fn fresh(folder: &Path) -> PathBuf {
    let bytes = fs::read(guest::component()).expect("the component can be read");
    write(folder, differing(bytes))
}

/// Publishes it into a namespace of its own, and returns its digest.
pub(super) fn publish_fresh(trial: &mut Trial, namespace: &str) -> Digest {
    let path = fresh(trial.field.folder());
    publish(trial, &path, namespace);
    Digest::of(&fs::read(path).expect("it was written"))
}

/// Publishes the component at `path`.
pub(super) fn publish(trial: &mut Trial, path: &Path, namespace: &str) {
    let (path, place) = (path.to_str().expect("a plain path"), trial.field.sink().place());
    let answer =
        trial.field.jobctl().run(&["task", "publish", path, "--allow-http", &place, "-n", namespace]);
    assert_eq!(answer.code, 0, "{answer:?}");
}

/// The same component with something in it that no other has, and that means nothing.
pub(super) fn differing(mut bytes: Vec<u8>) -> Vec<u8> {
    let name = b"chaos";
    let id = JobId::generate(SystemClock.now()).to_string();
    let size = 1 + name.len() + id.len();
    bytes.extend([
        0,
        u8::try_from(size).expect("it is short"),
        u8::try_from(name.len()).expect("it is short"),
    ]);
    bytes.extend(name);
    bytes.extend(id.as_bytes());
    bytes
}

/// Writes a component under a name of its own.
pub(super) fn write(folder: &Path, bytes: Vec<u8>) -> PathBuf {
    let path = folder.join(format!("{}.wasm", Digest::of(&bytes)));
    fs::write(&path, bytes).expect("the folder can be written");
    path
}
