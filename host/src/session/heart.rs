//! The heartbeat: opens sessions, keeps them, and says when one is lost.
//!
//! It runs on the control thread. A beat that fails is tried again at short intervals for as long as the host
//! may trust in its lease; a lease that ran out while the process was stopped gets one last question, because the
//! store may still keep it: until it answers, no effect leaves the host.

use std::sync::Arc;
use std::time::Duration;

use model::attempt::StopReason;
use model::id::SessionId;
use service::{Shutdown, backoff};
use store::{Beat, Extend, OpenSession, Store};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::uptime::uptime;
use super::{BEATS_PER_LEASE, Session};
use crate::patience::patient;
use crate::running::Running;

/// The longest wait for the answer to one sign of life, as a part of the lease: a connection that hangs must
/// leave time for another.
const BEAT_PATIENCE: u32 = 3;

/// The wait after a beat that failed, as a part of the lease.
const BEAT_RETRY: u32 = 20;

/// The longest wait between two tries to open a session, before its jitter.
const OPEN_RETRY_MAX: Duration = Duration::from_secs(1);

/// How long a host that ends tries to close its session; afterwards its lease runs out by itself.
const CLOSE_PATIENCE: Duration = Duration::from_secs(2);

/// What keeps the host's sessions.
pub(crate) struct Heart {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) open: OpenSession,
    pub(crate) lease: Duration,
    pub(crate) running: Arc<Running>,
    /// Asked to drain when the store says so.
    pub(crate) taking: Shutdown,
    /// The session in use; none between two.
    pub(crate) sessions: watch::Sender<Option<Arc<Session>>>,
}

enum Kept {
    /// The host ends.
    Stopped,
    /// The session is over: the store says so.
    Lost,
    /// The store said nothing for too long.
    GivenUp,
}

impl Heart {
    /// Keeps a session, and a new one after each that is lost, until `stop`; then closes it.
    pub(crate) async fn run(&self, stop: &CancellationToken) {
        let mut given_up = None;
        loop {
            // A session that is being opened is waited for, so that it can be closed.
            let opened = tokio::select! {
                opened = self.open(stop) => opened,
                () = async {
                    stop.cancelled().await;
                    tokio::time::sleep(CLOSE_PATIENCE).await;
                } => None,
            };
            let Some(session) = opened else { return };
            if let Some(before) = given_up.take() {
                self.give_back(before).await;
            }
            self.sessions.send_replace(Some(Arc::clone(&session)));
            let kept = self.keep(&session, stop).await;
            self.sessions.send_replace(None);
            match kept {
                Kept::Stopped => return self.close(&session).await,
                Kept::Lost => self.lost(&session, "its lease ran out or it was closed"),
                Kept::GivenUp => {
                    self.lost(&session, "the store did not answer in time");
                    given_up = Some(session.id);
                }
            }
        }
    }

    /// Opens a session; none when the host ends first.
    async fn open(&self, stop: &CancellationToken) -> Option<Arc<Session>> {
        let mut waits = backoff(Duration::from_millis(100), OPEN_RETRY_MAX);
        let mut failing = false;
        loop {
            let asked = uptime();
            match patient(self.store.open(self.open.clone())).await {
                Ok(id) => {
                    let session = Arc::new(Session::new(id, self.lease, asked));
                    tracing::info!(host.id = %id, host.name = self.open.name, "session opened");
                    self.show_drain(id).await;
                    return Some(session);
                }
                Err(error) if !failing => {
                    failing = true;
                    tracing::warn!(%error, "no session could be opened; it is tried again");
                }
                Err(error) => tracing::debug!(%error, "still no session"),
            }
            tokio::select! {
                () = stop.cancelled() => return None,
                () = tokio::time::sleep(waits.next().unwrap_or(OPEN_RETRY_MAX)) => {}
            }
        }
    }

