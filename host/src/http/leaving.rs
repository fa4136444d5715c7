//! The body of a request, which leaves only while its attempt may touch the world.
//!
//! Whoever makes a request hands it to the connection's own task, and the process may be stopped in between, for longer
//! than its lease. So the body asks once more, in the moment in which it is written: without it no server takes the
//! request for a whole one.

use std::pin::Pin;
use std::sync::{Mutex, PoisonError};
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures::future::BoxFuture;
use http_body::{Body, Frame, SizeHint};

/// Whether the request may leave: answered when it is known.
pub(crate) type Leave = BoxFuture<'static, bool>;

/// The attempt is not this host's any more.
#[derive(Debug, thiserror::Error)]
#[error("withdrawn: the attempt is not this host's any more")]
pub(super) struct Withdrawn;

/// A body that asks before it leaves.
pub(super) struct Leaving {
    bytes: Bytes,
    // A body is shared by reference, too: the lock makes it so, and nobody waits for it.
    leave: Mutex<Leave>,
}

impl Leaving {
    pub(super) fn new(bytes: Vec<u8>, leave: Leave) -> Self {
        Self { bytes: bytes.into(), leave: Mutex::new(leave) }
    }
}

impl Body for Leaving {
    type Data = Bytes;
    type Error = Withdrawn;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Withdrawn>>> {
        if self.bytes.is_empty() {
            return Poll::Ready(None);
        }
        let leave = self.leave.get_mut().unwrap_or_else(PoisonError::into_inner);
        let may = ready!(leave.as_mut().poll(context));
        let bytes = std::mem::take(&mut self.bytes);
        Poll::Ready(Some(if may { Ok(Frame::data(bytes)) } else { Err(Withdrawn) }))
    }

    fn is_end_stream(&self) -> bool {
        self.bytes.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.bytes.len() as u64)
    }
}
