//! Carries what the API has to say to the ready queue: references of fresh jobs, and wake-ups.
//!
//! ```text
//! API ──▶ queue ──▶ take all that is there ──┬─ this replica leads ──▶ desk ──▶ broker
//!                                            └─ another one leads  ──▶ its Admission.Offer
//! ```
//!
//! Nothing here is waited for by a caller, and all of it is lossy: what is lost, the leader's sweep finds. While the
//! broker fails, or too much waits, messages are dropped: nothing piles up here however long it is away.

use std::mem::take;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use broker::{Broker, Reference, Signal};
use rpc::v1::OfferRequest;
use rpc::{Client, ClientConfig};
use service::Shutdown;
use tokio::sync::{mpsc, watch};

use crate::answer::broker_within;
use crate::desk::Desk;
use crate::standing::Standing;

/// Messages that wait to be carried; beyond that they are dropped and left to the sweep.
const WAITING_MAX: usize = 10_000;

/// Jobs that waiting messages may be about; as many references take some ten MiB.
const JOBS_WAITING_MAX: usize = 100_000;

/// Messages carried at once.
const TAKEN_MAX: usize = 1_000;

/// References in one call to the leader: some hundred kB.
const OFFER_MAX: usize = 5_000;

/// How long the leader may take; then it is slow or gone, and the sweep does it.
const LEADER_DEADLINE: Duration = Duration::from_secs(1);

/// How long a wake-up may take.
const SIGNAL_DEADLINE: Duration = Duration::from_secs(1);

enum Message {
    Offer(Vec<Reference>),
    Signal(Signal),
}

impl Message {
    /// How many jobs it is about.
    fn jobs(&self) -> usize {
        match self {
            Self::Offer(references) => references.len(),
            Self::Signal(Signal::Ended(jobs)) => jobs.len(),
            Self::Signal(Signal::Changed) => 0,
        }
    }
}

/// Hands messages to the carrier; cheap to clone, never waits.
#[derive(Clone)]
pub(crate) struct Bell {
    queue: mpsc::Sender<Message>,
    /// How many jobs the messages that wait are about.
    jobs: Arc<AtomicUsize>,
}

impl Bell {
    /// Offers references.
    pub(crate) fn offer(&self, references: Vec<Reference>) {
        if !references.is_empty() {
            self.send(Message::Offer(references));
        }
    }

    /// Wakes whoever listens.
    pub(crate) fn signal(&self, signal: Signal) {
        self.send(Message::Signal(signal));
    }

    fn send(&self, message: Message) {
        let jobs = message.jobs();
        let waiting = self.jobs.fetch_add(jobs, Ordering::Relaxed);
        if waiting + jobs > JOBS_WAITING_MAX || self.queue.try_send(message).is_err() {
            self.jobs.fetch_sub(jobs, Ordering::Relaxed);
            tracing::debug!(jobs, "a message to the ready queue was dropped: too many wait");
        }
    }
}

/// Carries the messages.
pub(crate) struct Carrier {
    queue: mpsc::Receiver<Message>,
    jobs: Arc<AtomicUsize>,
    desk: Arc<Desk>,
    broker: Arc<dyn Broker>,
    standing: watch::Receiver<Standing>,
    token: Option<String>,
    leader: Option<(String, Client)>,
}

impl Carrier {
    pub(crate) fn new(
        desk: Arc<Desk>,
        broker: Arc<dyn Broker>,
        standing: watch::Receiver<Standing>,
        token: Option<String>,
    ) -> (Bell, Self) {
        let (bell, queue) = mpsc::channel(WAITING_MAX);
        let jobs = Arc::new(AtomicUsize::new(0));
        let bell = Bell { queue: bell, jobs: Arc::clone(&jobs) };
        (bell, Self { queue, jobs, desk, broker, standing, token, leader: None })
    }

