//! A child process that ends with its test, however the test ends.

use std::fs::File;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// How long a process may take to end once it was asked to: a drain timeout and the work around it.
const END: Duration = Duration::from_secs(60);

/// Where programs are looked for.
const PATH: &str = "/usr/local/bin:/usr/bin:/bin";

/// What to start.
#[derive(Debug, Clone)]
pub struct Launch {
    /// The program.
    pub program: PathBuf,
    /// Its arguments.
    pub arguments: Vec<String>,
    /// All of its environment but the path.
    pub environment: Vec<(String, String)>,
    /// What it prints is appended here.
    pub log: PathBuf,
}

/// A running program; killed when dropped, and by the kernel when the test dies first.
#[derive(Debug)]
pub struct Process {
    child: Child,
    log: PathBuf,
}

impl Process {
    /// Starts what `launch` says.
    ///
    /// # Panics
    /// When it cannot be started.
    #[must_use]
    pub fn start(launch: &Launch) -> Self {
        let Launch { program, arguments, environment, log } = launch;
        let out = File::options().create(true).append(true).open(log).expect("the log can be written");
        let child = Command::new("setpriv")
            .args(["--pdeathsig", "KILL"])
            .arg(program)
            .args(arguments)
            // Nothing of the one who runs the tests.
            .env_clear()
            .env("PATH", PATH)
            .envs(environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(out.try_clone().expect("a second handle"))
            .stderr(out)
            .spawn()
            .unwrap_or_else(|e| panic!("{} {arguments:?}: {e}", program.display()));
        Self { child, log: log.clone() }
    }

    /// Asks it to end (SIGTERM) and waits until it has.
    ///
    /// # Panics
    /// When it does not end within a minute, or not with success.
    pub fn terminate(&mut self) {
        self.ask_to_end();
        let status = self.ended();
        assert!(status.success(), "ended with {status}:\n{}", self.log_text());
    }

    /// Asks it to end (SIGTERM).
    ///
    /// # Panics
    /// When it is gone already.
    pub fn ask_to_end(&self) {
        self.signal("TERM");
    }

    /// Waits until it has ended by itself.
    ///
    /// # Panics
    /// When it does not within a minute.
    pub fn ended(&mut self) -> ExitStatus {
        let deadline = Instant::now() + END;
        loop {
            if let Some(status) = self.child.try_wait().expect("it is ours") {
                return status;
            }
            assert!(Instant::now() < deadline, "still running after {END:?}:\n{}", self.log_text());
            std::thread::park_timeout(Duration::from_millis(20));
        }
    }

    /// Ends it as a crash would (SIGKILL), and waits until it is gone.
    ///
    /// # Panics
    /// When it is gone already.
    pub fn kill(&mut self) {
        self.signal("KILL");
        self.ended();
    }

    /// Whether it still runs.
    ///
    /// # Panics
    /// Never: it is our child.
    pub fn is_running(&mut self) -> bool {
        self.child.try_wait().expect("it is ours").is_none()
    }

    /// What it printed so far.
    #[must_use]
    pub fn log_text(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// Sends it a signal by its name, as in `STOP`.
    ///
    /// # Panics
    /// When it is gone already.
    pub fn signal(&self, name: &str) {
        // setpriv became the program, so that its id is ours.
        let pid = self.child.id().to_string();
        let sent = Command::new("kill").args([&format!("-{name}"), &pid]).status().expect("kill");
        assert!(sent.success(), "process {pid} was gone already:\n{}", self.log_text());
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended by itself; then there is nothing to kill.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
