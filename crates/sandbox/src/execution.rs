//! One attempt: what goes in, what comes out, and how it is stopped.

use std::sync::Arc;
use std::time::Instant;

use model::attempt::{Stop, StopReason, Usage};
use model::grants::Grants;
use model::id::{Digest, JobId};
use model::job::OutputFile;
use model::json::Json;
use model::limits::Limits;
use model::name::{QueueKey, TaskName};
use model::retry::Ending;
use tokio::sync::watch;

/// What a guest may know of its job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobContext {
    /// The job.
    pub job: JobId,
    /// The queue it came from.
    pub queue: QueueKey,
    /// The number of the attempt.
    pub attempt: u32,
    /// How often it may be tried.
    pub max_attempts: u32,
}

/// One attempt to run.
#[derive(Debug, Clone)]
pub struct Invocation {
    /// The component.
    pub sha256: Digest,
    /// Which of its tasks.
    pub task: TaskName,
    /// What the task gets.
    pub payload: Json,
    /// What the guest may know.
    pub context: JobContext,
    /// The limits it runs under.
    pub limits: Limits,
    /// What it was granted.
    pub grants: Grants,
    /// What an earlier attempt saved.
    pub checkpoint: Option<Vec<u8>>,
}

/// How an attempt went.
#[derive(Debug, Clone, PartialEq)]
pub struct Execution {
    /// How it ended.
    pub ending: Ending,
    /// The result, when it succeeded.
    pub result: Option<Json>,
    /// The files it wrote, whatever the ending.
    pub files: Vec<OutputFile>,
    /// What it used.
    pub usage: Usage,
    /// How it was stopped, if it was.
    pub stop: Option<Stop>,
}

/// Held by whoever may stop an attempt.
#[derive(Debug, Clone)]
pub struct StopHandle(Arc<watch::Sender<Option<(StopReason, Instant)>>>);

/// Held by the attempt itself.
#[derive(Debug, Clone)]
pub struct StopSignal(watch::Receiver<Option<(StopReason, Instant)>>);

impl StopHandle {
    /// A pair of handle and signal.
    #[must_use]
    pub fn pair() -> (Self, StopSignal) {
        let (sender, receiver) = watch::channel(None);
        (Self(Arc::new(sender)), StopSignal(receiver))
    }

    /// Asks the attempt to stop. The first reason stays. Guests that compute are reached by the next epoch:
    /// whoever calls this also calls [`crate::Sandbox::wake`].
    pub fn stop(&self, reason: StopReason) {
        self.0.send_if_modified(|asked| {
            let first = asked.is_none();
            if first {
                *asked = Some((reason, Instant::now()));
            }
            first
        });
    }
}

impl StopSignal {
    /// Whether a stop was asked for, why and when.
    #[must_use]
    pub fn asked(&self) -> Option<(StopReason, Instant)> {
        *self.0.borrow()
    }

    /// Waits until a stop is asked for; for ever when nobody can any more.
    pub async fn wait(&mut self) -> (StopReason, Instant) {
        // The guard that this returns must be gone before the next await.
        let asked = self.0.wait_for(Option::is_some).await.ok().and_then(|asked| *asked);
        match asked {
            Some(asked) => asked,
            None => std::future::pending().await,
        }
    }
}
