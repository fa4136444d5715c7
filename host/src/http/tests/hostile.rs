//! Peers that do not end, do not answer or say too much.

use super::*;

/// A server that says `head` and then `more` again and again, until the other side hangs up.
async fn endless(head: &'static str, more: &'static str) -> SocketAddr {
    server(move |mut stream, _| async move {
        let mut sent = stream.write_all(head.as_bytes()).await;
        while sent.is_ok() {
            sent = stream.write_all(more.as_bytes()).await;
        }
    })
    .await
}

async fn ask_at(server: SocketAddr) -> Result<HttpResponse, HttpError> {
    ask(&outbound(&[]), get(format!("http://{server}/"), true)).await
}

#[tokio::test]
async fn an_answer_without_an_end_is_broken_off_wherever_it_has_none() {
    for (head, more) in [
        ("HTTP/1.1 200 OK\r\n", "X-A: b\r\n"),
        ("HTTP/1.1 200 OK\r\nX-A: ", "bbbbbbbbbbbbbbbb"),
        ("HTTP/1.1 200 ", "OK"),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "1;a=bbbbbbbbbbbbbbbbbbbb\r\nc\r\n"),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;", "aaaaaaaaaaaaaaaa"),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n", "X-A: b\r\n"),
        ("HTTP/1.1 200 OK\r\n\r\n", "aaaaaaaaaaaaaaaa"),
    ] {
        let server = endless(head, more).await;

        let answer = ask_at(server).await;

        let by_size = match &answer {
            Err(HttpError::OverBudget { .. }) => true,
            Err(HttpError::Failed(text)) => !text.contains("time"),
            _ => false,
        };
        assert!(by_size, "{head:?} {more:?}: {answer:?}");
    }
}

#[tokio::test]
async fn an_answer_that_never_says_anything_is_given_up_in_time() {
    for (head, more) in [
        ("", "HTTP/1.1 100 Continue\r\n\r\n"),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "0"),
    ] {
        let server = endless(head, more).await;

        let timeout = Some(Duration::from_millis(50));
        let request = HttpRequest { timeout, ..get(format!("http://{server}/"), true) };
        let answer = ask(&outbound(&[]), request).await;

        assert!(matches!(&answer, Err(HttpError::Limit(text)) if text.contains("50ms")), "{answer:?}");
    }
}

#[tokio::test]
async fn headers_are_bounded_in_number_and_in_size() {
    let many = format!("HTTP/1.1 200 OK\r\n{}Content-Length: 0\r\n\r\n", "X-A: b\r\n".repeat(101));
    let large = format!("HTTP/1.1 200 OK\r\nX-A: {}\r\nContent-Length: 0\r\n\r\n", "b".repeat(65 << 10));

    let (many, _heads) = saying(many.leak()).await;
    let (large, _heads) = saying(large.leak()).await;

    let answer = ask_at(many).await;
    assert!(matches!(answer, Err(HttpError::Failed(_))), "{answer:?}");
    let answer = ask_at(large).await;
    assert!(matches!(&answer, Err(HttpError::Limit(text)) if text.contains("limit 64 KiB")), "{answer:?}");
}

#[tokio::test]
async fn a_body_that_trickles_is_given_up_in_time() {
    let slow = server(|mut stream, _| async move {
        let mut sent = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n").await;
        while sent.is_ok() {
            tokio::time::sleep(Duration::from_millis(5)).await;
            sent = stream.write_all(b"a").await;
        }
    })
    .await;

    let request =
        HttpRequest { timeout: Some(Duration::from_millis(50)), ..get(format!("http://{slow}/"), true) };
    let answer = ask(&outbound(&[]), request).await;

    assert!(matches!(&answer, Err(HttpError::Limit(text)) if text.contains("50ms")), "{answer:?}");
}

#[tokio::test]
async fn a_peer_that_does_not_shake_hands_is_left_at_once() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("bound");

    let asking =
        tokio::spawn(async move { ask(&outbound(&[]), get(format!("https://{address}/"), true)).await });
    let (mut stream, _) = listener.accept().await.expect("it comes");
    stream.read_u8().await.expect("its hello");
    asking.abort();

    let mut rest = Vec::new();
    let left = tokio::time::timeout(testkit::eventually::DEADLINE, stream.read_to_end(&mut rest)).await;
    assert!(left.is_ok(), "it hangs up");
}

/// Names that nobody answers for.
struct Silent(mpsc::UnboundedSender<()>);

#[async_trait]
impl Names for Silent {
    async fn addresses(&self, _name: &str) -> io::Result<Vec<IpAddr>> {
        // The test has heard enough.
        let _ = self.0.send(());
        std::future::pending().await
    }
}

#[tokio::test]
async fn a_name_server_that_is_silent_is_left_at_once() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let (asked, mut heard) = mpsc::unbounded_channel();
    let outbound = Outbound::with(Arc::new(Silent(asked)), &[], "0").expect("a client");

    let asking = tokio::spawn(async move { ask(&outbound, get("http://api.test/", false)).await });
    heard.recv().await.expect("it asks");
    asking.abort();

    let ended = tokio::time::timeout(testkit::eventually::DEADLINE, asking).await.expect("it ends");
    assert!(ended.expect_err("it was dropped").is_cancelled());
    assert_eq!(heard.recv().await, None, "nobody waits for the name any more");
}
