//! What the sandbox tells whoever reads its log.

use std::io::{self, Write};
use std::sync::{Mutex, Once, PoisonError};

static LOG: Mutex<Vec<u8>> = Mutex::new(Vec::new());

/// Begins to listen; what is told before is lost.
pub(crate) fn listen() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| tracing_subscriber::fmt().with_ansi(false).with_writer(|| Ear).init());
}

/// The lines of `level` in which `part` stands: tests that share a process differ by their folders.
pub(crate) fn told(level: &str, part: &str) -> Vec<String> {
    let log = LOG.lock().unwrap_or_else(PoisonError::into_inner);
    let level = format!(" {level} ");
    let lines = std::str::from_utf8(&log).expect("it is text").lines();
    lines.filter(|line| line.contains(&level) && line.contains(part)).map(str::to_owned).collect()
}

struct Ear;

impl Write for Ear {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        LOG.lock().unwrap_or_else(PoisonError::into_inner).write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
