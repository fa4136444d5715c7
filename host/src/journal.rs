//! What an attempt says while it runs, on its way to the store in chunks.
//!
//! The first line (or progress) starts a task that writes what has gathered, each [`PERIOD`] or as soon as a
//! chunk is full; it ends when nothing comes any more. What is left when the attempt ends travels with its
//! finish. So a job that says nothing costs nothing, and a short one no call of its own.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use model::attempt::StopReason;
use model::id::Lease;
use model::job::{LogLine, Progress};
use store::{Report, Store};
use tokio::sync::Notify;

use crate::patience::patient;
use crate::running::Running;
use crate::session::Session;

/// How long lines gather: whoever follows a log sees it move.
const PERIOD: Duration = Duration::from_millis(250);

/// Bytes that are written without waiting for the period.
const CHUNK_BYTES: usize = 64 << 10;

/// The log of one attempt.
pub(crate) struct Journal {
    store: Arc<dyn Store>,
    session: Arc<Session>,
    running: Arc<Running>,
    lease: Lease,
    inner: Mutex<Inner>,
    /// Held while a chunk is under way, so that chunks keep their order.
    writing: tokio::sync::Mutex<()>,
    full: Notify,
}

#[derive(Default)]
struct Inner {
    lines: Vec<LogLine>,
    bytes: usize,
    progress: Option<Progress>,
    /// Whether the task is there that writes.
    served: bool,
    closed: bool,
}

impl Inner {
    fn is_empty(&self) -> bool {
        self.lines.is_empty() && self.progress.is_none()
    }
}

impl Journal {
    /// An empty one.
    pub(crate) fn new(
        store: Arc<dyn Store>,
        session: Arc<Session>,
        running: Arc<Running>,
        lease: Lease,
    ) -> Arc<Self> {
        let (inner, writing, full) = (Mutex::default(), tokio::sync::Mutex::default(), Notify::new());
        Arc::new(Self { store, session, running, lease, inner, writing, full })
    }

    /// Keeps a line.
    pub(crate) fn line(self: &Arc<Self>, line: LogLine) {
        let mut inner = self.lock();
        inner.bytes += line.text.len();
        inner.lines.push(line);
        if inner.bytes >= CHUNK_BYTES {
            self.full.notify_one();
        }
        self.serve(&mut inner);
    }

    /// Keeps the progress; the last one counts.
    pub(crate) fn progress(self: &Arc<Self>, progress: Progress) {
        let mut inner = self.lock();
        inner.progress = Some(progress);
        self.serve(&mut inner);
    }

    fn serve(self: &Arc<Self>, inner: &mut Inner) {
        if inner.served || inner.closed {
            return;
        }
        inner.served = true;
        let journal = Arc::clone(self);
        tokio::spawn(async move {
            loop {
                tokio::select! {
                    () = journal.session.lost() => return,
                    () = journal.full.notified() => {}
                    () = tokio::time::sleep(PERIOD) => {}
                }
                if !journal.write().await {
                    return;
                }
            }
        });
    }

    /// Writes what has gathered; `false` when nothing had and the task may end.
    async fn write(&self) -> bool {
        let _writing = self.writing.lock().await;
        let report = {
            let mut inner = self.lock();
            if inner.is_empty() || inner.closed {
                inner.served = false;
                return false;
            }
            inner.bytes = 0;
            let (lines, progress) = (std::mem::take(&mut inner.lines), inner.progress.take());
            Report { lease: self.lease, lines, progress, checkpoint: None }
        };
        self.send(report).await
    }

    /// Sends a report; what the store could not take now is kept for the next one. `false` when the attempt is not
    /// ours any more.
    async fn send(&self, report: Report) -> bool {
        if !self.session.settled().await {
            return false;
        }
        match patient(self.store.report(report.clone())).await {
            Ok(()) => true,
            Err(error) if error.is_transient() => {
                tracing::debug!(%error, "log lines wait for the store");
                let mut inner = self.lock();
                inner.bytes += report.lines.iter().map(|line| line.text.len()).sum::<usize>();
                let newer = std::mem::replace(&mut inner.lines, report.lines);
                inner.lines.extend(newer);
                inner.progress = inner.progress.take().or(report.progress);
                true
            }
            Err(store::Error::Stale { .. }) => {
                self.running.stop(self.lease, StopReason::LeaseLost);
                false
            }
            Err(error) => {
                let lines = report.lines.len();
                tracing::error!(%error, lines, "log lines cannot be stored and are dropped");
                true
            }
        }
    }

    /// Ends it when the attempt has ended; what was not written yet comes back, to go with the finish. Progress has
    /// no place there and is written now.
    pub(crate) async fn close(&self) -> Vec<LogLine> {
        self.lock().closed = true;
        self.full.notify_one();
        let _writing = self.writing.lock().await;
        let progress = self.lock().progress.take();
        if progress.is_some() {
            let lines = std::mem::take(&mut self.lock().lines);
            self.send(Report { lease: self.lease, lines, progress, checkpoint: None }).await;
        }
        std::mem::take(&mut self.lock().lines)
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
