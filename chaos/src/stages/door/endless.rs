//! Clients that send without end, and count how much was taken.

use std::io::Write as _;
use std::net::SocketAddr;
use std::process::{Command, Stdio};
use std::time::Duration;

use futures::stream::{self, StreamExt as _};
use rpc::v1::publish_request::Part;
use rpc::{Client, ClientConfig, Error, v1};
use stories::Answer;
use testkit::link::{Link, Way};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tonic::client::Grpc;
use tonic::codegen::http::uri::PathAndQuery;
use tonic::transport::Endpoint;
use tonic_prost::ProstCodec;

/// Longer than any server may need to refuse.
const PATIENCE: Duration = Duration::from_secs(60);

/// What came of pouring.
pub(super) struct Poured {
    /// Bytes that went to the server.
    pub(super) taken: u64,
    /// What it said; none: it took on and on.
    pub(super) refusal: Option<Error>,
}

/// A call with one message of so many megabytes.
pub(super) async fn message(server: &str, megabytes: usize) -> Poured {
    let payload = vec![b' '; 1 << 20];
    let job = v1::NewJob { payload, task: "touch".to_owned(), ..v1::NewJob::default() };
    let message = v1::EnqueueRequest { namespace: String::new(), jobs: vec![job; megabytes] };
    call(server, stream::iter([message])).await
}

/// A call that takes one message, with as many as are taken.
pub(super) async fn messages(server: &str) -> Poured {
    let job = v1::NewJob { payload: b"{}".to_vec(), task: "touch".to_owned(), ..v1::NewJob::default() };
    let message = v1::EnqueueRequest { namespace: String::new(), jobs: vec![job; 1_000] };
    call(server, stream::repeat(message)).await
}

async fn call(
    server: &str,
    messages: impl futures::Stream<Item = v1::EnqueueRequest> + Send + 'static,
) -> Poured {
    let (link, address) = counted(server).await;
    let channel = Endpoint::from_shared(address).expect("a URL").connect().await.expect("it listens");
    let mut grpc = Grpc::new(channel).max_encoding_message_size(usize::MAX);
    grpc.ready().await.expect("it listens");
    let path = PathAndQuery::from_static("/jobs.v1.Jobs/Enqueue");
    let codec = ProstCodec::<v1::EnqueueRequest, v1::EnqueueResponse>::default();
    let call = grpc.client_streaming(tonic::Request::new(messages), path, codec);
    let answer = timeout(PATIENCE, call).await;
    let refusal = answer.ok().and_then(Result::err).map(Error::from);
    Poured { taken: link.bytes(Way::There), refusal }
}

/// The upload of a component.
pub(super) async fn upload(server: &str) -> Poured {
    let (link, address) = counted(server).await;
    let config = ClientConfig { server: address, token: None, connect_timeout: PATIENCE };
    let mut client = Client::connect(&config).await.expect("it listens");
    let header = v1::PublishRequest { part: Some(Part::Header(v1::PublishHeader::default())) };
    let chunk = v1::PublishRequest { part: Some(Part::Data(vec![0; 64 << 10])) };
    let upload = stream::iter([header]).chain(stream::repeat(chunk));
    let answer = timeout(PATIENCE, client.tasks.publish(upload)).await;
    let refusal = answer.ok().and_then(Result::err).map(Error::from);
    Poured { taken: link.bytes(Way::There), refusal }
}

/// The header of a request for a page.
pub(super) async fn header(server: &str) -> Poured {
    let line = format!("x-more: {}\r\n", "a".repeat(1_000));
    let mut stream = TcpStream::connect(address_of(server)).await.expect("it listens");
    let mut taken = 0;
    let pour = async {
        stream.write_all(b"GET / HTTP/1.1\r\nhost: h\r\n").await?;
        loop {
            stream.write_all(line.as_bytes()).await?;
            taken += line.len() as u64;
        }
    };
    let closed: Option<std::io::Result<()>> = timeout(PATIENCE, pour).await.ok();
    let refusal = closed.map(|_| Error::new(rpc::Code::Denied, "it was closed"));
    Poured { taken, refusal }
}

/// What `command` answers to input without end, and how much of it was taken.
pub(super) fn input(mut command: Command) -> (Answer, u64) {
    let child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let mut child = child.expect("jobctl starts");
    let mut pipe = child.stdin.take().expect("it is piped");
    let chunk = [b' '; 4096];
    let mut taken = 0;
    // It ends when the other side has closed the pipe.
    while pipe.write_all(&chunk).is_ok() {
        taken += chunk.len() as u64;
    }
    (Answer::from(child.wait_with_output().expect("it ends")), taken)
}

/// A line to the server that counts what goes over it, and its URL.
async fn counted(server: &str) -> (Link, String) {
    let link = Link::to(address_of(server));
    while TcpStream::connect(link.address()).await.is_err() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let address = format!("http://{}", link.address());
    (link, address)
}

fn address_of(server: &str) -> SocketAddr {
    server.trim_start_matches("http://").parse().expect("an address")
}
