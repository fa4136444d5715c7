//! Turns of what only some may do at once: a call that comes to wait for too long is told so.

use std::time::Duration;

use rpc::{Code, Error};
use tokio::sync::{Semaphore, SemaphorePermit};

/// How long a call waits for its turn: longer than the compiler may take for the one before it.
pub(super) const PATIENCE: Duration = Duration::from_secs(300);

/// Waits for a turn at `what`; it lasts as long as the permit is held.
///
/// # Errors
/// `Unavailable` when none came within `patience`.
pub(super) async fn turn<'a>(
    turns: &'a Semaphore,
    what: &str,
    patience: Duration,
) -> Result<SemaphorePermit<'a>, Error> {
    match tokio::time::timeout(patience, turns.acquire()).await {
        Ok(Ok(permit)) => Ok(permit),
        Ok(Err(_closed)) => Err(Error::new(Code::Unavailable, "this scheduler is stopping")),
        Err(_) => {
            let message = format!("component: others are {what}, and no turn came within {patience:?}");
            Err(Error::new(Code::Unavailable, message).hint("nothing was stored; try again in a moment"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn who_gets_no_turn_is_told_so_and_who_waits_gets_the_next() {
        let turns = Semaphore::new(1);
        let first = turn(&turns, "inspected", PATIENCE).await.expect("nobody else is there");

        let refused = turn(&turns, "inspected", Duration::from_millis(10)).await.expect_err("it is taken");
        let (second, ()) = tokio::join!(turn(&turns, "inspected", PATIENCE), async { drop(first) });

        assert_eq!(refused.code, Code::Unavailable);
        assert!(refused.message.contains("inspected") && refused.message.contains("10ms"), "{refused}");
        assert!(second.is_ok());
    }
}
