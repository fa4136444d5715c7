//! The file of a history: written as it happens, from any thread.

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};

use anyhow::{Context as _, Result};
use model::clock::{Clock as _, SystemClock};

use crate::event::{Event, Line};

/// A history that is being written. Cheap to clone; clones write the same one.
#[derive(Debug, Clone)]
pub struct Journal(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    path: PathBuf,
    file: BufWriter<File>,
    /// The present trial.
    trial: Vec<Line>,
    /// The first failure to write; the file ends there.
    broken: Option<std::io::Error>,
}

impl Journal {
    /// Begins a new file.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn create(path: &Path) -> Result<Self> {
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).with_context(|| format!("make {}", folder.display()))?;
        }
        let file = File::create(path).with_context(|| format!("write {}", path.display()))?;
        let state =
            State { path: path.to_owned(), file: BufWriter::new(file), trial: Vec::new(), broken: None };
        Ok(Self(Arc::new(Mutex::new(state))))
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> PathBuf {
        self.state().path.clone()
    }

    /// Begins a trial.
    pub fn begin(&self, name: &str) {
        self.state().trial.clear();
        self.record(Event::Trial { name: name.to_owned() });
    }

    /// Writes what happened just now.
    pub fn record(&self, event: Event) {
        // Under the lock, so that lines stand in the order of their times.
        let mut state = self.state();
        let line = Line { at_us: now_us(), event };
        state.write(&line);
        state.trial.push(line);
    }

    /// Everything of the present trial; what was written is in the file then.
    ///
    /// # Errors
    /// When the file could not be written.
    pub fn trial(&self) -> Result<Vec<Line>> {
        let mut state = self.state();
        let flushed = state.file.flush();
        match state.broken.take().map_or(flushed, Err) {
            Ok(()) => Ok(state.trial.clone()),
            Err(error) => Err(error).with_context(|| format!("write {}", state.path.display())),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().expect("nobody panics with it")
    }
}

impl State {
    fn write(&mut self, line: &Line) {
        if self.broken.is_some() {
            return;
        }
        let text = serde_json::to_string(line).map_err(std::io::Error::other);
        self.broken = text.and_then(|text| writeln!(self.file, "{text}")).err();
    }
}

/// The lines of a history's file.
///
/// # Errors
/// When it cannot be read, or a line of it is none.
pub fn read(path: &Path) -> Result<Vec<Line>> {
    let file = File::open(path).with_context(|| format!("read {}", path.display()))?;
    let mut lines = Vec::new();
    for (number, text) in BufReader::new(file).lines().enumerate() {
        let place = || format!("{}:{}", path.display(), number + 1);
        let text = text.with_context(place)?;
        lines.push(serde_json::from_str(&text).with_context(place)?);
    }
    Ok(lines)
}

/// Now, in microseconds since 1970.
#[must_use]
pub fn now_us() -> i64 {
    SystemClock.now().timestamp_micros()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Effect, Fault, FaultId, Hit, Process};
    use crate::truth::{Job, Truth};

    #[test]
    fn what_is_written_is_read_again() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("deep/history.jsonl");
        let events = [
            Event::Asked { job: "a".to_owned(), key: None },
            Event::Told { asked: "a".to_owned(), job: "a".to_owned() },
            Event::Fault(Fault { fault: FaultId(1), name: "kill -9".to_owned(), hit: Hit::host("host-1") }),
            Event::Effect(Effect { job: "a".to_owned(), attempt: 1, effect: 1, key: Some("a-0".to_owned()) }),
            Event::Process(Process {
                name: "host-1".to_owned(),
                pid_before: Some(1),
                pid_after: None,
                restarted: true,
                panics: 0,
                resident_before_kib: 7,
                resident_after_kib: 8,
            }),
            Event::Truth(Truth { jobs: vec![Job::default()], ..Truth::default() }),
        ];

        let journal = Journal::create(&path).expect("it can be written");
        journal.begin("one");
        for event in events.clone() {
            journal.record(event);
        }

        let trial = journal.trial().expect("it was written");
        assert_eq!(read(&path).expect("it can be read"), trial);
        assert!(trial[1..].iter().map(|line| &line.event).eq(&events));
    }

    #[test]
    fn a_trial_begins_empty_and_the_file_keeps_all() {
        let folder = tempfile::tempdir().expect("a folder");
        let journal = Journal::create(&folder.path().join("history.jsonl")).expect("it can be written");

        journal.begin("one");
        journal.begin("two");

        assert_eq!(journal.trial().expect("it was written").len(), 1);
        assert_eq!(read(&journal.path()).expect("it can be read").len(), 2);
    }
}
