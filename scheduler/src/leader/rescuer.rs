//! Takes back what dead hosts held, and ends what expired before anybody started it.
//!
//! Which hosts are dead the store decides by their leases, each second; of those whose process is known to be gone it is
//! told, and at once.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use broker::Signal;
use service::{Shutdown, Ticks};
use store::Rescue;

use super::watcher::Gone;
use super::{Tools, Trust};
use crate::answer::within;
use crate::desk::reference;

/// Between two rounds: added to the lease, as long as a lost job waits at the most.
const EVERY: Duration = Duration::from_secs(1);

/// The longest wait while the store fails.
const BACKOFF_MAX: Duration = Duration::from_secs(5);

/// Jobs in one round: a short transaction.
const ROUND_MAX: u32 = 1_000;

/// How long the store may take.
const DEADLINE: Duration = Duration::from_secs(5);

/// Takes back.
pub(super) struct Rescuer {
    tools: Tools,
    trust: Trust,
    gone: Arc<Gone>,
}

impl Rescuer {
    pub(super) fn new(tools: Tools, trust: Trust, gone: Arc<Gone>) -> Self {
        Self { tools, trust, gone }
    }

    pub(super) async fn run(&self, shutdown: &Shutdown) {
        let wake = Some(Arc::clone(&self.gone.wake));
        let ticks = Ticks { name: "rescuer", period: EVERY, backoff_max: BACKOFF_MAX, wake };
        ticks.run(shutdown, || self.tick()).await;
    }

    /// Rounds until one is not full.
    async fn tick(&self) -> anyhow::Result<()> {
        while self.trust.holds() {
            let rescue = Rescue { limit: ROUND_MAX, gone: self.gone.list() };
            let rescued = within(DEADLINE, self.tools.store.rescue(rescue))
                .await
                .context("take back what lost its host")?;
            let (again, ended) = (rescued.offers.len(), rescued.ended.len());
            if rescued.sessions > 0 || again + ended > 0 {
                let sessions = rescued.sessions;
                tracing::warn!(
                    sessions,
                    again,
                    ended,
                    "{sessions} hosts were gone or silent, or jobs expired"
                );
            }
            self.tools.bell.offer(rescued.offers.into_iter().map(reference).collect());
            if ended > 0 {
                self.tools.bell.signal(Signal::Ended(rescued.ended));
            }
            if again + ended < ROUND_MAX as usize {
                break;
            }
        }
        Ok(())
    }
}
