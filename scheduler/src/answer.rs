//! What goes wrong, as a caller is told it, and how long the store may take to answer.

use std::future::Future;
use std::time::Duration;

use rpc::{Code, Error};

/// How long a call of the API waits for the store: longer than any commit on a busy machine takes, shorter
/// than people wait.
pub(crate) const STORE_DEADLINE: Duration = Duration::from_secs(10);

/// How long it waits for what an answer is only the better for: the call is done already, and its caller waits.
pub(crate) const EXTRA_DEADLINE: Duration = Duration::from_secs(2);

/// Asks the store on behalf of a caller.
pub(crate) async fn ask<T>(call: impl Future<Output = store::Result<T>>) -> Result<T, Error> {
    within(STORE_DEADLINE, call).await.map_err(refusal)
}

/// Asks the store, and takes no answer within `limit` for an unavailable store.
pub(crate) async fn within<T>(
    limit: Duration,
    call: impl Future<Output = store::Result<T>>,
) -> store::Result<T> {
    tokio::time::timeout(limit, call).await.unwrap_or_else(|_| Err(too_late(limit)))
}

/// The store did not answer within `limit`.
pub(crate) fn too_late(limit: Duration) -> store::Error {
    store::Error::Unavailable { why: format!("it did not answer within {limit:?}") }
}

/// Asks the broker, and takes no answer within `limit` for an unavailable broker.
pub(crate) async fn broker_within<T>(
    limit: Duration,
    call: impl Future<Output = broker::Result<T>>,
) -> broker::Result<T> {
    tokio::time::timeout(limit, call)
        .await
        .unwrap_or_else(|_| Err(broker::Error { why: format!("it did not answer within {limit:?}") }))
}

/// What the store said, in the caller's words.
pub(crate) fn refusal(error: store::Error) -> Error {
    let message = error.to_string();
    match error {
        store::Error::NotFound { what } => {
            let error = Error::new(Code::NotFound, message);
            match hint_for(&what) {
                Some(hint) => error.hint(hint),
                None => error,
            }
        }
        store::Error::Conflict { .. } | store::Error::Stale { .. } => Error::new(Code::Conflict, message),
        store::Error::Unavailable { .. } => Error::new(Code::Unavailable, message)
            .hint("try again in a moment; /readyz tells when it answers"),
        store::Error::Corrupt { .. } => {
            tracing::error!(error = message, "the store holds what makes no sense");
            Error::new(Code::Internal, message).hint("this is a fault of the platform, not of the call")
        }
    }
}

fn hint_for(what: &str) -> Option<&'static str> {
    let hints = [
        (
            "task ",
            "`jobctl task list` shows the tasks of a namespace; `jobctl task publish FILE.wasm` adds one",
        ),
        ("version ", "`jobctl task versions TASK` shows the versions of a task"),
        ("an active version ", "`jobctl task promote TASK@VERSION` makes a version the active one"),
        ("job ", "`jobctl job list` shows the jobs of a namespace; -n names another one"),
        ("schedule ", "`jobctl schedule list` shows the schedules of a namespace; -n names another one"),
        ("file ", "`jobctl job show ID` names the files of a job"),
    ];
    hints.into_iter().find(|(start, _)| what.starts_with(start)).map(|(_, hint)| hint)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_found_comes_with_the_way_to_look_for_it() {
        let error = refusal(store::Error::NotFound { what: "task \"nosuch\"".to_owned() });

        assert_eq!((error.code, error.message.as_str()), (Code::NotFound, "task \"nosuch\" not found"));
        assert!(error.hint.is_some_and(|hint| hint.contains("jobctl task list")));
    }

    #[tokio::test]
    async fn a_store_that_hangs_is_unavailable() {
        let hangs = std::future::pending::<store::Result<()>>();

        let error = refusal(within(Duration::from_millis(10), hangs).await.expect_err("nobody answers"));

        assert_eq!(error.code, Code::Unavailable);
        assert!(error.message.contains("10ms"), "{error}");
    }
}
