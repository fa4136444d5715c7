//! Takes references from the broker, as many as there are free slots, and turns them into attempts.

use std::sync::Arc;
use std::time::Duration;

use broker::{Broker, Queues, Take};
use model::attempt::StopReason;
use model::id::JobId;
use service::{Shutdown, Ticks, backoff};
use store::{Claim, ClaimedJob, Store};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

use crate::attempt::Runner;
use crate::patience::patient;
use crate::running::Running;
use crate::session::Session;

/// References taken at once at the most: payloads ride with the claim, up to 1 MiB each.
const TAKE_MAX: usize = 64;

/// How long one take waits for the first reference. It is woken by the broker; this only bounds the call.
const TAKE_WAIT: Duration = Duration::from_secs(2);

/// How long the broker may take beyond that before it counts as broken.
const TAKE_PATIENCE: Duration = Duration::from_secs(3);

/// The longest wait between two tries while the broker or the store is away.
const RETRY_MAX: Duration = Duration::from_secs(2);

/// Looks at a session in doubt, and the wait between them: an outcome that is being recorded leaves the host's
/// books a moment after the store's.
const RECONCILE_LOOKS: u32 = 3;
const RECONCILE_WAIT: Duration = Duration::from_millis(100);

/// Takes references and claims them.
pub(crate) struct Puller {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) broker: Arc<dyn Broker>,
    pub(crate) queues: Queues,
    pub(crate) slots: Arc<Semaphore>,
    pub(crate) sessions: watch::Receiver<Option<Arc<Session>>>,
    pub(crate) running: Arc<Running>,
    pub(crate) runner: Arc<Runner>,
    /// Draining: no more takes. Ending: what was taken is let go too.
    pub(crate) taking: Shutdown,
}

impl Puller {
    /// Works until told to take no more.
    pub(crate) async fn run(self) {
        let ticks = Ticks { name: "taking jobs", period: Duration::ZERO, backoff_max: RETRY_MAX, wake: None };
        ticks.run(&self.taking, || self.tick()).await;
    }

    /// One batch: waits for a session, a free slot and a reference; claims and begins what it got.
    async fn tick(&self) -> Result<(), broker::Error> {
        let (jobs, slots) = tokio::select! {
            () = self.taking.draining() => return Ok(()),
            taken = self.take() => taken?,
        };
        if !jobs.is_empty() {
            tokio::select! {
                () = self.taking.ending() => {}
                () = self.claim(jobs, slots) => {}
            }
        }
        Ok(())
    }

    async fn take(&self) -> Result<(Vec<JobId>, OwnedSemaphorePermit), broker::Error> {
        self.session().await;
        let slots = self.free_slots().await;
        let take = Take { queues: self.queues.clone(), max: slots.num_permits(), wait: TAKE_WAIT };
        let patience = TAKE_WAIT + TAKE_PATIENCE;
        let jobs = tokio::time::timeout(patience, self.broker.take(take))
            .await
            .map_err(|_| broker::Error { why: format!("no answer within {patience:?}") })??;
        Ok((jobs, slots))
    }

    /// At least one slot, and all others that are free.
    async fn free_slots(&self) -> OwnedSemaphorePermit {
        let slots = Arc::clone(&self.slots).acquire_owned().await;
        let mut slots = slots.expect("nobody closes the semaphore");
        let more = self.slots.available_permits().min(TAKE_MAX - 1);
        if let Ok(more) = Arc::clone(&self.slots).try_acquire_many_owned(u32::try_from(more).unwrap_or(0)) {
            slots.merge(more);
        }
        slots
    }

    async fn session(&self) -> Arc<Session> {
        let mut sessions = self.sessions.clone();
        loop {
            if let Some(session) = sessions.borrow_and_update().clone().filter(|session| !session.is_lost()) {
                return session;
            }
            if sessions.changed().await.is_err() {
                // The heart has ended: so will this, as soon as it is told.
                std::future::pending::<()>().await;
            }
        }
    }

    /// Claims until the store has answered for every job. Once no more is to be taken it does not try again: the
    /// leader offers again what nobody claimed.
    async fn claim(&self, jobs: Vec<JobId>, mut slots: OwnedSemaphorePermit) {
        let mut waits = backoff(Duration::from_millis(100), RETRY_MAX);
        let mut rest = vec![jobs];
        let mut doubted: Option<Arc<Session>> = None;
        while let Some(mut jobs) = rest.pop() {
            let session = self.session().await;
            jobs.retain(|job| !self.running.has(session.id(), *job));
            if jobs.is_empty() {
                continue;
            }
            let claiming = self.running.claiming(&jobs);
            match patient(self.store.claim(Claim { session: session.id(), jobs: jobs.clone() })).await {
                Ok(claimed) => self.begin(&session, claimed, &mut slots),
                Err(store::Error::Stale { .. }) => {
                    session.lose();
                    if self.taking.is_draining() {
                        return;
                    }
                    rest.push(jobs);
                }
                Err(error) if error.is_transient() => {
                    if doubted.replace(session).is_none() {
                        tracing::warn!(%error, jobs = jobs.len(), "jobs cannot be claimed; it is tried again");
                    }
                    drop(claiming);
                    if self.taking.is_draining() {
                        break;
                    }
                    rest.push(jobs);
                    tokio::time::sleep(waits.next().unwrap_or(RETRY_MAX)).await;
                }
                Err(error) if jobs.len() > 1 => {
                    tracing::warn!(%error, "a claim was refused: one by one");
                    rest.extend(jobs.into_iter().map(|job| vec![job]));
                }
                Err(error) => tracing::error!(job.id = %jobs[0], %error, "a job cannot be claimed"),
            }
        }
        if let Some(session) = doubted {
            self.reconcile(&session).await;
        }
    }

    /// A claim whose answer was lost may have succeeded, and then the session holds jobs that nobody runs, for as
    /// long as it lives. So when the store counts more of them than the host has in hand, the session is given
    /// up: closing it gives back all it holds, and costs no job an attempt.
    async fn reconcile(&self, session: &Session) {
        let mut looks = 0;
        while looks < RECONCILE_LOOKS && session.settled().await {
            if let Ok(hosts) = patient(self.store.hosts()).await {
                let host = hosts.into_iter().find(|host| host.id == session.id());
                let held = host.map_or(0, |host| usize::try_from(host.running).unwrap_or(usize::MAX));
                if held <= self.running.in_hand(session.id()) {
                    return;
                }
                looks += 1;
            }
            tokio::time::sleep(RECONCILE_WAIT).await;
        }
        if !session.is_lost() {
            tracing::warn!(host.id = %session.id(), "the session holds jobs that its host was never told of");
            session.lose();
            if let Err(error) = patient(self.store.close(session.id())).await {
                tracing::debug!(%error, "the session is left to run out");
            }
        }
    }

    /// Begins what was claimed, unless the session was lost meanwhile: then others will. What comes after the host
    /// was asked to take no more is given back at once.
    fn begin(&self, session: &Arc<Session>, claimed: Vec<ClaimedJob>, slots: &mut OwnedSemaphorePermit) {
        if session.is_lost() {
            return;
        }
        for job in claimed {
            let lease = job.lease;
            match slots.split(1) {
                Some(slot) => {
                    self.runner.start(session, job, slot);
                    if self.taking.is_draining() {
                        self.running.stop(lease, StopReason::Drain);
                    }
                }
                None => {
                    tracing::error!(job.id = %job.lease.job, "the store gave more jobs than were asked for");
                }
            }
        }
    }
}
