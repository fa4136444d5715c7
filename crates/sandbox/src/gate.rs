//! The one gate that every host function of ours passes: it counts the call, looks at the stop signal and the
//! lease, and measures the time inside.
//!
//! Grants and sizes are checked right behind it, in the function itself, where they are known. The interfaces
//! of WASI do not pass here: they reach nothing but clocks, random numbers and the attempt's own log.

use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};

use model::attempt::StopReason;
use model::error::{ErrorKind, Failure};
use model::grants::{Capability, Grants};
use model::id::JobId;
use model::limits::Limits;

use crate::capabilities::Capabilities;
use crate::execution::StopSignal;

/// Why the host ended a guest in the middle of a call or of computing.
#[derive(Debug, Clone, thiserror::Error)]
pub(crate) enum Abort {
    /// Somebody asked for it.
    #[error("stopped: {reason}")]
    Stopped {
        /// Why.
        reason: StopReason,
        /// Since when.
        since: Instant,
    },
    /// It did what it may not.
    #[error("{0}")]
    Failed(Failure),
}

/// What the host functions know and count.
pub(crate) struct Gate {
    /// What the host lends.
    pub(crate) capabilities: Arc<dyn Capabilities>,
    /// What was granted.
    pub(crate) grants: Grants,
    /// The limits of the attempt.
    pub(crate) limits: Limits,
    /// The job, for idempotency keys.
    pub(crate) job: JobId,
    /// How often each effect was asked for.
    pub(crate) counts: Counts,
    stop: StopSignal,
    calls: u64,
    inside: Duration,
}

/// How often and how much so far.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    /// HTTP requests.
    pub(crate) http_requests: u64,
    /// Bytes of their bodies, both ways.
    pub(crate) http_bytes: u64,
    /// E-mails.
    pub(crate) mails: u32,
    /// Child jobs.
    pub(crate) children: u32,
    /// Bytes that went into the guest by host calls.
    pub(crate) bytes_in: u64,
    /// Bytes that came out of it by host calls, but for log and files.
    pub(crate) bytes_out: u64,
}

impl Gate {
    /// A gate for one attempt.
    pub(crate) fn new(
        capabilities: Arc<dyn Capabilities>,
        grants: Grants,
        limits: Limits,
        job: JobId,
        stop: StopSignal,
    ) -> Self {
        let counts = Counts::default();
        Self { capabilities, grants, limits, job, counts, stop, calls: 0, inside: Duration::ZERO }
    }

    /// The time inside host calls so far.
    pub(crate) fn inside(&self) -> Duration {
        self.inside
    }

    /// Where the time inside calls is added up that do not pass here.
    pub(crate) fn inside_mut(&mut self) -> &mut Duration {
        &mut self.inside
    }

    /// How many calls there were so far, the one that was refused not counted.
    pub(crate) fn calls(&self) -> u64 {
        self.calls.min(self.limits.host_calls)
    }

    /// Whether the guest may know that its job is to be cancelled.
    pub(crate) fn cancel_requested(&self) -> bool {
        self.stop.cancel_requested().is_some()
    }

    /// Lets a call pass that stays inside the host.
    pub(crate) fn pass(&mut self) -> wasmtime::Result<()> {
        self.calls += 1;
        if self.calls > self.limits.host_calls {
            let (seen, most) = (self.calls, self.limits.host_calls);
            let message = format!("made {seen} calls, limit {most} calls");
            return Err(over(ErrorKind::HostCalls, message));
        }
        if let Some((reason, since)) = self.stop.asked() {
            return Err(Abort::Stopped { reason, since }.into());
        }
        Ok(())
    }

    /// Lets a call pass that changes the world: only under a lease.
    pub(crate) fn pass_outside(&mut self) -> wasmtime::Result<()> {
        self.pass()?;
        if !self.capabilities.lease_held() {
            let abort = Abort::Stopped { reason: StopReason::LeaseLost, since: Instant::now() };
            return Err(abort.into());
        }
        Ok(())
    }

    /// Awaits `effect` and adds up its time, also when it is dropped half-way.
    pub(crate) async fn timed<T>(&mut self, effect: impl Future<Output = T>) -> T {
        let _timer = Timer::start(&mut self.inside);
        effect.await
    }
}

/// The end of an attempt that went over a budget.
pub(crate) fn over(kind: ErrorKind, message: String) -> wasmtime::Error {
    Abort::Failed(Failure::new(kind, message)).into()
}

/// The end of an attempt that used a capability it was not granted, where the guest cannot be told.
pub(crate) fn denied(capability: Capability) -> wasmtime::Error {
    let interface = capability.interface();
    let flag = capability.flag();
    let message = format!("jobs:task/{interface} was not granted: publish with {flag}");
    Abort::Failed(Failure::new(ErrorKind::Denied, message)).into()
}

/// Adds the time it lives to a total.
pub(crate) struct Timer<'a> {
    began: Instant,
    total: &'a mut Duration,
}

impl<'a> Timer<'a> {
    pub(crate) fn start(total: &'a mut Duration) -> Self {
        Self { began: Instant::now(), total }
    }
}

impl Drop for Timer<'_> {
    fn drop(&mut self) {
        *self.total += self.began.elapsed();
    }
}
