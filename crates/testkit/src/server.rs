//! A child process that listens on a free port and ends with its test.

use std::fs::File;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{OnceLock, mpsc};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, getuid, kill_process};

/// How long a server may take to answer, or to end: longer only when it never will.
const DEADLINE: Duration = Duration::from_secs(60);

/// Between two looks.
const LOOK: Duration = Duration::from_millis(10);

/// What to start, and how it ends.
pub(crate) struct Launch {
    /// The program.
    pub(crate) program: PathBuf,
    /// What it is told.
    pub(crate) arguments: Vec<String>,
    /// The user it runs as; none: the one who runs the tests.
    pub(crate) user: Option<String>,
    /// What it prints is appended here.
    pub(crate) log: PathBuf,
    /// The signal that ends it at once: sent when it is dropped, and by the kernel when the test dies.
    pub(crate) end: Signal,
}

/// A running server; ended when dropped, and when the test process ends in whatever way.
pub(crate) struct Process {
    child: Child,
    log: PathBuf,
    end: Signal,
}

impl Process {
    /// Starts it.
    ///
    /// # Panics
    /// When it cannot be started.
    pub(crate) fn start(launch: &Launch) -> Self {
        let out = File::options().create(true).append(true).open(&launch.log).expect("the log is writable");
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", signal_name(launch.end)]);
        if let Some(user) = &launch.user {
            command.args(["--reuid", user, "--regid", user, "--init-groups"]);
        }
        command
            .arg(&launch.program)
            .args(&launch.arguments)
            .stdin(Stdio::null())
            .stdout(out.try_clone().expect("a second handle"))
            .stderr(out);
        let child = nursery(command).unwrap_or_else(|e| panic!("start {}: {e}", launch.program.display()));
        Self { child, log: launch.log.clone(), end: launch.end }
    }

    /// Waits until `look` says yes; false when the process ended before.
    ///
    /// # Panics
    /// With `what` and the log, when neither came in time.
    pub(crate) async fn until(&mut self, what: &str, mut look: impl AsyncFnMut() -> bool) -> bool {
        let deadline = Instant::now() + DEADLINE;
        loop {
            if look().await {
                return true;
            }
            if self.ended().is_some() {
                return false;
            }
            assert!(Instant::now() < deadline, "waited in vain for {what}:\n{}", self.log_text());
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Sends `signal`; harmless when the process has ended.
    pub(crate) fn signal(&mut self, signal: Signal) {
        // A child that was waited for may have given its number to somebody else.
        if self.ended().is_none() {
            let _ = kill_process(Pid::from_child(&self.child), signal);
        }
    }

    /// Sends `signal` and waits for the end.
    ///
    /// # Panics
    /// With the log, when it does not end.
    pub(crate) async fn end(&mut self, signal: Signal) {
        self.signal(signal);
        let deadline = Instant::now() + DEADLINE;
        while self.ended().is_none() {
            assert!(Instant::now() < deadline, "it does not end:\n{}", self.log_text());
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Its process id.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// How it ended, if it has.
    pub(crate) fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().expect("it is our child")
    }

    /// Its own children (a server may fork).
    pub(crate) fn children(&self) -> Vec<Pid> {
        let id = self.child.id();
        let listed = std::fs::read_to_string(format!("/proc/{id}/task/{id}/children")).unwrap_or_default();
        listed.split_whitespace().filter_map(|pid| pid.parse().ok().and_then(Pid::from_raw)).collect()
    }

    /// What it printed so far.
    pub(crate) fn log_text(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.signal(self.end);
        let deadline = Instant::now() + Duration::from_secs(5);
        while self.ended().is_none() && Instant::now() < deadline {
            std::thread::park_timeout(LOOK);
        }
        // It may be stopped, or deaf to its signal.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A port on which nobody listens on loopback just now. Somebody else may take it before its user does, so
/// whoever starts a server is ready to try another.
pub(crate) fn free_port() -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("loopback has a free port");
    listener.local_addr().expect("it is bound").port()
}

/// Whether the tests run as root: then servers that refuse root run as somebody else.
pub(crate) fn is_root() -> bool {
    getuid().is_root()
}

/// Gives `path` to `user`, when the tests run as root.
pub(crate) fn give(path: &Path, user: &str) {
    let told = Command::new("chown").arg(format!("{user}:")).arg(path).status();
    assert!(told.is_ok_and(|status| status.success()), "chown {} to {user}", path.display());
}

fn signal_name(signal: Signal) -> &'static str {
    match signal {
        Signal::QUIT => "QUIT",
        Signal::INT => "INT",
        Signal::TERM => "TERM",
        _ => "KILL",
    }
}

/// Starts the process from a thread that lives as long as we do: the kernel sends the death signal when
/// the *thread* ends that made the child, and a test's thread may end before a server that others share.
fn nursery(command: Command) -> std::io::Result<Child> {
    type Birth = (Command, mpsc::Sender<std::io::Result<Child>>);
    static NURSERY: OnceLock<mpsc::Sender<Birth>> = OnceLock::new();
    let births = NURSERY.get_or_init(|| {
        let (sender, births) = mpsc::channel::<Birth>();
        std::thread::spawn(move || {
            for (mut command, parent) in births {
                // The one who asked waits for it, or its test has ended.
                let _ = parent.send(command.spawn());
            }
        });
        sender
    });
    let (sender, child) = mpsc::channel();
    births.send((command, sender)).expect("the nursery never ends");
    child.recv().expect("the nursery never ends")
}
