//! One life of this host in the store, and until when the host may trust in it.
//!
//! The store judges a lease by its own clock, from the moment the sign of life arrives. The host judges itself
//! by a clock of its own, from *before* it asked, and less a margin: so it stops trusting before the store does,
//! however long the call took and however long the process was stopped.
//!
//! ```text
//! asked          1½ beats                                    lease − margin
//!   ├─ certain ─────┼─ held: runs on, touches the world no more ──┼─ in doubt ── one last question ── lost
//!   ▲ the store said that the session is open, to a question asked here
//! ```
//!
//! A session may end before its lease does: the leader closes it when it finds the process gone, and a firewall that
//! answers for a host looks just like that. So the lease alone does not let an effect out. What is guaranteed:
//!
//! * **The store** takes nothing under a session that is closed or whose lease is over: no claim, no result, no log line,
//!   no checkpoint, no child job. Each is checked in the transaction that would write it.
//! * **The world outside** (HTTP, e-mail, and the secrets in them) is touched only while the session is *certain*: the
//!   store has said that it is open, to a question asked less than one and a half beats ago ([`Session::under`]). A process
//!   that slept for longer than that asks first, before an effect begins and again at each of its steps; so does one whose
//!   store is silent. A doubt is waited out, a loss refuses the effect. The body of a request asks once more when the
//!   connection takes it to write it ([`Session::certainty`]).
//! * **The guests** of a session that is lost are stopped as soon as the next heartbeat is answered: within a beat, or
//!   at once by what the store refuses before.
//!
//! What cannot be taken back is what was handed to the network in that time, and a request without a body that a
//! connection had in hand when the process was stopped: that is what the key of each request and the id of each mail are
//! for, the same in every attempt.

pub(crate) mod heart;
mod uptime;

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::Poll;
use std::time::Duration;

use futures::future::BoxFuture;
use model::id::SessionId;
use tokio_util::sync::CancellationToken;

use uptime::uptime;

/// How much earlier than the store the host stops trusting in its lease: more than two clocks drift apart
/// within a lease, and time enough for an effect that has just passed the gate to leave the machine.
const MARGIN: Duration = Duration::from_millis(300);

/// Signs of life in one lease: several may fail before it is lost. With the usual lease of 5 s, one each second.
const BEATS_PER_LEASE: u32 = 5;

/// Between two looks at a lease that may still be saved.
const LOOK: Duration = Duration::from_millis(20);

/// An open session.
#[derive(Debug)]
pub(crate) struct Session {
    id: SessionId,
    lease: Duration,
    /// When the store was asked last to what it has answered.
    asked_us: AtomicU64,
    lost: CancellationToken,
}

/// The session is over: what was to be done under it is not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Lost;

impl Session {
    fn new(id: SessionId, lease: Duration, asked: Duration) -> Self {
        let session = Self { id, lease, asked_us: AtomicU64::new(0), lost: CancellationToken::new() };
        session.heard(asked);
        session
    }

    /// Its id in the store.
    pub(crate) fn id(&self) -> SessionId {
        self.id
    }

    /// Between two signs of life.
    fn beat(&self) -> Duration {
        self.lease / BEATS_PER_LEASE
    }

    /// Whether the host may go on under it now.
    pub(crate) fn is_held(&self) -> bool {
        !self.is_lost() && !self.left().is_zero()
    }

    /// Whether it is over for good.
    pub(crate) fn is_lost(&self) -> bool {
        self.lost.is_cancelled()
    }

    /// Gives it up for good.
    pub(crate) fn lose(&self) {
        self.lost.cancel();
    }

    /// Waits until it is over for good.
    pub(crate) async fn lost(&self) {
        self.lost.cancelled().await;
    }

    /// Whether the host may touch the world under it now: the store said a moment ago that it is open.
    fn is_certain(&self) -> bool {
        self.is_held() && !self.remains(self.beat() * 3 / 2).is_zero()
    }

    /// Waits out a doubt: `true` once it is held, `false` once it is over.
    pub(crate) async fn settled(&self) -> bool {
        self.until(|| self.is_held()).await
    }

