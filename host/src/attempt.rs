//! One attempt from its claim to its report.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures::FutureExt;
use model::attempt::{Stop, StopReason, Usage};
use model::error::{ErrorKind, Failure};
use model::retry::{Ending, Retry, decide, retry_of};
use model::task::TaskVersion;
use sandbox::{Execution, Invocation, JobContext, StopSignal};
use store::{ClaimedJob, Ended, Store};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::task::TaskTracker;
use tracing::{Instrument, Span, field};

use crate::capabilities::{Lent, Outside};
use crate::executor::Executor;
use crate::finisher::{Finisher, Record};
use crate::journal::Journal;
use crate::running::{InHand, Running};
use crate::session::Session;
use crate::versions::Versions;

/// Attempts that may wait to be reported while others run in their slots: while the store is slow a host does not
/// pile up results, and while it is quick a slot is free as soon as its guest has ended.
const UNREPORTED_PER_SLOT: usize = 4;

/// Sees attempts through.
pub(crate) struct Runner {
    store: Arc<dyn Store>,
    executor: Arc<dyn Executor>,
    running: Arc<Running>,
    versions: Versions,
    outside: Arc<Outside>,
    finisher: Finisher,
    unreported: Semaphore,
    tracker: TaskTracker,
}

impl Runner {
    pub(crate) fn new(
        store: Arc<dyn Store>,
        executor: Arc<dyn Executor>,
        running: Arc<Running>,
        outside: Arc<Outside>,
        finisher: Finisher,
        slots: usize,
    ) -> Arc<Self> {
        let versions = Versions::new(Arc::clone(&store));
        let unreported = Semaphore::new(slots.saturating_mul(UNREPORTED_PER_SLOT));
        let tracker = TaskTracker::new();
        Arc::new(Self { store, executor, running, versions, outside, finisher, unreported, tracker })
    }

    /// Begins an attempt; it frees its slot when its guest has ended.
    pub(crate) fn start(
        self: &Arc<Self>,
        session: &Arc<Session>,
        claimed: ClaimedJob,
        slot: OwnedSemaphorePermit,
    ) {
        let lease = claimed.lease;
        let (stop, in_hand) = self.running.begin(session, lease);
        let span = tracing::info_span!(
            "attempt",
            job.id = %lease.job,
            attempt = lease.attempt,
            host.id = %lease.session,
            task = field::Empty,
        );
        let (runner, session) = (Arc::clone(self), Arc::clone(session));
        let attempt = async move { runner.see_through(session, claimed, stop, in_hand, slot).await };
        self.tracker.spawn(attempt.instrument(span));
    }

    /// Waits until every attempt that was begun is reported or given up. Begin none after this.
    pub(crate) async fn idle(&self) {
        self.tracker.close();
        self.tracker.wait().await;
    }

    /// How many attempts were recorded.
    pub(crate) fn recorded(&self) -> u64 {
        self.finisher.recorded()
    }

    async fn see_through(
        &self,
        session: Arc<Session>,
        mut claimed: ClaimedJob,
        stop: StopSignal,
        in_hand: InHand,
        slot: OwnedSemaphorePermit,
    ) {
        let journal = Journal::new(
            Arc::clone(&self.store),
            Arc::clone(&session),
            Arc::clone(&self.running),
            claimed.lease,
        );
        let execution = self.execute(&session, &mut claimed, stop, &journal).await;
        in_hand.executed();
        tracing::debug!(
            outcome = %execution.ending.outcome(),
            duration_ms = execution.usage.wall_us / 1000,
            "attempt ended"
        );
        let room = self.unreported.acquire().await.ok();
        drop(slot);
        let lines = tokio::select! {
            lines = journal.close() => lines,
            () = session.lost() => Vec::new(),
        };
        let ClaimedJob { lease, failures, max_attempts, .. } = claimed;
        let ended = {
            let Execution { ending, result, files, usage, stop } = execution;
            let next = decide(&ending, failures, max_attempts, &mut rand::rng());
            let outcome = ending.outcome();
            let failure = match ending {
                Ending::Failed { failure, .. } => Some(failure),
                _ => None,
            };
            Ended { lease, outcome, next, result, failure, stop, usage, lines, files }
        };
        self.finisher.finish(Record { session, ended, failures, max_attempts }).await;
        drop((room, in_hand));
    }

    async fn execute(
        &self,
        session: &Arc<Session>,
        claimed: &mut ClaimedJob,
        mut stop: StopSignal,
        journal: &Arc<Journal>,
    ) -> Execution {
        let version = tokio::select! {
            biased;
            (reason, since) = stop.wait() => return stopped_before(reason, since),
            version = self.versions.get(claimed.version) => version,
        };
        let version = match version {
            Ok(version) => version,
            Err(error) => {
                tracing::error!(%error, "the task version cannot be used");
                return failed(ErrorKind::Host, format!("its task version cannot be used: {error}"));
            }
        };
        Span::current().record("task", version.task.as_str());
        let lent = Lent::new(
            Arc::clone(&self.outside),
            Arc::clone(session),
            Arc::clone(journal),
            claimed.lease,
            claimed.queue.clone(),
            stop.clone(),
        );
        let invocation = invocation(&version, claimed);
        let execution = self.executor.execute(invocation, Arc::new(lent), stop);
        AssertUnwindSafe(execution).catch_unwind().await.unwrap_or_else(|_| {
            tracing::error!("the executor panicked");
            failed(ErrorKind::Host, "the host broke while it ran the attempt".to_owned())
        })
    }
}

/// What to run; takes payload and checkpoint out of the claim.
fn invocation(version: &TaskVersion, claimed: &mut ClaimedJob) -> Invocation {
    let mut limits = version.manifest.limits.clone();
    limits.timeout_ms = claimed.timeout_ms.map_or(limits.timeout_ms, |wanted| wanted.min(limits.timeout_ms));
    Invocation {
        sha256: version.sha256,
        task: version.task.clone(),
        payload: std::mem::take(&mut claimed.payload),
        context: JobContext {
            job: claimed.lease.job,
            queue: claimed.queue.clone(),
            attempt: claimed.lease.attempt,
            max_attempts: claimed.max_attempts,
        },
        limits,
        grants: version.manifest.grants.clone(),
        checkpoint: claimed.checkpoint.take(),
    }
}

fn stopped_before(reason: StopReason, since: std::time::Instant) -> Execution {
    let ending = match reason {
        StopReason::Cancel => Ending::Cancelled,
        StopReason::Drain | StopReason::LeaseLost => Ending::Released,
        StopReason::Deadline => Ending::Failed {
            failure: Failure::new(ErrorKind::Timeout, "its deadline passed before it began"),
            retry: Retry::Usual,
        },
    };
    let latency_us = u64::try_from(since.elapsed().as_micros()).unwrap_or(u64::MAX);
    Execution { stop: Some(Stop { reason, latency_us }), ..nothing(ending) }
}

fn failed(kind: ErrorKind, message: String) -> Execution {
    nothing(Ending::Failed { failure: Failure::new(kind, message), retry: retry_of(kind) })
}

fn nothing(ending: Ending) -> Execution {
    Execution { ending, result: None, files: Vec::new(), usage: Usage::default(), stop: None }
}
