//! Releases due jobs: reads them from the store and offers references to the broker. Writes nothing: that a
//! job is ready is derived.
//!
//! Most jobs were offered when they were stored. The steady read finds what became due by waiting; the sweep
//! finds everything, for references get lost: each few seconds, at the start of a reign, when the broker
//! lost what it held, and when a window runs low while more waits in the store.

use std::collections::HashMap;
use std::time::Duration;

use anyhow::Context;
use chrono::{DateTime, TimeDelta, Utc};
use model::job::Priority;
use model::name::QueueKey;
use service::{Shutdown, Ticks};
use store::{Due, Offer};
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::{Tools, Trust};
use crate::answer::within;
use crate::desk::{WINDOW, reference};

/// Between two steady reads: as long as a job may be late that waited for its time.
const STEADY_EVERY: Duration = Duration::from_millis(100);

/// Between two sweeps: as long as a job may be late whose reference was lost.
const SWEEP_EVERY: Duration = Duration::from_secs(5);

/// Between two looks at the broker.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// The longest wait while the store or the broker fails.
const BACKOFF_MAX: Duration = Duration::from_secs(2);

/// How far a steady read looks back beyond the last one: commits that were under way. A longer one is
/// left to the sweep.
const MARGIN: TimeDelta = TimeDelta::seconds(1);

/// Most offers of one queue and priority in a steady read.
const STEADY_MAX: u32 = 1_000;

/// Most offers of one queue and priority in a sweep: the window.
const SWEEP_MAX: u32 = 10_000;

/// How long the store may take.
const DEADLINE: Duration = Duration::from_secs(5);

/// Releases due jobs.
pub(super) struct Dispatcher {
    tools: Tools,
    trust: Trust,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// The database's instant of the last read that was offered whole.
    read_at: Option<DateTime<Utc>>,
    swept_at: Option<Instant>,
    looked_at: Option<Instant>,
    generation: Option<u64>,
}

impl Dispatcher {
    pub(super) fn new(tools: Tools, trust: Trust) -> Self {
        Self { tools, trust, state: Mutex::default() }
    }

    pub(super) async fn run(&self, shutdown: &Shutdown) {
        let ticks = Ticks { name: "dispatcher", period: STEADY_EVERY, backoff_max: BACKOFF_MAX, wake: None };
        ticks.run(shutdown, || self.tick()).await;
    }

    async fn tick(&self) -> anyhow::Result<()> {
        if !self.trust.holds() {
            return Ok(());
        }
        let mut state = self.state.lock().await;
        let done = self.step(&mut state).await;
        if done.is_err() {
            // What was lost on the way is not known.
            state.swept_at = None;
            state.looked_at = None;
        }
        done
    }

    async fn step(&self, state: &mut State) -> anyhow::Result<()> {
        let desk = &self.tools.desk;
        let mut runs_low = false;
        if is_over(state.looked_at, LOOK_EVERY) || desk.holds_back() {
            let generation = desk.generation().await?;
            let fullest = desk.look().await?;
            runs_low = desk.holds_back() && fullest < WINDOW / 2;
            if state.generation.replace(generation).is_some_and(|known| known != generation) {
                tracing::info!(generation, "the broker lost what it held: everything is offered again");
                state.swept_at = None;
            }
            state.looked_at = Some(Instant::now());
        }
        match state.read_at {
            Some(read_at) if !runs_low && !is_over(state.swept_at, SWEEP_EVERY) => {
                self.read_steadily(read_at - MARGIN, state).await
            }
            _ => self.sweep(state).await,
        }
    }

    async fn read_steadily(&self, since: DateTime<Utc>, state: &mut State) -> anyhow::Result<()> {
        let due = Due { since: Some(since), limit: STEADY_MAX };
        let (offers, now) =
            within(DEADLINE, self.tools.store.due(due)).await.context("read what became due")?;
        if !self.trust.holds() {
            return Ok(());
        }
        let references = offers.into_iter().map(reference).collect();
        self.tools.desk.offer_new(references).await?;
        state.read_at = Some(now);
        Ok(())
    }

    async fn sweep(&self, state: &mut State) -> anyhow::Result<()> {
        let began = Instant::now();
        let due = Due { since: None, limit: SWEEP_MAX };
        let (offers, now) = within(DEADLINE, self.tools.store.due(due)).await.context("read what is due")?;
        if !self.trust.holds() {
            return Ok(());
        }
        self.tools.desk.set_held_back(is_cut(&offers));
        let references = offers.into_iter().map(reference).collect();
        self.tools.desk.push(references).await?;
        state.read_at = Some(now);
        state.swept_at = Some(began);
        Ok(())
    }
}

fn is_over(since: Option<Instant>, period: Duration) -> bool {
    since.is_none_or(|since| since.elapsed() >= period)
}

/// Whether some queue has more due than was read.
fn is_cut(offers: &[Offer]) -> bool {
    let mut counts: HashMap<(&QueueKey, Priority), u32> = HashMap::new();
    offers.iter().any(|offer| {
        let count = counts.entry((&offer.queue, offer.priority)).or_default();
        *count += 1;
        *count >= SWEEP_MAX
    })
}
