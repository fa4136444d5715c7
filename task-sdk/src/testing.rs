//! A stand-in for the host, so that a task's function is tested with a plain `cargo test`.
//!
//! ```
//! use serde_json::json;
//! use task_sdk::{Kind, TaskError, mail, task, testing};
//!
//! /// Greets by mail.
//! #[task]
//! fn greet(address: String) -> Result<(), TaskError> {
//!     task_sdk::log::info!("greeting {address}");
//!     mail::Message::new("Hello", "Good to see you.").to(address).send()?;
//!     Ok(())
//! }
//!
//! let played = testing::Host::new().run::<greet>(json!("ana@example.com"));
//! assert_eq!(played.result, Ok(json!(null)));
//! assert_eq!(played.recording.mails[0].to, ["ana@example.com"]);
//!
//! let away = testing::Host::new().mail(|_| Err(mail::Error::Unavailable("no route".to_owned())));
//! let error = away.run::<greet>(json!("ana@example.com")).result.unwrap_err();
//! assert_eq!(error.kind(), Kind::Retryable);
//! ```
//!
//! Capabilities that are used outside [`Host::run`] and [`Host::call`] speak with a host of the thread's own that
//! knows no configuration and no secret, takes every mail and job, and answers no request.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde::Serialize;
use serde_json::Value;

use crate::error::TaskError;
use crate::task::{Description, Task};
use crate::{context, http, log, mail, queue};

/// What a component would say of this task when it is published.
#[must_use]
pub fn describe<T: Task>() -> Description {
    crate::task::describe::<T>()
}

/// What a test answers with in place of the world.
pub(crate) type Handler<Asked, Answer> = Box<dyn FnMut(&Asked) -> Answer>;

/// What a test gives to a task.
pub struct Host {
    pub(crate) job: context::Job,
    pub(crate) cancelled: bool,
    pub(crate) config: BTreeMap<String, String>,
    pub(crate) secrets: BTreeSet<String>,
    pub(crate) mail: Option<Handler<mail::Message, Result<String, mail::Error>>>,
    pub(crate) http: Option<Handler<http::Request, Result<http::Response, http::Error>>>,
    pub(crate) recording: Recording,
}

/// What a task did with its host.
#[derive(Debug, Clone, Default)]
pub struct Recording {
    /// Lines of the log.
    pub logs: Vec<(log::Level, String)>,
    /// Percent and message.
    pub progress: Vec<(u8, String)>,
    /// Files by name.
    pub files: BTreeMap<String, File>,
    /// E-mails, whether they were taken or not.
    pub mails: Vec<mail::Message>,
    /// Requests, whether they were answered or not.
    pub requests: Vec<http::Request>,
    /// Child jobs.
    pub jobs: Vec<queue::Job>,
    /// What was saved last.
    pub checkpoint: Option<Vec<u8>>,
}

/// A file attached to the job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// As in `text/html`.
    pub media_type: String,
    /// All of it.
    pub data: Vec<u8>,
}

/// How a run went.
#[derive(Debug, Clone)]
pub struct Played<R> {
    /// What was returned.
    pub result: R,
    /// What was done with the host.
    pub recording: Recording,
}

impl Default for Host {
    fn default() -> Self {
        Self::new()
    }
}

impl Host {
    /// A host of the first of five attempts that grants nothing and takes every mail and job.
    #[must_use]
    pub fn new() -> Self {
        Self {
            job: context::Job {
                id: "00000000-0000-4000-8000-000000000000".to_owned(),
                task: "task".to_owned(),
                namespace: "default".to_owned(),
                queue: "default".to_owned(),
                attempt: 1,
                max_attempts: 5,
                timeout: Duration::from_secs(300),
            },
            cancelled: false,
            config: BTreeMap::new(),
            secrets: BTreeSet::new(),
            mail: None,
            http: None,
            recording: Recording::default(),
        }
    }

    /// What [`context::current`] says.
    #[must_use]
    pub fn job(mut self, job: context::Job) -> Self {
        self.job = job;
        self
    }

    /// Somebody asked to cancel.
    #[must_use]
    pub fn cancelled(mut self) -> Self {
        self.cancelled = true;
        self
    }

    /// A value of the configuration.
    #[must_use]
    pub fn config(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.config.insert(name.into(), value.into());
        self
    }

    /// Grants a secret.
    #[must_use]
    pub fn secret(mut self, name: impl Into<String>) -> Self {
        self.secrets.insert(name.into());
        self
    }

