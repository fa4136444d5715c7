//! Cancel and retry, with honest answers.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use futures::StreamExt;
use futures::stream::Empty;
use model::id::Lease;
use rpc::v1::host_control_server::{HostControl, HostControlServer};
use rpc::{Code, v1};
use tokio::net::TcpListener;
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;
use tonic::{Request, Response, Status};

use crate::room::{Replica, Room};

/// A host's control service that remembers whom it was told to stop, with what grace.
#[derive(Clone, Default)]
pub(crate) struct Host {
    told: Arc<Mutex<Vec<(Lease, u64)>>>,
    hangs_once: Arc<AtomicBool>,
}

#[tonic::async_trait]
impl HostControl for Host {
    async fn interrupt(
        &self,
        request: Request<v1::InterruptRequest>,
    ) -> Result<Response<v1::InterruptResponse>, Status> {
        if self.hangs_once.swap(false, Ordering::Relaxed) {
            return std::future::pending().await;
        }
        let request = request.get_ref();
        let lease = rpc::lease_of(request).expect("the scheduler knows how");
        self.told.lock().expect("nobody panics while holding it").push((lease, request.grace_ms));
        Ok(Response::new(v1::InterruptResponse { status: "stopping".to_owned() }))
    }

    async fn drain(&self, _: Request<v1::DrainRequest>) -> Result<Response<v1::DrainResponse>, Status> {
        Err(Status::unimplemented("not in this test"))
    }

    async fn host_status(
        &self,
        _: Request<v1::HostStatusRequest>,
    ) -> Result<Response<v1::HostStatusResponse>, Status> {
        Err(Status::unimplemented("not in this test"))
    }

    type WatchStream = Empty<Result<v1::WatchResponse, Status>>;

    async fn watch(&self, _: Request<v1::WatchRequest>) -> Result<Response<Self::WatchStream>, Status> {
        Err(Status::unimplemented("not in this test"))
    }
}

impl Host {
    pub(crate) fn told(&self) -> Vec<(Lease, u64)> {
        self.told.lock().expect("nobody panics while holding it").clone()
    }

    pub(crate) async fn start(&self) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("it is bound");
        let server = Server::builder().add_service(HostControlServer::new(self.clone()));
        tokio::spawn(server.serve_with_incoming(TcpIncoming::from(listener)));
        format!("http://{address}")
    }
}

async fn cancel(replica: &Replica, id: &str) -> Result<v1::CancelJobResponse, rpc::Error> {
    cancel_within(replica, id, 0).await
}

async fn cancel_within(
    replica: &Replica,
    id: &str,
    grace_ms: u64,
) -> Result<v1::CancelJobResponse, rpc::Error> {
    let request = v1::CancelJobRequest { namespace: String::new(), id: id.to_owned(), grace_ms };
    Ok(replica.client.clone().jobs.cancel_job(request).await?.into_inner())
}

async fn retry(replica: &Replica, id: &str) -> Result<v1::RetryJobResponse, rpc::Error> {
    let request = v1::RetryJobRequest { namespace: String::new(), id: id.to_owned() };
    Ok(replica.client.clone().jobs.retry_job(request).await?.into_inner())
}

fn said(answer: &v1::CancelJobResponse) -> (&str, bool, bool) {
    (&answer.state, answer.changed, answer.host_reached)
}

#[tokio::test]
async fn a_waiting_job_is_cancelled_at_once_and_who_waits_is_told() {
    let (room, replica) = Room::with_replica().await;
    room.publish("t", None).await;
    let id = replica.enqueue_one("t").await;
    let mut told = replica.wait(&[&id]).await.expect("it is known");

    let first = cancel(&replica, &id).await.expect("it is known");
    let second = cancel(&replica, &id).await.expect("it is known");

    assert_eq!(said(&first), ("cancelled", true, false));
    assert_eq!(said(&second), ("cancelled", false, false));
    assert_eq!(told.next().await.expect("one").expect("no error").state, "cancelled");
}

#[tokio::test]
async fn the_host_of_a_running_job_is_told_with_the_fencing_token() {
    let (room, replica) = Room::with_replica().await;
    room.publish("t", None).await;
    let host = Host::default();
    let session = room.session(&host.start().await).await;
    let id = replica.enqueue_one("t").await;
    let lease = room.claim(session, &id).await;

    let answer = cancel(&replica, &id).await.expect("it is known");

    assert_eq!(said(&answer), ("running", true, true));
    assert_eq!(host.told(), [(lease, 0)]);
}

