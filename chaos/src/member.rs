//! A scheduler or a host of a field, with the lines it hangs on.

use std::process::ExitStatus;
use std::time::{Duration, Instant};

use stories::{Launch, Role};
use testkit::link::Link;

/// A scheduler or a host. What a stage does to it here is known as done to it: its process may be another one then.
#[derive(Debug)]
pub struct Member {
    name: String,
    role: Role,
    database: Link,
    redis: Link,
    control: Option<Link>,
    base: Base,
}

/// How a process was when the trial began.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Base {
    pub(crate) pid: Option<u32>,
    pub(crate) resident_kib: u64,
    /// Bytes of its log so far.
    pub(crate) log_bytes: usize,
    /// A stage ended it since.
    pub(crate) restarted: bool,
}

impl Member {
    pub(crate) fn new(name: String, role: Role, database: Link, redis: Link, control: Option<Link>) -> Self {
        Self { name, role, database, redis, control, base: Base::default() }
    }

    /// Its name, as in `host-1` or `scheduler-2`.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its line to PostgreSQL.
    #[must_use]
    pub fn database(&self) -> &Link {
        &self.database
    }

    /// Its line to Redis.
    #[must_use]
    pub fn redis(&self) -> &Link {
        &self.redis
    }

    /// The line on which schedulers reach this host.
    ///
    /// # Panics
    /// When it is a scheduler.
    #[must_use]
    pub fn control(&self) -> &Link {
        self.control.as_ref().expect("a host has a control line")
    }

    /// All its lines are good again.
    pub fn pass(&self) {
        for link in [&self.database, &self.redis].into_iter().chain(&self.control) {
            link.pass();
        }
    }

    /// Ends it as a crash would, and waits until it is gone. It is thawed first if it stands still.
    ///
    /// # Panics
    /// When it does not run.
    pub fn kill(&mut self) {
        self.base.restarted = true;
        self.role.kill();
    }

    /// Asks it to end (SIGTERM) and waits until it has, with success.
    ///
    /// # Panics
    /// When it does not, or does not run.
    pub fn terminate(&mut self) {
        self.base.restarted = true;
        self.role.terminate();
    }

    /// Sends it a signal by its name: `TERM`, `INT`; [`Self::exit`] waits for what comes of it.
    ///
    /// # Panics
    /// When it does not run.
    pub fn signal(&mut self, name: &str) {
        self.base.restarted |= matches!(name, "TERM" | "INT" | "QUIT" | "KILL");
        self.role.signal(name);
    }

    /// Waits until it has ended, however.
    ///
    /// # Panics
    /// When it does not run, or does not end within a minute.
    pub fn exit(&mut self) -> ExitStatus {
        self.base.restarted = true;
        self.role.exit()
    }

    /// Lets its process stand still (SIGSTOP): connections stay open, nothing is answered, clocks go on.
    ///
    /// # Panics
    /// When it does not run.
    pub fn freeze(&self) {
        self.role.signal("STOP");
    }

    /// Lets it go on (SIGCONT).
    ///
    /// # Panics
    /// When it does not run.
    pub fn thaw(&self) {
        self.role.signal("CONT");
    }

    /// Starts it and waits until it is ready; nothing when it runs.
    ///
    /// # Panics
    /// When it does not come up within a minute.
    pub fn start(&mut self) {
        self.begin();
        self.role.ready();
    }

    /// Starts it without waiting; nothing when it runs.
    ///
    /// # Panics
    /// When it cannot be started.
    pub fn begin(&mut self) {
        if self.role.is_up() && !self.role.is_running() {
            self.role.exit();
        }
        self.role.begin();
    }

    /// Waits until it is ready.
    ///
    /// # Panics
    /// When it was not started, ends instead, or does not come up within a minute.
    pub fn ready(&mut self) {
        self.role.ready();
    }

    /// Whether its process runs (one that stands still does).
    pub fn is_running(&mut self) -> bool {
        self.role.is_running()
    }

    /// The process may end by itself and be started again: it is not held against it.
    pub fn expect_restart(&mut self) {
        self.base.restarted = true;
    }

    /// Changes what it is started with from its next start on: its arguments and its environment.
    pub fn launch(&mut self) -> &mut Launch {
        self.role.launch()
    }

    /// The id of its process.
    ///
    /// # Panics
    /// When it was not started.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.role.pid()
    }

    /// Its resident memory in KiB; 0 when it does not run.
    pub fn resident_kib(&mut self) -> u64 {
        if self.is_running() { bench::resident_kib(self.pid()).unwrap_or(0) } else { 0 }
    }

    /// How many threads it has; 0 when it does not run.
    pub fn threads(&mut self) -> usize {
        let pid = if self.is_running() { self.pid() } else { return 0 };
        std::fs::read_dir(format!("/proc/{pid}/task")).map_or(0, Iterator::count)
    }

    /// What it has printed since the trial began.
    #[must_use]
    pub fn log_text(&self) -> String {
        let text = self.role.log_text();
        text.get(self.base.log_bytes..).unwrap_or_default().to_owned()
    }

    /// The lines of that which contain `words`.
    #[must_use]
    pub fn log_lines(&self, words: &str) -> Vec<String> {
        self.log_text().lines().filter(|line| line.contains(words)).map(str::to_owned).collect()
    }

    /// Waits until it has printed a line with `words` since the trial began, and returns it; none when it has not
    /// within `patience`.
    #[must_use]
    pub fn log_line(&self, words: &str, patience: Duration) -> Option<String> {
        let deadline = Instant::now() + patience;
        loop {
            if let Some(line) = self.log_lines(words).into_iter().next() {
                return Some(line);
            }
            if Instant::now() >= deadline {
                return None;
            }
            std::thread::park_timeout(Duration::from_millis(20));
        }
    }

    /// The URL of its API, the same over restarts, if it is a scheduler.
    ///
    /// # Panics
    /// When it is a host.
    #[must_use]
    pub fn api(&self) -> &str {
        self.role.api()
    }

    /// Remembers how it is now, for the end of the trial.
    pub(crate) fn remember(&mut self) {
        let pid = self.is_running().then(|| self.pid());
        let resident_kib = self.resident_kib();
        self.base = Base { pid, resident_kib, log_bytes: self.role.log_text().len(), restarted: false };
    }

    pub(crate) fn base(&self) -> Base {
        self.base
    }
}
