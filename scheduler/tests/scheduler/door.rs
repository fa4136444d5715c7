//! The one port: who may ask, pages beside the API, probes, and how it is shut.

use rpc::{Code, v1};
use testkit::eventually::eventually;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::room::{Replica, Room, connect};

/// Asks as a browser does; the status and the whole answer.
pub(crate) async fn get(replica: &Replica, path: &str, header: &str) -> (u16, String) {
    let address = replica.address.trim_start_matches("http://");
    let mut stream = TcpStream::connect(address).await.expect("it listens");
    let request = format!("GET {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n{header}\r\n");
    stream.write_all(request.as_bytes()).await.expect("it reads");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("it is text");
    let status = answer.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
    (status, answer)
}

#[tokio::test]
async fn pages_and_probes_are_on_the_port_of_the_api() {
    let (room, replica) = Room::with_replica().await;
    room.publish("t", None).await;
    let id = replica.enqueue_one("t").await;

    for (path, expected) in [
        ("/", "Overview"),
        ("/jobs", &id),
        (&format!("/jobs/default/{id}"), &id),
        ("/tasks", "a task"),
        ("/healthz", "ok"),
        ("/readyz", "ready"),
    ] {
        let (status, answer) = get(&replica, path, "").await;
        assert_eq!(status, 200, "{path}: {answer}");
        assert!(answer.contains(expected), "{path}: {answer}");
    }
    assert_eq!(get(&replica, "/nosuch", "").await.0, 404);
    assert_eq!(get(&replica, "/jobs/default/01900000-0000-7000-8000-000000000001", "").await.0, 404);
    assert_eq!(get(&replica, "/jobs/a%20b/x", "").await.0, 400);
}

#[tokio::test]
async fn without_the_token_nobody_is_let_in() {
    let room = Room::new().await;
    let replica = room.replica_with_token(Some("secret")).await;
    let status =
        async |token| connect(&replica.address, token).await.cluster.status(v1::StatusRequest {}).await;

    for token in [None, Some("other")] {
        let error = rpc::Error::from(status(token).await.expect_err("the token is wrong"));
        assert_eq!(error.code, Code::Unauthenticated);
        assert!(error.hint.is_some_and(|hint| hint.contains("JOBCTL_TOKEN")));
    }
    assert!(status(Some("secret")).await.is_ok());
    // The passwords are `other` and `secret`.
    let (shut, answer) = get(&replica, "/jobs", "authorization: Basic YW55Om90aGVy\r\n").await;
    assert_eq!(shut, 401);
    assert!(answer.to_lowercase().contains("www-authenticate: basic"), "{answer}");
    assert_eq!(get(&replica, "/", "").await.0, 401);
    assert_eq!(get(&replica, "/jobs", "authorization: Basic YW55OnNlY3JldA==\r\n").await.0, 200);
    assert_eq!(get(&replica, "/healthz", "").await.0, 200);
    assert_eq!(get(&replica, "/readyz", "").await.0, 200);
}

#[tokio::test]
async fn a_follower_with_the_token_reaches_the_leader() {
    let room = Room::new().await;
    room.publish("t", None).await;
    let one = room.replica_with_token(Some("secret")).await;
    let two = room.replica_with_token(Some("secret")).await;
    let leader = one.leader().await;
    let (leader, follower) = if leader.address == one.address { (one, two) } else { (two, one) };
    leader.store.due.store(false, std::sync::atomic::Ordering::Relaxed);

    eventually("a reference by way of the leader", || async {
        let id = follower.enqueue_one("t").await.parse().expect("an id");
        let taken = broker::Broker::take(&*room.broker, crate::gates::all()).await.expect("it is up");
        taken.contains(&id).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_replica_whose_store_hangs_lives_and_is_not_ready() {
    let (_room, replica) = Room::with_replica().await;

    replica.store.set_open(false);

    assert_eq!(get(&replica, "/healthz", "").await.0, 200);
    let (status, answer) = get(&replica, "/readyz", "").await;
    assert_eq!(status, 503);
    assert!(answer.contains("did not answer"), "{answer}");
    replica.store.set_open(true);
    assert_eq!(get(&replica, "/readyz", "").await.0, 200);
}

#[tokio::test]
async fn a_call_under_way_is_answered_before_the_replica_returns() {
    let (room, replica) = Room::with_replica().await;
    room.publish("t", None).await;
    replica.leader().await;
    replica.store.set_open(false);
    let call = tokio::spawn({
        let mut client = replica.client.clone();
        async move { client.tasks.list_tasks(v1::ListTasksRequest::default()).await }
    });
    eventually("the call", || async { replica.store.has_held_up("tasks").then_some(()) }).await;

    replica.shutdown.drain();
    eventually("the end of new connections", || async {
        TcpStream::connect(replica.address.trim_start_matches("http://")).await.err().map(|_| ())
    })
    .await;
    replica.store.set_open(true);

    assert_eq!(call.await.expect("no panic").expect("it is answered").into_inner().tasks.len(), 1);
    replica.running.await.expect("no panic").expect("it stops in order");
}

#[tokio::test]
async fn a_replica_that_must_end_ends_whatever_is_under_way() {
    let (_room, replica) = Room::with_replica().await;
    replica.store.set_open(false);
    let call = tokio::spawn({
        let mut client = replica.client.clone();
        async move { client.tasks.list_tasks(v1::ListTasksRequest::default()).await }
    });

    eventually("the call", || async { replica.store.has_held_up("tasks").then_some(()) }).await;

    replica.shutdown.now();

    replica.running.await.expect("no panic").expect("it stops in order");
    call.abort();
}

#[tokio::test]
async fn a_port_in_use_is_said_so() {
    let (room, replica) = Room::with_replica().await;
    let listen = replica.address.trim_start_matches("http://").parse().expect("an address");

    let error = room.try_listen(listen).await.err().expect("it is in use");

    assert!(format!("{error:#}").contains(&format!("listen at {listen}")), "{error:#}");
}