    /// What an earlier attempt saved.
    ///
    /// # Panics
    /// When it cannot be written as JSON.
    #[must_use]
    pub fn checkpoint<T: Serialize + ?Sized>(mut self, value: &T) -> Self {
        self.recording.checkpoint = Some(serde_json::to_vec(value).expect("a checkpoint is JSON"));
        self
    }

    /// Answers for the relay; without it every mail is taken.
    #[must_use]
    pub fn mail(
        mut self,
        relay: impl FnMut(&mail::Message) -> Result<String, mail::Error> + 'static,
    ) -> Self {
        self.mail = Some(Box::new(relay));
        self
    }

    /// Answers for the network; without it every request is denied.
    #[must_use]
    pub fn http(
        mut self,
        network: impl FnMut(&http::Request) -> Result<http::Response, http::Error> + 'static,
    ) -> Self {
        self.http = Some(Box::new(network));
        self
    }

    /// Runs a task as the platform does: from JSON to JSON.
    ///
    /// # Panics
    /// When the payload cannot be written as JSON, or the task panics.
    #[must_use]
    pub fn run<T: Task>(mut self, payload: impl Serialize) -> Played<Result<Value, TaskError>> {
        T::NAME.clone_into(&mut self.job.task);
        let payload = serde_json::to_string(&payload).expect("a payload is JSON");
        self.call(|| {
            let result = crate::task::run_json::<T>(&payload)?;
            Ok(serde_json::from_str(&result).expect("it was written as JSON"))
        })
    }

    /// Calls a function that uses capabilities.
    #[must_use]
    pub fn call<R>(self, function: impl FnOnce() -> R) -> Played<R> {
        let before = CURRENT.replace(self);
        let result = function();
        let host = CURRENT.replace(before);
        Played { result, recording: host.recording }
    }
}

thread_local! {
    /// The host of the function that is being called on this thread.
    static CURRENT: RefCell<Host> = RefCell::new(Host::new());
}

/// Speaks with the host of this thread. `act` calls nothing that would speak with it too.
pub(crate) fn with<R>(act: impl FnOnce(&mut Host) -> R) -> R {
    CURRENT.with_borrow_mut(act)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{checkpoint, config, files, progress, secrets};

    #[test]
    fn everything_a_task_does_is_recorded() {
        let host = Host::new().config("CURRENCY", "BRL").secret("TOKEN").checkpoint(&41);

        let played = host.call(|| -> Result<(), TaskError> {
            let done: u32 = checkpoint::load()?.unwrap_or(0);
            checkpoint::save(&(done + 1))?;
            files::write("a.txt", "text/plain", config::require("CURRENCY")?)?;
            progress::of(1, 2, "half");
            log::warn!("{}", context::current().attempt);
            queue::Job::new("child", &[1, 2])?.priority(1).enqueue()?;
            let token = secrets::get("TOKEN")?;
            let denied = http::get("https://example.com/").secret_header("authorization", "Bearer ", &token);
            assert!(denied.send().is_err());
            Ok(())
        });

        let recording = played.recording;
        assert_eq!(played.result, Ok(()));
        assert_eq!(recording.checkpoint.as_deref(), Some(b"42".as_slice()));
        assert_eq!(recording.files["a.txt"].data, b"BRL");
        assert_eq!(recording.progress, [(50, "half".to_owned())]);
        assert_eq!(recording.logs, [(log::Level::Warn, "1".to_owned())]);
        assert_eq!(recording.jobs[0].payload, "[1,2]");
        assert_eq!(recording.requests[0].header_value("Authorization").as_deref(), Some("Bearer [TOKEN]"));
    }

    #[test]
    fn one_host_does_not_see_what_another_was_given() {
        let inner = Host::new().config("A", "1").call(|| Host::new().call(|| config::get("A")).result);

        assert_eq!(inner.result, None);
        assert!(config::get("A").is_none());
    }

    #[test]
    fn a_handler_may_use_capabilities_itself() {
        let host = Host::new().http(|request| {
            log::info!("asked for {}", request.url());
            Ok(http::Response::new(200, "{}"))
        });

        let played = host.call(|| http::get("https://example.com/a").send().map(|response| response.status));

        assert_eq!(played.result, Ok(200));
        assert_eq!(played.recording.logs[0].1, "asked for https://example.com/a");
    }
}
