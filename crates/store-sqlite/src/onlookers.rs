//! Whether somebody else reads the files of the database at present, as whoever copies them does.
//!
//! The kernel tells of each open and close in the folder (inotify). A copy begins when one of the two files is opened, and
//! is over when both were opened and closed as often as it began:
//!
//! ```text
//!   opens, reads, closes jobs.db-wal  ── … ──  opens, reads, closes jobs.db
//!   └─ begun                                                      over ─┘
//! ```
//!
//! This process opens all it needs before it looks, and keeps it open. Where nothing can be seen (another system than
//! Linux, a reader on another machine), nobody is ever seen.

use std::path::Path;
use std::time::{Duration, Instant};

/// How long whoever has read one of the files may take to come to the other, after the last that was seen of it: longer
/// than a large cache beside them takes to be copied. To read one alone costs that much log.
const PATIENCE: Duration = Duration::from_secs(300);

/// The same after the start, when it is not known who was there before.
const PATIENCE_AT_START: Duration = Duration::from_secs(15);

/// What others have opened and closed of one file since it was quiet.
#[derive(Debug, Default, Clone, Copy)]
struct Seen {
    opened: u32,
    closed: u32,
}

#[derive(Debug)]
pub(crate) struct Onlookers {
    #[cfg(target_os = "linux")]
    events: Option<linux::Events>,
    /// Copies that may have begun without being seen.
    unseen: u32,
    file: Seen,
    log: Seen,
    last: Instant,
    patience: Duration,
}

/// What was seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Event {
    /// More than the kernel keeps: anything.
    Much,
    Opened(Part),
    Closed(Part),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    File,
    Log,
}

impl Onlookers {
    /// Looks from now on at the folder of the file at `path`.
    pub(crate) fn of(path: &Path) -> Self {
        Self {
            #[cfg(target_os = "linux")]
            events: linux::Events::of(path)
                .inspect_err(|error| {
                    tracing::warn!(%error, "it cannot be seen who copies the data folder: stop before it is copied");
                })
                .ok(),
            unseen: 1,
            file: Seen::default(),
            log: Seen::default(),
            last: Instant::now(),
            patience: PATIENCE_AT_START,
        }
    }

    /// Whether somebody may be in the middle of a copy at this moment.
    pub(crate) fn copy(&mut self) -> bool {
        #[cfg(target_os = "linux")]
        if let Some(mut events) = self.events.take() {
            events.read(|event| self.see(event));
            self.events = Some(events);
        }
        let begun = self.unseen.max(self.file.opened).max(self.log.opened);
        let open = self.file.opened > self.file.closed || self.log.opened > self.log.closed;
        let all_read = self.file.closed >= begun && self.log.closed >= begun;
        if begun > 0 && (all_read || (!open && self.last.elapsed() >= self.patience)) {
            self.forget();
        }
        self.unseen > 0 || self.file.opened > 0 || self.log.opened > 0
    }

    /// Nobody is there.
    pub(crate) fn forget(&mut self) {
        (self.unseen, self.file, self.log, self.patience) = (0, Seen::default(), Seen::default(), PATIENCE);
    }

    #[cfg_attr(not(target_os = "linux"), expect(dead_code, reason = "nothing is seen there"))]
    fn see(&mut self, event: Event) {
        match event {
            Event::Much => self.unseen += 1,
            Event::Opened(part) => self.part(part).opened += 1,
            // What was open before it was looked at: whoever reads it is not known to have begun.
            Event::Closed(part) => self.part(part).closed += 1,
        }
        self.last = Instant::now();
    }

    fn part(&mut self, part: Part) -> &mut Seen {
        match part {
            Part::File => &mut self.file,
            Part::Log => &mut self.log,
        }
    }
}

#[cfg(target_os = "linux")]
mod linux {
    use std::ffi::{CString, OsString};
    use std::io;
    use std::mem::MaybeUninit;
    use std::os::unix::ffi::OsStringExt;
    use std::path::Path;

    use rustix::fd::OwnedFd;
    use rustix::fs::inotify::{self, CreateFlags, ReadFlags, Reader, WatchFlags};

    use super::{Event, Part};

