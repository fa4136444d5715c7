//! The broker on Redis keeps the promises of every broker.

use broker::conformance::Lab;
use broker_redis::RedisBroker;
use testkit::redis::Server;

async fn fresh() -> Lab {
    let server = Server::start().await;
    Lab::new(RedisBroker::connect(&server.url()).await.expect("connect"), server)
}

broker::conformance!(fresh);
