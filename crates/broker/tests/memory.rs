//! The in-process broker keeps the promises of every broker.

use broker::MemoryBroker;
use broker::conformance::Lab;

async fn fresh() -> Lab {
    Lab::new(MemoryBroker::new(), ())
}

broker::conformance!(fresh);
