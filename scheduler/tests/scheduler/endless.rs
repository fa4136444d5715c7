//! What never ends, and what is far too large: how much of it is taken.

use std::time::Duration;

use futures::stream::{self, StreamExt};
use http::uri::PathAndQuery;
use model::bounds::{COMPONENT_BYTES_MAX, PAYLOAD_BYTES_MAX};
use rpc::v1::publish_request::Part;
use rpc::{Code, MESSAGE_BYTES_MAX, v1};
use testkit::eventually::eventually;
use testkit::link::{Link, Way};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tonic::client::Grpc;
use tonic::transport::Endpoint;
use tonic_prost::ProstCodec;

use crate::room::{Replica, Room, connect, job};

/// What may lie between two ends that have not heard of each other yet.
const UNDER_WAY: u64 = 16 << 20;

/// Longer than any of these calls takes.
const PATIENCE: Duration = Duration::from_secs(60);

/// Calls a method of one message with as many as the server takes; how it was refused, and how many bytes were taken.
async fn pour(replica: &Replica, message: v1::EnqueueRequest) -> (rpc::Error, u64) {
    let (link, address) = counted(replica).await;
    let channel = Endpoint::from_shared(address).expect("a URL").connect().await.expect("it listens");
    let mut grpc = Grpc::new(channel);
    grpc.ready().await.expect("it listens");
    let path = PathAndQuery::from_static("/jobs.v1.Jobs/Enqueue");
    let codec = ProstCodec::<v1::EnqueueRequest, v1::EnqueueResponse>::default();
    let call = grpc.client_streaming(tonic::Request::new(stream::repeat(message)), path, codec);
    let refused = timeout(PATIENCE, call).await.expect("it is answered").expect_err("it has no end");
    (refused.into(), link.bytes(Way::There))
}

/// A line to the replica that counts what goes over it, and its URL.
async fn counted(replica: &Replica) -> (Link, String) {
    let link = Link::to(replica.address.trim_start_matches("http://").parse().expect("an address"));
    let address = format!("http://{}", link.address());
    eventually("the line", || async { TcpStream::connect(link.address()).await.ok() }).await;
    (link, address)
}

fn jobs(count: usize, payload: usize) -> v1::EnqueueRequest {
    let payload = format!("\"{}\"", "a".repeat(payload - 2));
    v1::EnqueueRequest { namespace: String::new(), jobs: vec![job("t", &payload); count] }
}

#[tokio::test]
async fn a_message_over_the_limit_is_refused_before_it_is_read() {
    let (_room, replica) = Room::with_replica().await;

    let (refusal, taken) = pour(&replica, jobs(100, PAYLOAD_BYTES_MAX)).await;

    assert_eq!(refusal.code, Code::Denied, "{refusal}");
    assert!(refusal.message.contains(&MESSAGE_BYTES_MAX.to_string()), "{refusal}");
    assert!(taken <= UNDER_WAY, "{taken} bytes were taken");
}

#[tokio::test]
async fn messages_without_end_where_one_is_asked_for_are_refused_at_the_limit_of_a_call() {
    let (room, replica) = Room::with_replica().await;
    room.publish("t", None).await;

    let (refusal, taken) = pour(&replica, jobs(1, PAYLOAD_BYTES_MAX)).await;

    assert_eq!(refusal.code, Code::Denied, "{refusal}");
    assert!(refusal.message.contains("72 MiB"), "{refusal}");
    assert!(taken <= (72 << 20) + UNDER_WAY, "{taken} bytes were taken");
    assert!(replica.jobs().await.is_empty(), "nothing of it is stored");
}

#[tokio::test]
async fn an_upload_without_end_is_refused_at_the_limit_of_a_component() {
    let (_room, replica) = Room::with_replica().await;
    let (link, address) = counted(&replica).await;
    let header = v1::PublishRequest { part: Some(Part::Header(v1::PublishHeader::default())) };
    let chunk = v1::PublishRequest { part: Some(Part::Data(vec![0; 64 << 10])) };
    let upload = stream::iter([header]).chain(stream::repeat(chunk));

    let mut client = connect(&address, None).await;
    let call = client.tasks.publish(upload);
    let refused = timeout(PATIENCE, call).await.expect("it is answered").expect_err("it has no end");

    let refusal = rpc::Error::from(refused);
    assert_eq!(refusal.code, Code::Denied, "{refusal}");
    assert!(refusal.message.contains("64 MiB"), "{refusal}");
    let taken = link.bytes(Way::There);
    assert!(taken <= COMPONENT_BYTES_MAX as u64 + UNDER_WAY, "{taken} bytes were taken");
}

#[tokio::test]
async fn a_header_without_end_is_refused() {
    let (_room, replica) = Room::with_replica().await;
    let mut stream =
        TcpStream::connect(replica.address.trim_start_matches("http://")).await.expect("it listens");
    stream.write_all(b"GET / HTTP/1.1\r\nhost: h\r\n").await.expect("it reads");
    let line = format!("x-more: {}\r\n", "a".repeat(1_000));

    let mut taken = 0;
    let pour = async {
        // It ends when the other side has closed the connection.
        while stream.write_all(line.as_bytes()).await.is_ok() {
            taken += line.len() as u64;
        }
    };
    timeout(PATIENCE, pour).await.expect("it is refused");

    assert!(taken <= UNDER_WAY, "{taken} bytes were taken");
    let mut answer = Vec::new();
    // What was answered may be lost with the connection.
    let _ = stream.read_to_end(&mut answer).await;
    let answer = String::from_utf8_lossy(&answer);
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 431"), "{answer}");
}