    /// The same for an effect that is about to touch the world: `true` once the session is certain.
    pub(crate) fn certainty(self: &Arc<Self>) -> BoxFuture<'static, bool> {
        let session = Arc::clone(self);
        Box::pin(async move { session.until(|| session.is_certain()).await })
    }

    /// Does what touches the world: begins it, and takes each of its steps, only while the session is certain. A process
    /// may be stopped in the middle of it and find its session closed when it wakes.
    ///
    /// # Errors
    /// [`Lost`], and the effect is dropped where it stands.
    pub(crate) async fn under<T>(&self, effect: impl Future<Output = T>) -> Result<T, Lost> {
        let mut effect = pin!(effect);
        while self.until(|| self.is_certain()).await {
            let step = poll_fn(|context| {
                if !self.is_certain() {
                    return Poll::Ready(None);
                }
                effect.as_mut().poll(context).map(Some)
            });
            tokio::select! {
                biased;
                () = self.lost() => break,
                done = step => {
                    if let Some(done) = done {
                        return Ok(done);
                    }
                }
            }
        }
        Err(Lost)
    }

    /// Waits until it may be gone on: `false` once it is over.
    async fn until(&self, may: impl Fn() -> bool) -> bool {
        loop {
            if may() {
                return true;
            }
            tokio::select! {
                () = self.lost() => return false,
                () = tokio::time::sleep(LOOK) => {}
            }
        }
    }

    /// How long the host may trust in it from now on without another sign of life.
    fn left(&self) -> Duration {
        self.remains(self.lease.saturating_sub(MARGIN))
    }

    /// What is left of a time that began when the store was asked last.
    fn remains(&self, time: Duration) -> Duration {
        (Duration::from_micros(self.asked_us.load(Ordering::SeqCst)) + time).saturating_sub(uptime())
    }

    /// Notes that the store answered what was asked at `asked`.
    fn heard(&self, asked: Duration) {
        self.asked_us.store(u64::try_from(asked.as_micros()).unwrap_or(u64::MAX), Ordering::SeqCst);
    }

    /// A session for tests of other parts: held for an hour.
    #[cfg(test)]
    pub(crate) fn for_tests(id: i64) -> Arc<Self> {
        Arc::new(Self::new(SessionId(id), Duration::from_secs(3600), uptime()))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicBool;

    use futures::poll;
    use tokio::sync::Notify;

    use super::*;

    #[test]
    fn trust_counts_from_before_the_question_and_ends_before_the_lease() {
        let lease = Duration::from_secs(5);

        let fresh = Session::new(SessionId(1), lease, uptime());
        let slow = Session::new(SessionId(1), lease, uptime().saturating_sub(lease - MARGIN));

        assert!(fresh.is_held() && fresh.left() <= lease - MARGIN);
        assert!(!slow.is_held() && !slow.is_lost());
    }

    #[test]
    fn a_host_goes_on_for_a_lease_but_touches_the_world_for_a_beat_and_a_half() {
        let lease = Duration::from_secs(3600);
        let asked_ago = |time| Session::new(SessionId(1), lease, uptime().saturating_sub(time));
        let beat = lease / BEATS_PER_LEASE;

        let lost = asked_ago(Duration::ZERO);
        lost.lose();

        assert!(asked_ago(Duration::ZERO).is_certain() && asked_ago(beat).is_certain());
        let slept = asked_ago(beat * 2);
        assert!(slept.is_held() && !slept.is_certain());
        assert!(!lost.is_certain());
    }

    #[tokio::test]
    async fn a_doubt_ends_with_the_next_answer_or_with_the_loss() {
        let lease = Duration::from_secs(5);
        let session = Session::new(SessionId(1), lease, Duration::ZERO);

        let (settled, ()) = tokio::join!(session.settled(), async { session.heard(uptime()) });
        assert!(settled);

        session.lose();
        assert!(!session.settled().await);
    }

    /// A session whose process slept for two beats.
    fn asleep() -> Session {
        let lease = Duration::from_secs(3600);
        Session::new(SessionId(1), lease, uptime().saturating_sub(lease / BEATS_PER_LEASE * 2))
    }

    #[tokio::test]
    async fn after_a_sleep_an_effect_waits_for_the_store_and_is_done_once_it_said_yes() {
        let session = asleep();
        let done = AtomicBool::new(false);
        let mut effect = pin!(session.under(async { done.store(true, Ordering::SeqCst) }));

        assert!(poll!(effect.as_mut()).is_pending() && !done.load(Ordering::SeqCst));
        session.heard(uptime());

        assert_eq!(effect.await, Ok(()));
    }

    #[tokio::test]
    async fn after_a_sleep_an_effect_is_refused_once_the_session_turns_out_to_be_lost() {
        let session = asleep();
        let done = AtomicBool::new(false);
        let mut effect = pin!(session.under(async { done.store(true, Ordering::SeqCst) }));

        assert!(poll!(effect.as_mut()).is_pending());
        session.lose();

        assert_eq!((effect.await, done.load(Ordering::SeqCst)), (Err(Lost), false));
    }

    #[tokio::test]
    async fn an_effect_that_a_sleep_found_half_done_takes_no_further_step() {
        let session = Session::new(SessionId(1), Duration::from_secs(3600), uptime());
        let (half, whole) = (AtomicBool::new(false), AtomicBool::new(false));
        let gate = Notify::new();
        let mut effect = pin!(session.under(async {
            half.store(true, Ordering::SeqCst);
            gate.notified().await;
            whole.store(true, Ordering::SeqCst);
        }));

        assert!(poll!(effect.as_mut()).is_pending() && half.load(Ordering::SeqCst));
        session.heard(uptime().saturating_sub(session.beat() * 2));
        gate.notify_one();

        assert!(poll!(effect.as_mut()).is_pending() && !whole.load(Ordering::SeqCst));
        session.lose();
        assert_eq!((effect.await, whole.load(Ordering::SeqCst)), (Err(Lost), false));
    }
}
