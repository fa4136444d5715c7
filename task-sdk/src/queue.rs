//! Child jobs.
//!
//! Using this module makes the component ask for the capability: `jobctl task publish … --allow-enqueue TASK`.
//! The n-th child of every attempt is the same job, made once: an attempt that is tried again makes no second one,
//! as long as it makes its children in the same order.
//!
//! ```no_run
//! use std::time::Duration;
//! use task_sdk::{TaskError, queue};
//!
//! fn remind(address: &str) -> Result<String, TaskError> {
//!     let payload = serde_json::json!({ "email": address, "message": "Your trial ends tomorrow." });
//!     let id = queue::Job::new("send_email", &payload)?.delay(Duration::from_secs(86_400)).enqueue()?;
//!     Ok(id)
//! }
//! ```

use std::time::Duration;

use serde::Serialize;

use crate::host;

/// A job that is being put together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    /// The task it asks for.
    pub task: String,
    /// Its payload, a JSON text.
    pub payload: String,
    /// None: the queue of this job.
    pub queue: Option<String>,
    /// 1 (first) to 9 (last); none: 5.
    pub priority: Option<u8>,
    /// How long it waits at the least.
    pub delay: Duration,
}

/// The host did not make the job: not granted, malformed, or its store did not answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the job was not made: {0}")]
pub struct Error(String);

impl Job {
    /// A job for `task` with this payload.
    ///
    /// # Errors
    /// When the payload cannot be written as JSON.
    pub fn new<T: Serialize + ?Sized>(
        task: impl Into<String>,
        payload: &T,
    ) -> Result<Self, serde_json::Error> {
        let payload = serde_json::to_string(payload)?;
        Ok(Self { task: task.into(), payload, queue: None, priority: None, delay: Duration::ZERO })
    }

    /// Another queue than that of this job.
    #[must_use]
    pub fn queue(mut self, queue: impl Into<String>) -> Self {
        self.queue = Some(queue.into());
        self
    }

    /// 1 (first) to 9 (last).
    #[must_use]
    pub fn priority(mut self, priority: u8) -> Self {
        self.priority = Some(priority);
        self
    }

    /// How long it waits at the least.
    #[must_use]
    pub fn delay(mut self, delay: Duration) -> Self {
        self.delay = delay;
        self
    }

    /// Makes it and returns its id.
    ///
    /// # Errors
    /// When the host does not make it.
    pub fn enqueue(&self) -> Result<String, Error> {
        host::enqueue(self).map_err(Error)
    }
}
