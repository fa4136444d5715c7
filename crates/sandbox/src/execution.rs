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
    /// Whether its version asks for the same floating point on every processor.
    pub deterministic: bool,
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
    /// What it used of the limits that [`Usage`] says nothing of.
    pub spent: Spent,
}

/// What an attempt used of limits whose use is shown and not stored.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Spent {
    /// The most entries that all tables had together.
    pub table_elements: u64,
    /// Bytes of the result.
    pub output_bytes: u64,
    /// Bytes of the log that were kept, line ends among them.
    pub log_bytes: u64,
    /// Bytes of all output files together.
    pub file_bytes: u64,
    /// HTTP requests.
    pub http_requests: u64,
    /// Bytes of their bodies, both ways.
    pub http_bytes: u64,
}

/// What was asked of an attempt from outside.
#[derive(Debug, Clone, Copy, Default)]
struct Asked {
    /// Since when the guest may know that its job is to be cancelled.
    cancel: Option<Instant>,
    /// The stop.
    stop: Option<(StopReason, Instant)>,
}

/// Held by whoever may stop an attempt.
#[derive(Debug, Clone)]
pub struct StopHandle(Arc<watch::Sender<Asked>>);

/// Held by the attempt itself.
#[derive(Debug, Clone)]
pub struct StopSignal(watch::Receiver<Asked>);

impl StopHandle {
    /// A pair of handle and signal.
    #[must_use]
    pub fn pair() -> (Self, StopSignal) {
        let (sender, receiver) = watch::channel(Asked::default());
        (Self(Arc::new(sender)), StopSignal(receiver))
    }

    /// Stops the attempt. The first reason stays. Guests that compute are reached by the next epoch: whoever calls
    /// this also calls [`crate::Sandbox::wake`].
    pub fn stop(&self, reason: StopReason) {
        self.0.send_if_modified(|asked| {
            let first = asked.stop.is_none();
            if first {
                asked.stop = Some((reason, Instant::now()));
            }
            first
        });
    }

    /// Lets the guest see that its job is to be cancelled (`context.cancel-requested`), and stops nothing that runs:
    /// whoever calls this stops the attempt when the guest's grace is over. A guest that returns a result until then
    /// succeeds; with any other end the attempt counts as cancelled. One that has not begun by now does not begin.
    pub fn request_cancel(&self) {
        self.0.send_if_modified(|asked| {
            let first = asked.cancel.is_none();
            if first {
                asked.cancel = Some(Instant::now());
            }
            first
        });
    }
}

impl StopSignal {
    /// Whether a stop was asked for, why and when.
    #[must_use]
    pub fn asked(&self) -> Option<(StopReason, Instant)> {
        self.0.borrow().stop
    }

    /// Since when the guest may know that its job is to be cancelled.
    #[must_use]
    pub fn cancel_requested(&self) -> Option<Instant> {
        let asked = *self.0.borrow();
        let hard = asked.stop.filter(|(reason, _)| *reason == StopReason::Cancel).map(|(_, since)| since);
        asked.cancel.or(hard)
    }

    /// Waits until a stop is asked for; for ever when nobody can any more.
    pub async fn wait(&mut self) -> (StopReason, Instant) {
        self.wait_for(|asked| asked.stop).await
    }

    /// The same, and a request to cancel is a stop: there is no guest yet that could tidy up.
    pub(crate) async fn wait_before_the_start(&mut self) -> (StopReason, Instant) {
        self.wait_for(|asked| asked.stop.or(asked.cancel.map(|since| (StopReason::Cancel, since)))).await
    }

    async fn wait_for<T>(&mut self, wanted: impl Fn(&Asked) -> Option<T>) -> T {
        // The guard that this returns must be gone before the next await.
        let asked =
            self.0.wait_for(|asked| wanted(asked).is_some()).await.ok().and_then(|asked| wanted(&asked));
        match asked {
            Some(asked) => asked,
            None => std::future::pending().await,
        }
    }
}
