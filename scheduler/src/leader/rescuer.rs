//! Takes back what dead hosts held, and ends what expired before anybody started it.
//!
//! Which hosts are dead the store decides by their leases, each second; of those whose process is known to be gone it is
//! told, and at once.
//!
//! While the store is away no host can give a sign of life. Each gives its jobs up by its own clock and gives them back
//! as soon as the store answers, which is not counted against them; so they get a moment for that.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
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

/// The longest wait while the store fails, before its jitter: jobs wait for the next round.
const BACKOFF_MAX: Duration = Duration::from_secs(1);

/// How long hosts get once the store answers again: the longest wait of theirs between two tries, with its jitter.
const GRACE: Duration = Duration::from_secs(2);

/// Jobs in one round: a short transaction.
const ROUND_MAX: u32 = 1_000;

/// How long the store may take.
const DEADLINE: Duration = Duration::from_secs(5);

/// Takes back.
pub(super) struct Rescuer {
    tools: Tools,
    trust: Trust,
    gone: Arc<Gone>,
    /// The store did not answer last.
    away: AtomicBool,
}

impl Rescuer {
    /// `away`: the store did not answer until a moment ago.
    pub(super) fn new(tools: Tools, trust: Trust, gone: Arc<Gone>, away: bool) -> Self {
        Self { tools, trust, gone, away: AtomicBool::new(away) }
    }

    pub(super) async fn run(&self, shutdown: &Shutdown) {
        let wake = Some(Arc::clone(&self.gone.wake));
        let ticks = Ticks { name: "rescuer", period: EVERY, backoff_max: BACKOFF_MAX, wake };
        ticks.run(shutdown, || self.tick()).await;
    }

    async fn tick(&self) -> anyhow::Result<()> {
        if self.away.swap(true, Ordering::Relaxed) && self.gone.list().is_empty() {
            // It needs what a sign of life needs.
            within(DEADLINE, self.tools.store.sessions()).await.context("ask for the sessions")?;
            tokio::time::sleep(GRACE).await;
        }
        self.rounds().await?;
        self.away.store(false, Ordering::Relaxed);
        Ok(())
    }

    /// Rounds until one is not full.
    async fn rounds(&self) -> anyhow::Result<()> {
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