#[tokio::test]
async fn a_grace_is_passed_on_and_a_later_cancel_may_shorten_it() {
    let (room, replica) = Room::with_replica().await;
    room.publish("t", None).await;
    let host = Host::default();
    let session = room.session(&host.start().await).await;
    let id = replica.enqueue_one("t").await;
    let lease = room.claim(session, &id).await;

    let first = cancel_within(&replica, &id, 5_000).await.expect("it is known");
    let second = cancel(&replica, &id).await.expect("it is known");

    assert_eq!((said(&first), said(&second)), (("running", true, true), ("running", true, true)));
    assert_eq!(host.told(), [(lease, 5_000), (lease, 0)]);
}

#[tokio::test]
async fn a_grace_of_more_than_an_hour_is_refused_and_nothing_is_cancelled() {
    let (room, replica) = Room::with_replica().await;
    room.publish("t", None).await;
    let id = replica.enqueue_one("t").await;

    let refusal = cancel_within(&replica, &id, 7_200_000).await.expect_err("it is too long");

    assert_eq!(
        (refusal.code, refusal.message.as_str()),
        (Code::Invalid, "grace: 2h is over the limit of 1h")
    );
    assert_eq!(replica.job(&id).await.expect("it is there").state, "queued");
}

#[tokio::test]
async fn a_kept_connection_that_went_dead_does_not_keep_a_host_from_being_reached() {
    let (room, replica) = Room::with_replica().await;
    room.publish("t", None).await;
    let host = Host::default();
    let session = room.session(&host.start().await).await;
    let (first, second) = (replica.enqueue_one("t").await, replica.enqueue_one("t").await);
    let leases = [room.claim(session, &first).await, room.claim(session, &second).await];
    cancel(&replica, &first).await.expect("it is known");

    host.hangs_once.store(true, Ordering::Relaxed);
    let answer = cancel(&replica, &second).await.expect("it is known");

    assert_eq!(said(&answer), ("running", true, true));
    assert!(!host.hangs_once.load(Ordering::Relaxed), "the first call hung");
    assert_eq!(host.told(), leases.map(|lease| (lease, 0)));
}

#[tokio::test]
async fn a_host_that_cannot_be_reached_is_said_so() {
    let (room, replica) = Room::with_replica().await;
    room.publish("t", None).await;
    // It accepts and never says a word.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let silent = format!("http://{}", silent.local_addr().expect("it is bound"));

    for address in ["http://127.0.0.1:1", &silent] {
        let session = room.session(address).await;
        let id = replica.enqueue_one("t").await;
        room.claim(session, &id).await;

        let answer = cancel(&replica, &id).await.expect("it is known");

        assert_eq!(said(&answer), ("running", true, false));
        assert!(replica.job(&id).await.expect("it is there").cancel_requested);
    }
}

#[tokio::test]
async fn a_job_that_ended_is_not_cancelled() {
    let (room, replica) = Room::with_replica().await;
    room.publish("t", None).await;
    let session = room.session("http://127.0.0.1:1").await;
    let id = replica.enqueue_one("t").await;
    let lease = room.claim(session, &id).await;
    room.finish(lease).await;

    let answer = cancel(&replica, &id).await.expect("it is known");
    let unknown = cancel(&replica, "01900000-0000-7000-8000-000000000001").await.expect_err("no such job");

    assert_eq!(said(&answer), ("succeeded", false, false));
    assert_eq!(unknown.code, Code::NotFound);
}

#[tokio::test]
async fn a_cancelled_job_can_be_tried_again_and_is_offered() {
    let (room, replica) = Room::with_replica().await;
    room.publish("t", None).await;
    let id = replica.enqueue_one("t").await;
    room.offered(&id).await;
    let too_early = retry(&replica, &id).await.expect_err("it has not ended");
    cancel(&replica, &id).await.expect("it is known");

    let answer = retry(&replica, &id).await.expect("it was cancelled");

    assert_eq!(too_early.code, Code::Conflict);
    assert_eq!(answer.state, "queued");
    room.offered(&id).await;
}
