//! The two steps in which everything stops.

use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// Tells everybody who holds a clone when to take no more, and when to end.
///
/// ```text
/// running ──drain──▶ draining (what runs may end) ──now──▶ ending
/// ```
#[derive(Debug, Clone)]
pub struct Shutdown {
    drain: CancellationToken,
    now: CancellationToken,
    /// Step one of the whole process, which a part may outlast.
    whole: CancellationToken,
}

impl Default for Shutdown {
    fn default() -> Self {
        let (drain, now) = (CancellationToken::new(), CancellationToken::new());
        Self { whole: drain.clone(), drain, now }
    }
}

impl Shutdown {
    /// One that nobody has asked for yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// One that the process's signals ask for: the first SIGTERM or SIGINT begins to drain, and `drain_timeout`
    /// later, or at a second signal, everything ends.
    ///
    /// # Errors
    /// When the signals cannot be listened to.
    pub fn on_signals(drain_timeout: Duration) -> std::io::Result<Self> {
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        let shutdown = Self::new();
        let asked = shutdown.clone();
        tokio::spawn(async move {
            let mut next = async || {
                tokio::select! {
                    _ = terminate.recv() => "SIGTERM",
                    _ = interrupt.recv() => "SIGINT",
                }
            };
            let name = next().await;
            tracing::info!(signal = name, timeout = ?drain_timeout, "stopping: no new work, what runs may end");
            asked.drain();
            tokio::select! {
                name = next() => tracing::warn!(signal = name, "a second signal: ending now"),
                () = tokio::time::sleep(drain_timeout) => tracing::warn!("the drain timeout is over: ending now"),
            }
            asked.now();
        });
        Ok(shutdown)
    }

    /// Step one: take no more. Doing it twice is harmless.
    pub fn drain(&self) {
        self.drain.cancel();
    }

    /// Step two: end. Implies step one.
    pub fn now(&self) {
        self.drain.cancel();
        self.now.cancel();
    }

    /// Whether step one was asked for.
    #[must_use]
    pub fn is_draining(&self) -> bool {
        self.drain.is_cancelled()
    }

    /// Whether step two was asked for.
    #[must_use]
    pub fn is_ending(&self) -> bool {
        self.now.is_cancelled()
    }

    /// Whether the whole process is on its way out, also while this part of it outlasts the rest. For those who ask
    /// whether to send anything new.
    #[must_use]
    pub fn is_leaving(&self) -> bool {
        self.whole.is_cancelled() || self.is_draining()
    }

    /// Waits for step one.
    pub async fn draining(&self) {
        self.drain.cancelled().await;
    }

    /// Waits for step two.
    pub async fn ending(&self) {
        self.now.cancelled().await;
    }

    /// One of its own: it follows this one, and asking it to stop does not stop this one.
    #[must_use]
    pub fn child(&self) -> Self {
        Self { drain: self.drain.child_token(), now: self.now.child_token(), whole: self.whole.clone() }
    }

    /// One of its own for what others lean on while they drain: it ends with this one, but drains only when it is
    /// asked to itself.
    #[must_use]
    pub fn outlasting(&self) -> Self {
        let now = self.now.child_token();
        Self { drain: now.child_token(), now, whole: self.whole.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ending_is_draining_too_and_a_child_follows() {
        let whole = Shutdown::new();
        let part = whole.child();

        part.drain();
        assert!(part.is_draining() && !whole.is_draining());

        whole.now();
        assert!(whole.is_draining() && whole.is_ending() && part.is_ending());
    }

    #[test]
    fn what_outlasts_a_drain_ends_with_the_whole() {
        let whole = Shutdown::new();
        let (last, asked) = (whole.outlasting(), whole.outlasting());

        whole.drain();
        asked.drain();
        assert!(!last.is_draining() && asked.is_draining() && !asked.is_ending());
        assert!(last.is_leaving() && !Shutdown::new().is_leaving());

        whole.now();
        assert!(last.is_draining() && last.is_ending());
    }
}
