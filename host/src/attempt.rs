//! One attempt from its claim to its report.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures::FutureExt;
use model::attempt::{Stop, StopReason, Usage};
use model::clock::Clock;
use model::error::{ErrorKind, Failure};
use model::limits::{LimitOverrides, Limits};
use model::retry::{Ending, Retry, retry_of};
use model::task::TaskVersion;
use model::units::micros;
use sandbox::{Execution, Invocation, JobContext, Spent, StopSignal};
use store::{ClaimedJob, Ended, Store};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::task::TaskTracker;
use tracing::{Instrument, Span, field};

use crate::capabilities::Lent;
use crate::executor::Executor;
use crate::finisher::{Finisher, Record};
use crate::journal::Journal;
use crate::outside::Outside;
use crate::retries::Retries;
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
    clock: Arc<dyn Clock>,
    finisher: Finisher,
    retries: Retries,
    limits_max: Limits,
    unreported: Semaphore,
    tracker: TaskTracker,
}

/// What a [`Runner`] works with.
pub(crate) struct RunnerParts {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) executor: Arc<dyn Executor>,
    pub(crate) running: Arc<Running>,
    pub(crate) outside: Arc<Outside>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) finisher: Finisher,
    /// How many attempts run at once.
    pub(crate) slots: usize,
    /// The most that any of them may use.
    pub(crate) limits_max: Limits,
}

impl Runner {
    pub(crate) fn new(parts: RunnerParts) -> Arc<Self> {
        let RunnerParts { store, executor, running, outside, clock, finisher, slots, limits_max } = parts;
        let versions = Versions::new(Arc::clone(&store));
        let unreported = Semaphore::new(slots.saturating_mul(UNREPORTED_PER_SLOT));
        let tracker = TaskTracker::new();
        Arc::new(Self {
            store,
            executor,
            running,
            versions,
            outside,
            clock,
            finisher,
            retries: Retries::new(),
            limits_max,
            unreported,
            tracker,
        })
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
        let ClaimedJob { lease, version, failures, max_attempts, .. } = claimed;
        let ended = {
            let Execution { ending, result, files, usage, stop, spent: _ } = execution;
            let next = self.retries.next(version, &ending, failures, max_attempts);
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
        let lent = Lent {
            store: Arc::clone(&self.store),
            outside: Arc::clone(&self.outside),
            session: Arc::clone(session),
            journal: Arc::clone(journal),
            clock: Arc::clone(&self.clock),
            lease: claimed.lease,
            queue: claimed.queue.clone(),
        };
        let invocation = invocation(&version, &self.limits_max, claimed);
        let execution = self.executor.execute(invocation, Arc::new(lent), stop);
        AssertUnwindSafe(execution).catch_unwind().await.unwrap_or_else(|_| {
            tracing::error!("the executor panicked");
            failed(ErrorKind::Host, "the host broke while it ran the attempt".to_owned())
        })
    }
}

/// What to run; takes payload and checkpoint out of the claim.
fn invocation(version: &TaskVersion, limits_max: &Limits, claimed: &mut ClaimedJob) -> Invocation {
    let manifest = &version.manifest;
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
        limits: limits_of(&manifest.limits, limits_max, &claimed.limits),
        deterministic: manifest.deterministic,
        grants: manifest.grants.clone(),
        checkpoint: claimed.checkpoint.take(),
    }
}

/// The version's limits, within the operator's, lowered by the job's. Asking for more was refused at every door; this
/// is the last one.
fn limits_of(version: &Limits, most: &Limits, job: &LimitOverrides) -> Limits {
    let allowed = version.clone().capped(most);
    allowed.clone().with(job).capped(&allowed)
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
    let latency_us = micros(since.elapsed());
    Execution { stop: Some(Stop { reason, latency_us }), ..nothing(ending) }
}

fn failed(kind: ErrorKind, message: String) -> Execution {
    nothing(Ending::Failed { failure: Failure::new(kind, message), retry: retry_of(kind) })
}

fn nothing(ending: Ending) -> Execution {
    let (files, usage, spent) = (Vec::new(), Usage::default(), Spent::default());
    Execution { ending, result: None, files, usage, stop: None, spent }
}

#[cfg(test)]
mod tests {
    use model::limits::{FuelChoice, PLATFORM_MAX};

    use super::*;

    fn fuel(choice: FuelChoice) -> LimitOverrides {
        LimitOverrides { fuel: Some(choice), ..LimitOverrides::default() }
    }

    fn metered(units: u64) -> Limits {
        Limits { fuel: Some(units), ..Limits::default() }
    }

    #[test]
    fn a_job_lowers_the_limits_of_its_version_and_raises_none() {
        let version = Limits { memory_bytes: 100, host_calls: 100, ..Limits::default() };
        let job =
            LimitOverrides { memory_bytes: Some(50), host_calls: Some(200), ..LimitOverrides::default() };

        let limits = limits_of(&version, &PLATFORM_MAX, &job);

        assert_eq!(limits, Limits { memory_bytes: 50, ..version });
    }

    #[test]
    fn an_operator_caps_versions_that_are_older_than_the_wish() {
        let most = Limits { memory_bytes: 100, ..metered(7) };
        let version = Limits { fuel: None, memory_bytes: 200, ..Limits::default() };

        let limits = limits_of(&version, &most, &LimitOverrides::default());

        assert_eq!((limits.memory_bytes, limits.fuel), (100, Some(7)));
    }

    #[test]
    fn a_job_meters_an_unlimited_version_and_never_frees_a_metered_one() {
        let unlimited = Limits { fuel: None, ..Limits::default() };

        for (version, job, expected) in [
            (&unlimited, fuel(FuelChoice::Units(9)), Some(9)),
            (&unlimited, fuel(FuelChoice::Unlimited), None),
            (&metered(5), fuel(FuelChoice::Unlimited), Some(5)),
            (&metered(5), fuel(FuelChoice::Units(9)), Some(5)),
            (&metered(5), fuel(FuelChoice::Units(3)), Some(3)),
        ] {
            assert_eq!(limits_of(version, &PLATFORM_MAX, &job).fuel, expected, "{version:?} {job:?}");
        }
    }
}
