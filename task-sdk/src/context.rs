//! What the attempt is about.
//!
//! ```
//! use task_sdk::{TaskError, context};
//!
//! fn work() -> Result<(), TaskError> {
//!     let job = context::current();
//!     if job.attempt == job.max_attempts {
//!         // … last chance: do it the slow and safe way …
//!     }
//!     if context::cancel_requested() {
//!         return Err(TaskError::permanent("cancelled"));
//!     }
//!     Ok(())
//! }
//! # work().unwrap();
//! ```

use std::time::Duration;

use crate::host;

/// The job, and which attempt this is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    /// The job's id, a UUID.
    pub id: String,
    /// The task it asks for.
    pub task: String,
    /// The namespace it lives in.
    pub namespace: String,
    /// The queue it came from.
    pub queue: String,
    /// The number of this attempt, from 1.
    pub attempt: u32,
    /// How often it may be tried.
    pub max_attempts: u32,
    /// What was left for this attempt when it began.
    pub timeout: Duration,
}

/// The job, and which attempt this is.
#[must_use]
pub fn current() -> Job {
    host::context()
}

/// Whether somebody asked to cancel the job: a task that wants to tidy up looks now and then. It has the grace that
/// the one who cancels gives it (`jobctl job cancel --grace 5s`) and is stopped then. With a result it still succeeds,
/// with an error it counts as cancelled.
#[must_use]
pub fn cancel_requested() -> bool {
    host::cancel_requested()
}
