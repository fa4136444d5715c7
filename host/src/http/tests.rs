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
    // Whoever was first is as good: it is the same provider.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let parse = |texts: &[&str]| texts.iter().map(|text| text.parse().expect("an address")).collect();
    let book = names.iter().map(|(name, texts)| (*name, parse(texts))).collect();
    Outbound::with(Arc::new(Book(book)), "0").expect("a client")
}

fn get(url: impl Into<String>, private_granted: bool) -> HttpRequest {
    HttpRequest {
        method: "GET".to_owned(),
        url: url.into(),
        headers: Vec::new(),
        body: Vec::new(),
        timeout: Some(testkit::eventually::DEADLINE),
        response_bytes_max: 1_000,
        idempotency_key: "job-0".to_owned(),
        private_granted,
    }
}

async fn ask(outbound: &Outbound, request: HttpRequest) -> Result<HttpResponse, HttpError> {
    let secrets = BTreeMap::from([
        ("token".to_owned(), "hunter2".to_owned()),
        ("torn".to_owned(), "hunter2\r\nx: y".to_owned()),
    ]);
    outbound.send(request, &secrets).await
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

#[tokio::test]
async fn a_literal_is_refused_however_it_is_spelt() {
    let outbound = outbound(&[]);

    for host in [
        "127.0.0.1",
        "2130706433",
        "0x7f000001",
        "017700000001",
        "0177.0.0.1",
        "0x7f.1",
        "127.1",
        "127.0.0.1.",
        "0",
        "0.0.0.0",
        "10.0.0.1",
        "169.254.169.254",
        "0xa9fea9fe",
        "2852039166",
        "%31%32%37.0.0.1",
        "１２７.0.0.1",
        "[::1]",
        "[::]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[64:ff9b::169.254.169.254]",
        "[64:ff9b::a9fe:a9fe]",
        "[2002:7f00:1::]",
        "[fe80::1]",
        "[fd00:ec2::254]",
    ] {
        let answer = ask(&outbound, get(format!("http://{host}:1/"), false)).await;
        assert!(matches!(answer, Err(HttpError::Denied(_))), "{host}: {answer:?}");
    }
}

#[tokio::test]
async fn a_name_is_refused_when_any_of_its_addresses_is() {
    let outbound = outbound(&[
        ("metadata.test", &["169.254.169.254"]),
        ("mapped.test", &["::ffff:169.254.169.254"]),
        ("nat64.test", &["64:ff9b::7f00:1"]),
        ("local.test", &["127.0.0.1"]),
        ("intranet.test", &["192.168.0.7"]),
        ("both.test", &["1.1.1.1", "10.0.0.1"]),
    ]);

    for name in ["metadata", "mapped", "nat64", "local", "intranet", "both"] {
        let answer = ask(&outbound, get(format!("http://{name}.test:1/"), false)).await;
        assert!(matches!(answer, Err(HttpError::Denied(_))), "{name}: {answer:?}");
    }
    let answer = ask(&outbound, get("http://metadata.test/", true)).await;
    assert!(matches!(answer, Err(HttpError::Denied(_))), "a named grant: {answer:?}");
    let answer = ask(&outbound, get("http://unknown.test/", false)).await;
    assert!(matches!(&answer, Err(HttpError::Failed(text)) if text.contains("no such name")), "{answer:?}");
}

#[tokio::test]
async fn a_named_grant_reaches_the_address_that_was_checked() {
    let (server, mut heads) = saying("HTTP/1.1 200 OK\r\nX-A: b\r\nContent-Length: 2\r\n\r\nhi").await;
    let outbound = outbound(&[("local.test", &["127.0.0.1"])]);

    let answer = ask(&outbound, get(format!("http://local.test:{}/a?b", server.port()), true)).await;

    let answer = answer.expect("it answers");
    assert_eq!((answer.status, answer.body.as_slice()), (200, &b"hi"[..]));
    assert!(answer.headers.contains(&("x-a".to_owned(), "b".to_owned())));
    let head = heads.recv().await.expect("it was asked");
    assert!(head.starts_with("GET /a?b HTTP/1.1\r\n"), "{head}");
    assert!(head.contains(&format!("host: local.test:{}\r\n", server.port())), "{head}");
    assert!(head.contains("idempotency-key: job-0\r\n"), "{head}");
}

#[tokio::test]
async fn a_redirect_is_told_and_not_followed() {
    let text = "HTTP/1.1 302 Found\r\nLocation: http://169.254.169.254/\r\nContent-Length: 0\r\n\r\n";
    let (server, _heads) = saying(text).await;

    let answer = ask(&outbound(&[]), get(format!("http://{server}/"), true)).await.expect("it answers");

    assert_eq!(answer.status, 302);
    assert!(answer.headers.contains(&("location".to_owned(), "http://169.254.169.254/".to_owned())));
}

#[tokio::test]
async fn an_answer_over_the_limit_is_cut_off_with_and_without_a_length() {
    let (long, _heads) = saying("HTTP/1.1 200 OK\r\nContent-Length: 1001\r\n\r\n").await;
    let endless = server(|mut stream, _| async move {
        let mut sent = stream.write_all(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n").await;
        while sent.is_ok() {
            sent = stream.write_all(b"4\r\nabcd\r\n").await;
        }
    })
    .await;

    for server in [long, endless] {
        let answer = ask(&outbound(&[]), get(format!("http://{server}/"), true)).await;
        assert!(matches!(&answer, Err(HttpError::Limit(text)) if text.contains("1000")), "{answer:?}");
    }
}

#[tokio::test]
async fn what_says_it_is_compressed_comes_as_it_is() {
    let text = "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc";
    let (server, mut heads) = saying(text).await;

    let answer = ask(&outbound(&[]), get(format!("http://{server}/"), true)).await.expect("it answers");

    assert_eq!(answer.body, b"abc");
    assert!(!heads.recv().await.expect("it was asked").contains("accept-encoding"));
}

#[tokio::test]
async fn a_silent_peer_is_given_up_in_time() {
    let silent = server(|stream, _| async move {
        std::future::pending::<()>().await;
        drop(stream);
    })
    .await;

    let request =
        HttpRequest { timeout: Some(Duration::from_millis(50)), ..get(format!("http://{silent}/"), true) };
    let answer = ask(&outbound(&[]), request).await;

    assert!(matches!(answer, Err(HttpError::Limit(_))), "{answer:?}");
}

#[tokio::test]
async fn a_request_that_is_dropped_hangs_up() {
    let (events, mut seen) = mpsc::unbounded_channel();
    let silent = server(move |mut stream, _| {
        let events = events.clone();
        async move {
            events.send("asked").expect("the test listens");
            // Nothing more comes: the end of the stream, or a reset.
            let more = stream.read(&mut [0; 16]).await.unwrap_or(0);
            events.send(if more == 0 { "hung up" } else { "asked more" }).expect("the test listens");
        }
    })
    .await;
    let outbound = outbound(&[]);

    let asking = tokio::spawn(async move { ask(&outbound, get(format!("http://{silent}/"), true)).await });
    assert_eq!(seen.recv().await, Some("asked"));
    asking.abort();

    let next = tokio::time::timeout(testkit::eventually::DEADLINE, seen.recv()).await;
    assert_eq!(next.expect("it hangs up"), Some("hung up"));
}

#[tokio::test]
async fn a_secret_goes_into_the_header_and_nowhere_else() {
    let (server, mut heads) = saying("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").await;
    let secret = |name: &str| Header::Secret { prefix: "Bearer ".to_owned(), name: name.to_owned() };
    let with = |headers| HttpRequest { headers, ..get(format!("http://{server}/"), true) };
    let outbound = outbound(&[]);

    let key = ("Idempotency-Key".to_owned(), Header::Text("mine".to_owned()));
    let sent = ask(&outbound, with(vec![("Authorization".to_owned(), secret("token")), key])).await;
    let unknown = ask(&outbound, with(vec![("A".to_owned(), secret("nosuch"))])).await;
    let torn = ask(&outbound, with(vec![("A".to_owned(), secret("torn"))])).await;

    assert!(sent.is_ok(), "{sent:?}");
    let head = heads.recv().await.expect("it was asked");
    assert!(head.contains("authorization: Bearer hunter2\r\n"), "{head}");
    assert!(head.contains("idempotency-key: mine\r\n") && !head.contains("job-0"), "{head}");
    assert!(matches!(unknown, Err(HttpError::Denied(_))), "{unknown:?}");
    assert!(matches!(&torn, Err(HttpError::Invalid(text)) if !text.contains("hunter2")), "{torn:?}");
}
