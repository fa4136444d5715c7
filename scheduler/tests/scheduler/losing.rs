//! Hosts that are gone, and hosts that only look like it: every lease here is longer than a test.

use std::net::SocketAddr;
use std::sync::Arc;

use futures::StreamExt;
use futures::stream::BoxStream;
use model::id::{Lease, SessionId};
use rpc::v1;
use rpc::v1::host_control_server::{HostControl, HostControlServer};
use testkit::eventually::eventually;
use testkit::link::{Link, Way};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_stream::wrappers::WatchStream;
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;
use tonic::{Request, Response, Status};

use crate::room::{Replica, Room};

/// A host's control service that says what it is told to, behind a line that can break.
struct Host {
    said: Arc<watch::Sender<(i64, &'static str)>>,
    link: Link,
}

#[derive(Clone)]
struct Service(Arc<watch::Sender<(i64, &'static str)>>);

#[tonic::async_trait]
impl HostControl for Service {
    async fn interrupt(
        &self,
        _: Request<v1::InterruptRequest>,
    ) -> Result<Response<v1::InterruptResponse>, Status> {
        Err(Status::unimplemented("not in this test"))
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

    type WatchStream = BoxStream<'static, Result<v1::WatchResponse, Status>>;

    async fn watch(&self, _: Request<v1::WatchRequest>) -> Result<Response<Self::WatchStream>, Status> {
        let said = WatchStream::new(self.0.subscribe());
        let said = said.map(|(session, name)| Ok(v1::WatchResponse { session, name: name.to_owned() }));
        Ok(Response::new(said.boxed()))
    }
}

impl Host {
    /// One that has no session yet.
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let at: SocketAddr = listener.local_addr().expect("it is bound");
        let said = Arc::new(watch::Sender::new((0, "host")));
        let server = Server::builder().add_service(HostControlServer::new(Service(Arc::clone(&said))));
        tokio::spawn(server.serve_with_incoming(TcpIncoming::from(listener)));
        Self { said, link: Link::to(at) }
    }

    fn address(&self) -> String {
        format!("http://{}", self.link.address())
    }

    fn says(&self, session: SessionId) {
        self.said.send_replace((session.0, "host"));
    }

    /// Waits until the leader listens.
    async fn is_watched(&self) {
        eventually("a watch", || async { (self.said.receiver_count() > 0).then_some(()) }).await;
    }

    /// Waits until the leader has dialled again, some times.
    async fn is_dialled_again(&self) {
        let before = self.link.taken();
        eventually("more dials", || async { (self.link.taken() >= before + 2).then_some(()) }).await;
    }
}

/// A host that runs a job, and is watched.
struct Work {
    host: Host,
    job: String,
    lease: Lease,
}

impl Work {
    async fn begin(room: &Room, replica: &Replica) -> Self {
        let work = Self::unseen(room, replica).await;
        work.host.is_watched().await;
        work.host.says(work.lease.session);
        work.is_heard().await;
        work
    }

    /// One that does not say its session.
    async fn unseen(room: &Room, replica: &Replica) -> Self {
        let host = Host::start().await;
        let session = room.session(&host.address()).await;
        let job = replica.enqueue_one("t").await;
        let lease = room.claim(session, &job).await;
        Self { host, job, lease }
    }

    /// Waits until the leader has read what the host said last: it left the host, and its bytes were passed on.
    async fn is_heard(&self) {
        let before = self.host.link.bytes(Way::Back);
        self.host.said.send_modify(|_| {});
        eventually("what the host says", || async {
            (self.host.link.bytes(Way::Back) > before).then_some(())
        })
        .await;
    }

    async fn is_taken_back(&self, room: &Room, replica: &Replica) {
        eventually("the rescue", || async {
            let job = replica.job(&self.job).await.expect("it is there");
            (job.attempts.first()?.outcome == "lost").then_some(())
        })
        .await;
        room.offered(&self.job).await;
    }

    async fn is_left_alone(&self, room: &Room) {
        assert!(room.store.holds(self.lease).await.expect("the store answers"), "its lease is long");
    }
}

#[tokio::test]
async fn a_host_whose_connection_broke_and_whose_port_refuses_loses_its_jobs_at_once() {
    let (room, replica) = Room::with_replica().await;
    room.publish("t", None).await;
    let work = Work::begin(&room, &replica).await;

    work.host.link.cut();

    work.is_taken_back(&room, &replica).await;
    assert!(replica.status().await.hosts.is_empty());
}

#[tokio::test]
async fn a_host_that_says_a_newer_session_has_given_the_older_one_up() {
    let (room, replica) = Room::with_replica().await;
    room.publish("t", None).await;
    let work = Work::begin(&room, &replica).await;

    let next = room.session(&work.host.address()).await;
    work.host.said.send_replace((0, "host"));
    work.host.says(next);

    work.is_taken_back(&room, &replica).await;
    let hosts = replica.status().await.hosts;
    assert_eq!(hosts.iter().map(|host| host.session).collect::<Vec<_>>(), [next.0]);
}

#[tokio::test]
async fn a_host_that_was_started_again_at_the_same_address_has_lost_its_jobs() {
    let (room, replica) = Room::with_replica().await;
    room.publish("t", None).await;
    let work = Work::begin(&room, &replica).await;

    let next = room.session(&work.host.address()).await;
    work.host.says(next);
    work.host.link.reset();

    work.is_taken_back(&room, &replica).await;
}

#[tokio::test]
async fn only_a_host_that_is_gone_is_taken_for_gone() {
    let (room, replica) = Room::with_replica().await;
    room.publish("t", None).await;
    let silent = Work::begin(&room, &replica).await;
    let broken = Work::begin(&room, &replica).await;
    let ended = Work::begin(&room, &replica).await;
    let foreign = Work::begin(&room, &replica).await;
    let unheard = Work::unseen(&room, &replica).await;
    let unreached = Work::unseen(&room, &replica).await;
    let gone = Work::begin(&room, &replica).await;
    unheard.host.is_watched().await;

    // A network that loses everything, a connection that broke, a host that gave its session up itself, another host's
    // address, and two whose session was never named at a port that refuses.
    silent.host.link.silence(Way::Both);
    broken.host.link.reset();
    ended.host.said.send_replace((0, "host"));
    ended.is_heard().await;
    ended.host.link.cut();
    foreign.host.said.send_replace((foreign.lease.session.0 + 1_000, "other"));
    foreign.host.link.reset();
    unheard.host.link.cut();
    unreached.host.link.cut();
    broken.host.is_watched().await;
    foreign.host.is_watched().await;
    silent.host.is_dialled_again().await;
    gone.host.link.cut();

    gone.is_taken_back(&room, &replica).await;
    for work in [silent, broken, ended, foreign, unheard, unreached] {
        work.is_left_alone(&room).await;
    }
}

#[tokio::test]
async fn a_connection_that_fell_silent_is_given_up_for_a_fresh_one_that_sees_the_end() {
    let (room, replica) = Room::with_replica().await;
    room.publish("t", None).await;
    let work = Work::begin(&room, &replica).await;

    // A firewall forgot the connection: whatever becomes of the host, nobody on it is told.
    work.host.link.silence(Way::Both);
    work.host.is_dialled_again().await;
    work.is_left_alone(&room).await;
    work.host.link.cut();

    work.is_taken_back(&room, &replica).await;
}

#[tokio::test]
async fn the_leader_watches_and_the_next_one_after_it() {
    let room = Room::new().await;
    room.publish("t", None).await;
    let first = room.replica().await;
    first.leader().await;
    let second = room.replica().await;
    let work = Work::begin(&room, &first).await;
    assert_eq!(work.host.said.receiver_count(), 1, "a follower does not watch");

    first.shutdown.drain();
    first.running.await.expect("no panic").expect("it stops in order");
    eventually("the next leader", || async {
        second.status().await.leader.filter(|leader| leader.address == second.address)
    })
    .await;
    work.host.is_watched().await;
    work.is_heard().await;
    work.host.link.cut();

    work.is_taken_back(&room, &second).await;
}