    /// A host that was drained stays so under its next session, and is shown so.
    async fn show_drain(&self, session: SessionId) {
        if self.taking.is_draining()
            && let Err(error) = patient(self.store.drain(session)).await
        {
            tracing::debug!(%error, "the new session is not shown as draining");
        }
    }

    async fn keep(&self, session: &Session, stop: &CancellationToken) -> Kept {
        let period = session.beat();
        let mut wait = period;
        let mut failing = false;
        loop {
            tokio::select! {
                () = stop.cancelled() => return Kept::Stopped,
                () = session.lost() => return Kept::Lost,
                () = tokio::time::sleep(wait) => {}
            }
            if failing && !session.is_held() {
                return Kept::GivenUp;
            }
            let asked = uptime();
            let answer = tokio::select! {
                () = stop.cancelled() => return Kept::Stopped,
                answer = self.beat(session) => answer,
            };
            match answer {
                Ok(beat) => {
                    session.heard(asked);
                    if std::mem::take(&mut failing) {
                        tracing::info!(host.id = %session.id, "the heartbeat is answered again");
                    }
                    self.obey(&beat);
                    wait = period.saturating_sub(uptime().saturating_sub(asked));
                }
                Err(store::Error::Stale { .. }) => return Kept::Lost,
                Err(error) => {
                    if !session.is_held() {
                        return Kept::GivenUp;
                    }
                    if !std::mem::replace(&mut failing, true) {
                        tracing::warn!(host.id = %session.id, %error, "a heartbeat failed; it is tried again");
                    }
                    wait = (self.lease / BEAT_RETRY).min(session.left());
                }
            }
        }
    }

    async fn beat(&self, session: &Session) -> store::Result<Beat> {
        let longest = self.lease / BEAT_PATIENCE;
        let left = session.left();
        let patience = if left.is_zero() { longest } else { left.min(longest) };
        let extend = Extend { session: session.id, lease_ms: self.open.lease_ms };
        tokio::time::timeout(patience, self.store.extend(extend)).await.unwrap_or_else(|_| {
            Err(store::Error::Unavailable { why: format!("no answer within {patience:?}") })
        })
    }

    fn obey(&self, beat: &Beat) {
        for cancel in &beat.cancels {
            self.running.interrupt(cancel.lease, Duration::from_millis(cancel.grace_ms));
        }
        if beat.drain && !self.taking.is_draining() {
            tracing::info!("asked to drain: no new work, what runs may end");
            self.taking.drain();
        }
    }

    /// The guests are stopped before anything else happens: a new session must not find them running.
    fn lost(&self, session: &Session, why: &str) {
        session.lose();
        let stopped = self.running.stop_session(session.id, StopReason::LeaseLost);
        tracing::warn!(host.id = %session.id, stopped, "the session is lost, {why}: its attempts are stopped");
    }

    /// Gives back what was given up while the store was away, before the new session is told to anybody. It was not
    /// these jobs that took their host away, so no lost lease is counted against them. What cannot be closed now the
    /// leader closes.
    async fn give_back(&self, session: SessionId) {
        // No longer than a beat of the new session.
        match tokio::time::timeout(self.lease / BEATS_PER_LEASE, self.store.close(session)).await {
            Ok(Ok(())) => tracing::info!(host.id = %session, "what it held is given back"),
            Ok(Err(error)) => {
                tracing::debug!(host.id = %session, %error, "the session is left to the leader");
            }
            Err(_) => tracing::debug!(host.id = %session, "the session is left to the leader"),
        }
    }

    async fn close(&self, session: &Session) {
        match tokio::time::timeout(CLOSE_PATIENCE, self.store.close(session.id)).await {
            Ok(Ok(())) => tracing::info!(host.id = %session.id, "session closed"),
            Ok(Err(error)) => {
                tracing::warn!(host.id = %session.id, %error, "the session is left to run out");
            }
            Err(_) => {
                tracing::warn!(host.id = %session.id, "the store did not answer; the session is left to run out");
            }
        }
        session.lose();
    }
}
