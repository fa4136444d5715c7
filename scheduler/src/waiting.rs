//! Those who wait for jobs to end: one look at the store serves all of this replica.
//!
//! A wake-up from the broker names jobs that ended; if somebody waits for one, the store is asked. Wake-ups
//! get lost, so each second the store is asked for everything that is waited for.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use broker::{Broker, Signal};
use model::id::JobId;
use model::job::JobState;
use service::Shutdown;
use store::{StateOf, Store};
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::mpsc;
use tokio::time::MissedTickBehavior;

use crate::answer::{STORE_DEADLINE, within};
use crate::tasks::Tasks;

/// How often the store is asked without a wake-up.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Ids in one question to the store.
const IDS_MAX: usize = 1_000;

type Sender = mpsc::UnboundedSender<(JobId, JobState)>;

/// Everybody who waits.
#[derive(Default)]
pub(crate) struct Waiting {
    by_job: Mutex<HashMap<JobId, Vec<(u64, Sender)>>>,
    numbers: AtomicU64,
}

/// One who waits. It stops waiting when it is dropped.
pub(crate) struct Waiter {
    number: u64,
    jobs: Vec<JobId>,
    waiting: Arc<Waiting>,
    told: mpsc::UnboundedReceiver<(JobId, JobState)>,
}

impl Waiting {
    /// Waits for `jobs` from now on. What had ended before is told within a second; who wants to know at once
    /// asks the store after this.
    pub(crate) fn register(self: &Arc<Self>, jobs: Vec<JobId>) -> Waiter {
        let number = self.numbers.fetch_add(1, Ordering::Relaxed);
        // Each job is told at most a few times before its waiter leaves: it cannot grow without bound.
        let (sender, told) = mpsc::unbounded_channel();
        let mut by_job = self.locked();
        for job in &jobs {
            by_job.entry(*job).or_default().push((number, sender.clone()));
        }
        drop(by_job);
        Waiter { number, jobs, waiting: Arc::clone(self), told }
    }

    /// Tells those who wait, and forgets them for these jobs.
    fn tell(&self, ended: &[(JobId, JobState)]) {
        let mut by_job = self.locked();
        for (job, state) in ended {
            for (_, waiter) in by_job.remove(job).unwrap_or_default() {
                // It may have left a moment ago.
                let _ = waiter.send((*job, *state));
            }
        }
    }

    fn all(&self) -> Vec<JobId> {
        self.locked().keys().copied().collect()
    }

    fn of(&self, jobs: &[JobId]) -> Vec<JobId> {
        let by_job = self.locked();
        jobs.iter().filter(|job| by_job.contains_key(job)).copied().collect()
    }

    fn locked(&self) -> MutexGuard<'_, HashMap<JobId, Vec<(u64, Sender)>>> {
        self.by_job.lock().expect("nobody panics while holding it")
    }

    async fn look(&self, store: &dyn Store, jobs: &[JobId]) {
        for part in jobs.chunks(IDS_MAX) {
            match within(STORE_DEADLINE, store.states(part)).await {
                Ok(states) => self.tell(&ended(&states)),
                Err(error) => {
                    tracing::debug!(%error, "who waits could not be told");
                    return;
                }
            }
        }
    }

    /// Listens to the broker and looks into the store, until the shutdown ends.
    pub(crate) async fn run(
        self: Arc<Self>,
        store: Arc<dyn Store>,
        broker: Arc<dyn Broker>,
        tasks: Arc<Tasks>,
        shutdown: Shutdown,
    ) {
        let mut signals = broker.signals();
        let mut looks = tokio::time::interval(LOOK_EVERY);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let jobs = tokio::select! {
                () = shutdown.ending() => return,
                _ = looks.tick() => self.all(),
                signal = signals.recv() => match signal {
                    Ok(Signal::Ended(jobs)) => self.of(&jobs),
                    Ok(Signal::Changed) => {
                        tasks.forget();
                        continue;
                    }
                    Err(RecvError::Lagged(_)) => {
                        tasks.forget();
                        self.all()
                    }
                    Err(RecvError::Closed) => {
                        signals = broker.signals();
                        looks.tick().await;
                        self.all()
                    }
                },
            };
            self.look(&*store, &jobs).await;
        }
    }
}

impl Waiter {
    /// The next job that ended. Pending for ever when nothing is waited for any more.
    pub(crate) async fn told(&mut self) -> (JobId, JobState) {
        match self.told.recv().await {
            Some(ended) => ended,
            None => std::future::pending().await,
        }
    }
}

impl Drop for Waiter {
    fn drop(&mut self) {
        let mut by_job = self.waiting.locked();
        for job in &self.jobs {
            if let Some(waiters) = by_job.get_mut(job) {
                waiters.retain(|(number, _)| *number != self.number);
                if waiters.is_empty() {
                    by_job.remove(job);
                }
            }
        }
    }
}

/// Those that ended, and how.
pub(crate) fn ended(states: &[StateOf]) -> Vec<(JobId, JobState)> {
    states.iter().filter(|one| one.state.is_final()).map(|one| (one.id, one.state)).collect()
}

#[cfg(test)]
mod tests {
    use model::clock::{Clock, SystemClock};

    use super::*;

    #[tokio::test]
    async fn each_who_waits_is_told_and_who_leaves_is_forgotten() {
        let waiting = Arc::new(Waiting::default());
        let job = JobId::generate(SystemClock.now());
        let mut stays = waiting.register(vec![job]);
        let leaves = waiting.register(vec![job]);

        drop(leaves);
        assert_eq!(waiting.of(&[job]), [job]);
        waiting.tell(&[(job, JobState::Failed)]);

        assert_eq!(stays.told().await, (job, JobState::Failed));
        assert!(waiting.all().is_empty());
    }
}
