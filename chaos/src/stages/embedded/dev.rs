//! A `jobctl dev` of a stage's own.

use std::path::{Path, PathBuf};
use std::time::Duration;

use stories::{Answer, Jobctl, Role};
use testkit::port::Port;

use crate::guest;
use crate::trial::Trial;

/// How long the jobs that are left may take to end: those of a minute of which nothing was left to run in.
const PATIENCE: Duration = Duration::from_secs(120);

/// The name of its host.
pub(super) const HOST: &str = "dev";

/// A `jobctl dev`, on the same port over all of its lives.
pub(super) struct Dev {
    role: Role,
    data: PathBuf,
    port: Port,
}

impl Dev {
    /// One whose data are in `data`, not started yet.
    pub(super) fn on(data: &Path, trial: &Trial) -> Self {
        let port = Port::reserve();
        let number = port.address().port().to_string();
        let arguments = ["dev", "--port", &number, "--data-dir", data.to_str().expect("a plain path")];
        let home = ("HOME".to_owned(), trial.field.folder().display().to_string());
        let folder = trial.field.folder().join(format!("dev-{number}"));
        std::fs::create_dir_all(&folder).expect("a folder");
        let role = Role::new("dev", arguments.map(str::to_owned).to_vec(), vec![home], &folder);
        Self { role, data: data.to_owned(), port }
    }

    /// The URL of its API, whether it runs or not.
    pub(super) fn url(&self) -> String {
        format!("http://{}", self.port.address())
    }

    pub(super) fn jobctl(&self) -> Jobctl {
        Jobctl::at(&self.url())
    }

    /// Starts it, and waits until it is ready.
    pub(super) fn start(&mut self) {
        self.role.start();
    }

    /// Starts it.
    pub(super) fn begin(&mut self) {
        self.role.begin();
    }

    /// Waits until it is ready.
    pub(super) fn ready(&mut self) {
        self.role.ready();
    }

    /// Ends it as a crash would.
    pub(super) fn kill(&mut self) {
        self.role.kill();
    }

    /// Ends it in order.
    pub(super) fn terminate(&mut self) {
        self.role.terminate();
    }

    pub(super) fn log_text(&self) -> String {
        self.role.log_text()
    }

    /// Its database.
    pub(super) fn file(&self) -> PathBuf {
        self.data.join("jobs.db")
    }

    /// Publishes the task of all loads.
    pub(super) fn publish(&self, trial: &Trial) {
        let (component, place) = (guest::component(), trial.field.sink().place());
        let _ = self.jobctl().publish(&component, &["--allow-http", &place]);
    }

    /// Another one on the same data, which ends by itself.
    pub(super) fn second(&self, data: &Path) -> Answer {
        self.jobctl().run(&["dev", "--port", "0", "--data-dir", data.to_str().expect("a plain path")])
    }

    /// Waits until nothing of it is unfinished.
    pub(super) fn until_ended(&self, trial: &mut Trial, words: &str) {
        let jobctl = self.jobctl();
        let unfinished = ["job", "list", "--state", "scheduled,queued,running", "--limit", "1"];
        trial.eventually(words, PATIENCE, |_| jobctl.list(&unfinished).is_empty());
    }

    /// It must not have panicked, and not have raised an alarm.
    pub(super) fn look_at_log(&self, trial: &mut Trial) {
        let log = self.log_text();
        let bad = log.lines().find(|line| line.contains("panicked at") || line.contains(" ERROR "));
        trial.require(bad.is_none(), format!("jobctl dev says {bad:?}"));
    }
}
