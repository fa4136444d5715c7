//! How much of a call's body is taken, and for how long. Of a call with one message, tonic would read on for trailers
//! after the message, however much came.

use std::time::Duration;

use axum::body::Body;
use axum::extract::Request;
use axum::middleware::Next;
use axum::response::Response;
use futures::stream::{self, StreamExt};
use model::bounds::COMPONENT_BYTES_MAX;
use model::units::show_size;
use rpc::{Code, Error, MESSAGE_BYTES_MAX};
use tokio::time::{Instant, timeout};
use tonic::Status;

/// Most bytes of one call: the largest message or component, and an eighth of it for what it is wrapped in.
const BODY_BYTES_MAX: u64 = {
    let most = if MESSAGE_BYTES_MAX > COMPONENT_BYTES_MAX { MESSAGE_BYTES_MAX } else { COMPONENT_BYTES_MAX };
    most as u64 + most as u64 / 8
};

/// How long the next bytes of a call may take once they are waited for.
const IDLE_MAX: Duration = Duration::from_secs(30);

/// How long all bytes of a call may take: the largest component over a line of 1 Mbit/s, after it got its turn.
const WHOLE_MAX: Duration = Duration::from_secs(900);

/// Bounds the body of a call; one that is over it ends with a refusal.
pub(super) async fn bounded(request: Request, next: Next) -> Response {
    next.run(request.map(|body| bound(body, BODY_BYTES_MAX, IDLE_MAX))).await
}

fn bound(body: Body, most: u64, idle: Duration) -> Body {
    let began = Instant::now();
    let body = body.into_data_stream();
    Body::from_stream(stream::try_unfold((body, 0), move |(mut body, taken)| async move {
        match timeout(idle, body.next()).await {
            Ok(None) => Ok(None),
            Ok(Some(Ok(bytes))) => {
                let taken = taken + bytes.len() as u64;
                if taken > most {
                    return Err(too_large(most));
                }
                if began.elapsed() > WHOLE_MAX {
                    return Err(too_slow(&format!("did not arrive within {WHOLE_MAX:?}")));
                }
                Ok(Some((bytes, (body, taken))))
            }
            Ok(Some(Err(error))) => Err(Status::from_error(Box::new(error))),
            Err(_) => Err(too_slow(&format!("had nothing more to say for {idle:?}"))),
        }
    }))
}

fn too_large(most: u64) -> Status {
    let most = show_size(most);
    Error::new(Code::Denied, format!("call: more than {most} arrive, which is the limit of one call"))
        .hint("one call is one message; send many jobs in calls of a few thousand kilobytes")
        .into()
}

fn too_slow(how: &str) -> Status {
    Error::new(Code::Timeout, format!("call: its body {how}")).into()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU64, Ordering};

    use axum::body::{Bytes, to_bytes};

    use super::*;

    /// A body without end, and how much of it was taken.
    fn endless() -> (Body, Arc<AtomicU64>) {
        let taken = Arc::new(AtomicU64::new(0));
        let counter = Arc::clone(&taken);
        let body = stream::repeat_with(move || {
            counter.fetch_add(1_000, Ordering::Relaxed);
            Ok::<_, std::io::Error>(Bytes::from_static(&[0; 1_000]))
        });
        (Body::from_stream(body), taken)
    }

    #[tokio::test]
    async fn of_a_body_without_end_no_more_is_taken_than_the_limit() {
        let (body, taken) = endless();

        let refused = to_bytes(bound(body, 10_000, IDLE_MAX), usize::MAX).await.expect_err("it has no end");

        assert_eq!(taken.load(Ordering::Relaxed), 11_000);
        let refusal = Error::from(Status::from_error(Box::new(refused)));
        assert_eq!(refusal.code, Code::Denied);
        assert!(refusal.message.contains("9.8 KiB"), "{refusal}");
    }

    #[tokio::test]
    async fn a_body_that_falls_silent_is_given_up() {
        let silent = Body::from_stream(stream::pending::<Result<Bytes, std::io::Error>>());

        let refused =
            to_bytes(bound(silent, 10, Duration::from_millis(10)), 10).await.expect_err("it is silent");

        assert_eq!(Error::from(Status::from_error(Box::new(refused))).code, Code::Timeout);
    }

    #[tokio::test]
    async fn a_body_within_its_bounds_comes_as_it_is() {
        let body = bound(Body::from("as it is"), 8, IDLE_MAX);

        assert_eq!(to_bytes(body, 100).await.expect("it is whole"), "as it is");
    }
}
