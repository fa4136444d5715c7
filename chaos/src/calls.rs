//! The API as a load calls it: patient, and never in doubt what it was told.

use std::time::Duration;

use rpc::v1;
use rpc::{Client, ClientConfig, Code};

/// Where everything of a field stands.
pub(crate) const NAMESPACE: &str = "default";

/// How long one call may take. Longer than a server may need to say that it cannot.
const PATIENCE: Duration = Duration::from_secs(20);

/// The API at `server`, connected to at the first call. Only inside a runtime.
pub(crate) fn client(server: &str) -> Client {
    let config =
        ClientConfig { server: server.to_owned(), token: None, connect_timeout: Duration::from_secs(2) };
    Client::lazy(&config).expect("the URL is one")
}

/// Enqueues jobs, all or none.
pub(crate) async fn enqueue(
    client: &Client,
    jobs: Vec<v1::NewJob>,
) -> Result<Vec<v1::EnqueuedJob>, rpc::Error> {
    let request = v1::EnqueueRequest { namespace: NAMESPACE.to_owned(), jobs };
    match tokio::time::timeout(PATIENCE, client.jobs.clone().enqueue(request)).await {
        Ok(answer) => Ok(answer?.into_inner().jobs),
        Err(_) => Err(rpc::Error::new(Code::Timeout, "no answer in time")),
    }
}

/// Whether the caller may ask again, and should.
pub(crate) fn passes(error: &rpc::Error) -> bool {
    matches!(error.code, Code::Unavailable | Code::Timeout | Code::Internal)
}
