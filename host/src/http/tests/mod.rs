//! Requests to servers of the test, with names from a book of the test.

mod hostile;
mod requests;
mod sockets;

use std::collections::HashMap;
use std::future::Future;
use std::io;
use std::net::SocketAddr;

use async_trait::async_trait;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

use super::*;

/// A book of names.
struct Book(HashMap<&'static str, Vec<IpAddr>>);

#[async_trait]
impl Names for Book {
    async fn addresses(&self, name: &str) -> io::Result<Vec<IpAddr>> {
        self.0.get(name).cloned().ok_or_else(|| io::Error::other("no such name"))
    }
}

fn outbound(names: &[(&'static str, &[&str])]) -> Outbound {
    outbound_into(&[], names)
}

/// With networks that the operator opened.
fn outbound_into(networks: &[&str], names: &[(&'static str, &[&str])]) -> Outbound {
    // Whoever was first is as good: it is the same provider.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let parse = |texts: &[&str]| texts.iter().map(|text| text.parse().expect("an address")).collect();
    let book = names.iter().map(|(name, texts)| (*name, parse(texts))).collect();
    let networks: Vec<Network> = networks.iter().map(|text| text.parse().expect("a network")).collect();
    Outbound::with(Arc::new(Book(book)), &networks, "0").expect("a client")
}

fn get(url: impl Into<String>, host_named: bool) -> HttpRequest {
    HttpRequest {
        method: "GET".to_owned(),
        url: url.into(),
        headers: Vec::new(),
        body: Vec::new(),
        timeout: Some(testkit::eventually::DEADLINE),
        response_bytes_max: 1_000,
        idempotency_key: "job-0".to_owned(),
        host_named,
    }
}

async fn ask(outbound: &Outbound, request: HttpRequest) -> Result<HttpResponse, HttpError> {
    let secrets = BTreeMap::from([
        ("token".to_owned(), "hunter2".to_owned()),
        ("torn".to_owned(), "hunter2\r\nx: y".to_owned()),
    ]);
    outbound.send(request, &secrets, Box::pin(async { true })).await
}

/// A server that hands each connection, with the head of its request, to `answer`.
async fn server<F, A>(answer: F) -> SocketAddr
where
    F: Fn(TcpStream, String) -> A + Send + 'static,
    A: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("bound");
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                head.push(stream.read_u8().await.expect("a whole head"));
            }
            tokio::spawn(answer(stream, String::from_utf8(head).expect("text")));
        }
    });
    address
}

/// A server that says the same to everybody, and the heads of the requests it got.
async fn saying(text: &'static str) -> (SocketAddr, mpsc::UnboundedReceiver<String>) {
    let (heads, seen) = mpsc::unbounded_channel();
    let address = server(move |mut stream, head| {
        let heads = heads.clone();
        async move {
            // The test may have ended.
            let _ = heads.send(head);
            let _ = stream.write_all(text.as_bytes()).await;
        }
    })
    .await;
    (address, seen)
}
