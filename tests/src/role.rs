//! One process of a system: started, ended and started again on the same data.

use std::path::{Path, PathBuf};
use std::process::ExitStatus;

use serde_json::Value;
use testkit::eventually::eventually_blocking;

use crate::jobctl::jobctl_path;
use crate::process::{Launch, Process};

/// One process of a system.
#[derive(Debug)]
pub struct Role {
    launch: Launch,
    ports_file: PathBuf,
    process: Option<Process>,
    ports: Value,
}

impl Role {
    /// `jobctl ARGUMENTS…`, not started yet; its files are in `folder` under its name.
    #[must_use]
    pub fn new(
        name: &str,
        mut arguments: Vec<String>,
        environment: Vec<(String, String)>,
        folder: &Path,
    ) -> Self {
        let ports_file = folder.join(name).with_extension("ports.json");
        arguments.extend(["--ports-file".to_owned(), ports_file.display().to_string()]);
        if name != "dev" {
            arguments
                .extend(["--cache-dir".to_owned(), folder.join(name).join("cache").display().to_string()]);
        }
        let launch = Launch {
            program: jobctl_path(),
            arguments,
            environment,
            log: folder.join(name).with_extension("log"),
        };
        Self { launch, ports_file, process: None, ports: Value::Null }
    }

    /// Asks it to end (SIGTERM) and waits until it has, with success.
    ///
    /// # Panics
    /// When it does not, or does not run.
    pub fn terminate(&mut self) {
        self.process.as_ref().expect("it runs").ask_to_end();
        self.ended();
    }

    /// Ends it as a crash would.
    ///
    /// # Panics
    /// When it does not run.
    pub fn kill(&mut self) {
        self.process.take().expect("it runs").kill();
    }

    /// Starts it again on the same data, and waits until it is ready.
    ///
    /// # Panics
    /// When it does not come up.
    pub fn start(&mut self) {
        self.begin();
        self.ready();
    }

    /// Whether its process runs: it was started, and did not end since, by itself or by others.
    pub fn is_running(&mut self) -> bool {
        self.process.as_mut().is_some_and(Process::is_running)
    }

    /// Sends it a signal by its name, as in `STOP`, `CONT`, `INT`.
    ///
    /// # Panics
    /// When it does not run.
    pub fn signal(&self, name: &str) {
        self.process.as_ref().expect("it runs").signal(name);
    }

    /// Waits until it has ended, however: by a signal of ours, or by itself.
    ///
    /// # Panics
    /// When it was not started, or does not end within a minute.
    pub fn exit(&mut self) -> ExitStatus {
        self.process.take().expect("it was started").ended()
    }

    /// Changes what it is started with from its next start on: its arguments and its environment.
    pub fn launch(&mut self) -> &mut Launch {
        &mut self.launch
    }

    /// Whether it was started and not ended since.
    #[must_use]
    pub fn is_up(&self) -> bool {
        self.process.is_some()
    }

    /// The URL of its control service, if it is a host.
    ///
    /// # Panics
    /// When it is not up or has none.
    #[must_use]
    pub fn control(&self) -> &str {
        assert!(self.is_up(), "it does not run");
        self.ports["control"].as_str().unwrap_or_else(|| panic!("no `control` in {}", self.ports))
    }

    /// The URL of its API.
    ///
    /// # Panics
    /// When it is not up or has none.
    #[must_use]
    pub fn api(&self) -> &str {
        assert!(self.is_up(), "it does not run");
        self.ports["api"].as_str().unwrap_or_else(|| panic!("no `api` in {}", self.ports))
    }

    /// The id of its process.
    ///
    /// # Panics
    /// When it is not up.
    #[must_use]
    pub fn pid(&self) -> u32 {
        assert!(self.is_up(), "it does not run");
        let pid = self.ports["pid"].as_u64().and_then(|pid| pid.try_into().ok());
        pid.unwrap_or_else(|| panic!("no `pid` in {}", self.ports))
    }

    /// What it has printed since its system was made.
    #[must_use]
    pub fn log_text(&self) -> String {
        std::fs::read_to_string(&self.launch.log).unwrap_or_default()
    }

    /// Where that is kept.
    #[must_use]
    pub fn log(&self) -> &Path {
        &self.launch.log
    }

    /// Asks it to end (SIGTERM), if it runs.
    ///
    /// # Panics
    /// When it has ended by itself.
    pub fn ask_to_end(&self) {
        if let Some(process) = &self.process {
            process.ask_to_end();
        }
    }

    /// Starts it, unless it runs.
    ///
    /// # Panics
    /// When it cannot be started.
    pub fn begin(&mut self) {
        if self.process.is_none() {
            // It is there only if this process never ran.
            let _ = std::fs::remove_file(&self.ports_file);
            self.process = Some(Process::start(&self.launch));
        }
    }

    /// Waits until it says that it is ready.
    ///
    /// # Panics
    /// When it was not started, ends instead, or does not come up within a minute.
    pub fn ready(&mut self) {
        let process = self.process.as_mut().expect("it was started");
        let text = eventually_blocking("the ports file of a process", || {
            let text = std::fs::read_to_string(&self.ports_file).ok();
            assert!(text.is_some() || process.is_running(), "it ended:\n{}", process.log_text());
            text
        });
        self.ports = serde_json::from_str(&text).unwrap_or_else(|e| panic!("{e}: {text}"));
    }

    /// Waits until it has ended, with success.
    pub(crate) fn ended(&mut self) {
        if let Some(mut process) = self.process.take() {
            let status = process.ended();
            assert!(status.success(), "{} ended with {status}", self.launch.log.display());
        }
    }
}