    /// Room for some dozens of events; what does not fit waits in the kernel.
    const BUFFER_BYTES: usize = 4096;

    #[derive(Debug)]
    pub(super) struct Events {
        inotify: OwnedFd,
        file: CString,
        log: CString,
    }

    impl Events {
        pub(super) fn of(path: &Path) -> io::Result<Self> {
            let name = path.file_name().ok_or(io::ErrorKind::InvalidFilename)?.to_owned();
            let mut log = name.clone();
            log.push("-wal");
            let text = |name: OsString| CString::new(name.into_vec());
            let folder =
                path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
            let inotify = inotify::init(CreateFlags::NONBLOCK | CreateFlags::CLOEXEC)?;
            inotify::add_watch(&inotify, folder, WatchFlags::OPEN | WatchFlags::CLOSE | WatchFlags::ONLYDIR)?;
            Ok(Self { inotify, file: text(name)?, log: text(log)? })
        }

        /// All that has happened since the last time.
        pub(super) fn read(&mut self, mut see: impl FnMut(Event)) {
            let mut buffer = [MaybeUninit::uninit(); BUFFER_BYTES];
            let mut reader = Reader::new(&self.inotify, &mut buffer);
            // It ends when there is no more for now.
            while let Ok(event) = reader.next() {
                let flags = event.events();
                let part = match event.file_name() {
                    Some(name) if name == self.file.as_c_str() => Part::File,
                    Some(name) if name == self.log.as_c_str() => Part::Log,
                    None if flags.contains(ReadFlags::QUEUE_OVERFLOW) => {
                        see(Event::Much);
                        continue;
                    }
                    _ => continue,
                };
                see(if flags.contains(ReadFlags::OPEN) { Event::Opened(part) } else { Event::Closed(part) });
            }
        }
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::fs::{self, File};

    use tempfile::TempDir;

    use super::*;

    /// A folder with both files, at which somebody looks; nobody is there.
    fn quiet() -> (TempDir, Onlookers) {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("jobs.db");
        fs::write(&path, "file").expect("written");
        fs::write(folder.path().join("jobs.db-wal"), "log").expect("written");
        fs::write(folder.path().join("other"), "other").expect("written");
        let mut onlookers = Onlookers::of(&path);
        onlookers.forget();
        (folder, onlookers)
    }

    #[test]
    fn a_copy_lasts_until_both_files_were_read() {
        let (folder, mut onlookers) = quiet();
        let listed = fs::read_dir(folder.path()).expect("a list").count();
        let before = onlookers.copy();

        let _ = fs::read(folder.path().join("jobs.db-wal")).expect("read");
        let log_read = onlookers.copy();
        let file = File::open(folder.path().join("jobs.db")).expect("opened");
        let file_open = onlookers.copy();
        drop(file);

        assert!(listed >= 3);
        assert_eq!((before, log_read, file_open, onlookers.copy()), (false, true, true, false));
    }

    #[test]
    fn of_two_copies_the_second_is_waited_for_too() {
        let (folder, mut onlookers) = quiet();
        let read = |name| fs::read(folder.path().join(name)).expect("read");
        let _ = (read("jobs.db"), read("jobs.db"));

        let _ = read("jobs.db-wal");
        let one = onlookers.copy();
        let _ = read("jobs.db-wal");

        assert_eq!((one, onlookers.copy()), (true, false));
    }

    #[test]
    fn who_reads_one_file_and_no_other_is_not_waited_for_without_end() {
        let (folder, mut onlookers) = quiet();
        let _ = fs::read(folder.path().join("jobs.db")).expect("read");
        let begun = onlookers.copy();

        onlookers.patience = Duration::ZERO;

        assert_eq!((begun, onlookers.copy()), (true, false));
    }

    #[test]
    fn who_reads_something_else_is_nobody() {
        let (folder, mut onlookers) = quiet();

        let _ = fs::read(folder.path().join("other")).expect("read");

        assert!(!onlookers.copy());
    }

    #[test]
    fn at_the_start_somebody_may_be_there() {
        let (folder, _) = quiet();

        assert!(Onlookers::of(&folder.path().join("jobs.db")).copy());
    }
}