    /// Carries until the shutdown ends or nobody holds a bell any more.
    pub(crate) async fn run(mut self, shutdown: Shutdown) {
        let mut taken = Vec::new();
        loop {
            let count = tokio::select! {
                () = shutdown.ending() => return,
                count = self.queue.recv_many(&mut taken, TAKEN_MAX) => count,
            };
            if count == 0 {
                return;
            }
            self.carry(take(&mut taken)).await;
        }
    }

    async fn carry(&mut self, messages: Vec<Message>) {
        self.jobs.fetch_sub(messages.iter().map(Message::jobs).sum(), Ordering::Relaxed);
        let (mut references, mut ended, mut changed) = (Vec::new(), Vec::new(), false);
        for message in messages {
            match message {
                Message::Offer(more) => references.extend(more),
                Message::Signal(Signal::Ended(jobs)) => ended.extend(jobs),
                Message::Signal(Signal::Changed) => changed = true,
            }
        }
        if changed {
            self.signal(Signal::Changed).await;
        }
        if !ended.is_empty() && !self.desk.is_down() {
            self.signal(Signal::Ended(ended)).await;
        }
        if !references.is_empty() {
            self.offer(references).await;
        }
    }

    async fn signal(&self, signal: Signal) {
        if let Err(error) = broker_within(SIGNAL_DEADLINE, self.broker.signal(signal)).await {
            tracing::debug!(%error, "a wake-up was lost");
        }
    }

    async fn offer(&mut self, references: Vec<Reference>) {
        let standing = self.standing.borrow().clone();
        match standing {
            // The dispatcher looks after a broken broker; to try with each job would only pile up.
            Standing::Leading if self.desk.is_down() => {}
            Standing::Leading => {
                if let Err(error) = self.desk.offer(references).await {
                    tracing::debug!(%error, "references were lost");
                }
            }
            Standing::Following(Some(address)) => self.pass_on(address, &references).await,
            Standing::Following(None) => {}
        }
    }

    async fn pass_on(&mut self, address: String, references: &[Reference]) {
        if self.leader.as_ref().is_none_or(|(known, _)| *known != address) {
            let config = ClientConfig {
                server: address.clone(),
                token: self.token.clone(),
                connect_timeout: LEADER_DEADLINE,
            };
            match Client::lazy(&config) {
                Ok(client) => self.leader = Some((address, client)),
                Err(error) => {
                    tracing::warn!(address, %error, "the leader's address makes no sense");
                    return;
                }
            }
        }
        let Some((_, client)) = &mut self.leader else { return };
        for part in references.chunks(OFFER_MAX) {
            let references =
                part.iter().map(|r| rpc::reference(r.job, r.queue.clone(), r.priority, r.run_at)).collect();
            let call = client.admission.offer(OfferRequest { references });
            match tokio::time::timeout(LEADER_DEADLINE, call).await {
                Ok(Ok(_)) => {}
                Ok(Err(status)) => tracing::debug!(%status, "the leader did not take references"),
                Err(_) => {
                    tracing::debug!("the leader did not take references in time");
                    return;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use broker::MemoryBroker;
    use model::clock::{Clock, SystemClock};
    use model::id::JobId;

    use super::*;

    #[tokio::test]
    async fn however_much_comes_what_waits_is_bounded_by_the_jobs_it_is_about() {
        let broker: Arc<dyn Broker> = Arc::new(MemoryBroker::new());
        let desk = Arc::new(Desk::new(Arc::clone(&broker)));
        let (_standing, stands) = watch::channel(Standing::Leading);
        let (bell, mut carrier) = Carrier::new(desk, broker, stands, None);
        let many = vec![JobId::generate(SystemClock.now()); JOBS_WAITING_MAX / 2];

        for _ in 0..10 {
            bell.signal(Signal::Ended(many.clone()));
        }
        bell.signal(Signal::Changed);

        assert_eq!(carrier.queue.len(), 3, "two long ones and the one about no job");
        let mut taken = Vec::new();
        carrier.queue.recv_many(&mut taken, TAKEN_MAX).await;
        carrier.carry(taken).await;
        bell.signal(Signal::Ended(many));
        assert_eq!(carrier.queue.len(), 1, "there is room again");
    }
}
