//! Waiting for what must come, by a deadline, without guessing how long it takes.

use std::future::Future;
use std::time::{Duration, Instant};

/// How long a test waits for what must come: long enough for a machine that is busy with other tests.
pub const DEADLINE: Duration = Duration::from_secs(60);

/// Between two looks.
const LOOK: Duration = Duration::from_millis(20);

/// Calls `look` until it gives something, and returns that.
///
/// # Panics
/// With `what`, when the deadline passed.
pub async fn eventually<T, F, L>(what: &str, mut look: L) -> T
where
    F: Future<Output = Option<T>>,
    L: FnMut() -> F,
{
    let deadline = Instant::now() + DEADLINE;
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(Instant::now() < deadline, "waited {DEADLINE:?} in vain for {what}");
        tokio::time::sleep(LOOK).await;
    }
}

/// The same for code that is not async.
///
/// # Panics
/// With `what`, when the deadline passed.
pub fn eventually_blocking<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + DEADLINE;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < deadline, "waited {DEADLINE:?} in vain for {what}");
        std::thread::park_timeout(LOOK);
    }
}
