//! The binary as a user types it.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use testkit::eventually::eventually_blocking;

/// Where cargo put the binary that belongs to these tests.
///
/// # Panics
/// When it was not built.
#[must_use]
pub fn jobctl_path() -> PathBuf {
    let mut path = std::env::current_exe().expect("a test has a path");
    path.pop();
    if path.ends_with("deps") {
        path.pop();
    }
    let path = path.join("jobctl");
    assert!(path.exists(), "{} is not there: `cargo build -p cli` makes it", path.display());
    path
}

/// `jobctl` pointed at one server.
#[derive(Debug, Clone)]
pub struct Jobctl {
    server: String,
    token: Option<String>,
}

/// What a call answered.
#[derive(Debug)]
pub struct Answer {
    /// The exit code.
    pub code: i32,
    /// What it printed as data.
    pub stdout: String,
    /// What it printed for people.
    pub stderr: String,
}

impl Jobctl {
    /// `jobctl --server SERVER`.
    #[must_use]
    pub fn at(server: &str) -> Self {
        Self { server: server.to_owned(), token: None }
    }

    /// The same, showing `token` to the server; none: no token.
    #[must_use]
    pub fn with_token(mut self, token: Option<&str>) -> Self {
        self.token = token.map(str::to_owned);
        self
    }

    /// The server it is pointed at.
    #[must_use]
    pub fn server(&self) -> &str {
        &self.server
    }

    /// Runs `jobctl ARGUMENTS…` to its end.
    ///
    /// # Panics
    /// When it cannot be started or prints what is no text.
    #[must_use]
    pub fn run(&self, arguments: &[&str]) -> Answer {
        self.run_with(arguments, "")
    }

    /// Runs `jobctl ARGUMENTS…` with `input` on its standard input.
    ///
    /// # Panics
    /// When it cannot be started or prints what is no text.
    #[must_use]
    pub fn run_with(&self, arguments: &[&str], input: &str) -> Answer {
        let mut child = self
            .command(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("jobctl can be started");
        // One that does not read closes the pipe early, which is its right.
        let _ = child.stdin.take().expect("it is piped").write_all(input.as_bytes());
        Answer::from(child.wait_with_output().expect("jobctl ends"))
    }

    /// `jobctl ARGUMENTS…`, not started yet.
    #[must_use]
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(jobctl_path());
        command
            .args(arguments)
            .env("JOBCTL_SERVER", &self.server)
            .env_remove("JOBCTL_TOKEN")
            .env_remove("JOBCTL_NAMESPACE");
        if let Some(token) = &self.token {
            command.env("JOBCTL_TOKEN", token);
        }
        command
    }

    /// Runs `jobctl ARGUMENTS… -o json`, which must succeed, and reads its one document.
    ///
    /// # Panics
    /// When it fails or prints anything else.
    #[must_use]
    pub fn json(&self, arguments: &[&str]) -> Value {
        let (code, document) = self.document(arguments);
        assert_eq!(code, 0, "jobctl {arguments:?}: {document}");
        document
    }

    /// Runs `jobctl ARGUMENTS… -o json`, and returns its exit code and its one document.
    ///
    /// # Panics
    /// When it prints anything else.
    #[must_use]
    pub fn document(&self, arguments: &[&str]) -> (i32, Value) {
        let mut all = arguments.to_vec();
        all.extend(["-o", "json"]);
        let answer = self.run(&all);
        (answer.code, answer.json())
    }

    /// Runs `jobctl ARGUMENTS… -o json`, which must fail with `code`, and returns its `error`.
    ///
    /// # Panics
    /// When it succeeds, fails otherwise or prints anything else.
    #[must_use]
    pub fn refusal(&self, code: i32, arguments: &[&str]) -> Value {
        let (seen, document) = self.document(arguments);
        assert_eq!(seen, code, "jobctl {arguments:?}: {document}");
        let error = document["error"].clone();
        assert!(error["code"].is_string() && error["message"].is_string(), "{document}");
        error
    }

    /// Runs `jobctl ARGUMENTS… -o jsonl`, which must succeed, and reads its documents, one a line.
    ///
    /// # Panics
    /// When it fails or prints anything else.
    #[must_use]
    pub fn list(&self, arguments: &[&str]) -> Vec<Value> {
        let mut all = arguments.to_vec();
        all.extend(["-o", "jsonl"]);
        let answer = self.run(&all);
        assert_eq!(answer.code, 0, "jobctl {all:?}: {answer:?}");
        answer.lines()
    }

    /// Publishes a component.
    ///
    /// # Panics
    /// When it is refused.
    pub fn publish(&self, component: &Path, flags: &[&str]) -> Value {
        let mut arguments = vec!["task", "publish", component.to_str().expect("a plain path")];
        arguments.extend(flags);
        self.json(&arguments)
    }

    /// Enqueues a job and returns its id.
    ///
    /// # Panics
    /// When it is refused.
    #[must_use]
    pub fn enqueue(&self, task: &str, payload: &str, flags: &[&str]) -> String {
        let mut arguments = vec!["enqueue", task, payload];
        arguments.extend(flags);
        let answer = self.json(&arguments);
        answer["id"].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned()
    }

    /// The whole job.
    ///
    /// # Panics
    /// When there is none.
    #[must_use]
    pub fn job(&self, id: &str) -> Value {
        self.json(&["job", "show", id])
    }

    /// Waits until the job stands in `state`, and returns it.
    ///
    /// # Panics
    /// When it does not within a minute.
    #[must_use]
    pub fn job_in(&self, id: &str, state: &str) -> Value {
        eventually_blocking(&format!("job {id} to be {state}"), || {
            Some(self.job(id)).filter(|job| job["state"] == state)
        })
    }

    /// The text of the job's log lines, in their order.
    ///
    /// # Panics
    /// When there is no such job.
    #[must_use]
    pub fn log_texts(&self, id: &str) -> Vec<String> {
        let lines = self.list(&["job", "logs", id]);
        lines
            .iter()
            .map(|line| line["text"].as_str().unwrap_or_else(|| panic!("{line}")).to_owned())
            .collect()
    }
}

impl Answer {
    /// The one JSON document that was printed.
    ///
    /// # Panics
    /// When it is not one.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|e| panic!("{e}: {self:?}"))
    }

    /// The JSON documents that were printed, one a line.
    ///
    /// # Panics
    /// When a line is none.
    #[must_use]
    pub fn lines(&self) -> Vec<Value> {
        let read = |line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {self:?}"));
        self.stdout.lines().map(read).collect()
    }
}

impl From<Output> for Answer {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8(output.stdout).expect("stdout is text"),
            stderr: String::from_utf8(output.stderr).expect("stderr is text"),
        }
    }
}
