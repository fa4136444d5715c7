//! A bound on every call of the store: whoever waits for an answer over a connection that was cut waits for ever.

use std::future::Future;
use std::time::Duration;

/// The longest wait for an answer: 64 MiB of files over a slow line fit in, and what the database locks for
/// longer is tried again.
pub(crate) const CALL: Duration = Duration::from_secs(15);

/// The call's answer, or `Unavailable` when there is none in time. It is not known then what became of it.
pub(crate) async fn patient<T>(call: impl Future<Output = store::Result<T>>) -> store::Result<T> {
    tokio::time::timeout(CALL, call)
        .await
        .unwrap_or_else(|_| Err(store::Error::Unavailable { why: format!("no answer within {CALL:?}") }))
}
