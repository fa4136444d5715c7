//! One life of this host in the store, and until when the host may trust in it.
//!
//! The store judges a lease by its own clock, from the moment the sign of life arrives. The host judges itself
//! by a clock of its own, from *before* it asked, and less a margin: so it stops trusting before the store does,
//! however long the call took and however long the process was stopped.

pub(crate) mod heart;
mod uptime;

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use model::id::SessionId;
use tokio_util::sync::CancellationToken;

use uptime::uptime;

/// How much earlier than the store the host stops trusting in its lease: more than two clocks drift apart
/// within a lease, and time enough for an effect that has just passed the gate to leave the machine.
const MARGIN: Duration = Duration::from_millis(300);

/// Between two looks at a lease that may still be saved.
const LOOK: Duration = Duration::from_millis(20);

/// An open session.
#[derive(Debug)]
pub(crate) struct Session {
    id: SessionId,
    lease: Duration,
    trusted_until_us: AtomicU64,
    lost: CancellationToken,
}

impl Session {
    fn new(id: SessionId, lease: Duration, asked: Duration) -> Self {
        let session = Self { id, lease, trusted_until_us: AtomicU64::new(0), lost: CancellationToken::new() };
        session.heard(asked);
        session
    }

    /// Its id in the store.
    pub(crate) fn id(&self) -> SessionId {
        self.id
    }

    /// Whether the host may act under it now.
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

    /// Waits out a doubt: `true` once it is held, `false` once it is over.
    pub(crate) async fn settled(&self) -> bool {
        loop {
            if self.is_held() {
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
        Duration::from_micros(self.trusted_until_us.load(Ordering::SeqCst)).saturating_sub(uptime())
    }

    /// Notes that the store answered what was asked at `asked`.
    fn heard(&self, asked: Duration) {
        let until = (asked + self.lease).saturating_sub(MARGIN);
        self.trusted_until_us.store(u64::try_from(until.as_micros()).unwrap_or(u64::MAX), Ordering::SeqCst);
    }

    /// A session for tests of other parts: held for an hour.
    #[cfg(test)]
    pub(crate) fn for_tests(id: i64) -> std::sync::Arc<Self> {
        std::sync::Arc::new(Self::new(SessionId(id), Duration::from_secs(3600), uptime()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trust_counts_from_before_the_question_and_ends_before_the_lease() {
        let lease = Duration::from_secs(5);

        let fresh = Session::new(SessionId(1), lease, uptime());
        let slow = Session::new(SessionId(1), lease, uptime().saturating_sub(lease - MARGIN));

        assert!(fresh.is_held() && fresh.left() <= lease - MARGIN);
        assert!(!slow.is_held() && !slow.is_lost());
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
}
