//! Looks whether the broker answers this replica. What a leader does tells by itself; a follower asks nothing of the
//! broker for as long as nobody ends a job, and yet must know: to drop what it cannot say, to tell who asks whether it
//! is ready, and to lead only when it can.

use std::sync::Arc;
use std::time::Duration;

use service::{Shutdown, Ticks};
use tokio::sync::watch;

use crate::desk::Desk;
use crate::standing::Standing;

/// Between two looks: one command.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Looks until the shutdown drains.
pub(crate) async fn run(desk: Arc<Desk>, standing: watch::Receiver<Standing>, shutdown: Shutdown) {
    let ticks = Ticks { name: "the ready queue", period: LOOK_EVERY, backoff_max: LOOK_EVERY, wake: None };
    let look = || async {
        if *standing.borrow() != Standing::Leading {
            return desk.generation().await.map(drop);
        }
        desk.failure().map_or(Ok(()), |why| Err(broker::Error { why }))
    };
    ticks.run(&shutdown, look).await;
}
