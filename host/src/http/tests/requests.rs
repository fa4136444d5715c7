//! What a request becomes, and what comes back.

use super::*;

#[tokio::test]
async fn a_named_grant_reaches_the_address_that_was_checked() {
    let (server, mut heads) = saying("HTTP/1.1 200 OK\r\nX-A: b\r\nContent-Length: 2\r\n\r\nhi").await;
    let outbound = outbound(&[("localhost", &["127.0.0.1"])]);

    let answer = ask(&outbound, get(format!("http://localhost:{}/a?b", server.port()), true)).await;

    let answer = answer.expect("it answers");
    assert_eq!((answer.status, answer.body.as_slice()), (200, &b"hi"[..]));
    assert!(answer.headers.contains(&("x-a".to_owned(), "b".to_owned())));
    let head = heads.recv().await.expect("it was asked");
    assert!(head.starts_with("GET /a?b HTTP/1.1\r\n"), "{head}");
    assert!(head.contains(&format!("host: localhost:{}\r\n", server.port())), "{head}");
    assert!(head.contains("idempotency-key: job-0\r\n"), "{head}");
}

#[tokio::test]
async fn what_a_request_carries_leaves_when_it_may_and_is_withdrawn_otherwise() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = format!("http://{}/", listener.local_addr().expect("bound"));
    let (method, body) = ("POST".to_owned(), b"buy one".to_vec());
    let post = HttpRequest { method, body, ..get(url, true) };
    let outbound = outbound(&[]);

    for may in [true, false] {
        let (tell, told) = tokio::sync::oneshot::channel();
        let leave = Box::pin(async move { told.await.expect("it is told") });
        let (secrets, came) = (BTreeMap::new(), async {
            let (mut stream, _) = listener.accept().await.expect("it connects");
            tell.send(may).expect("it listens");
            let mut came = Vec::new();
            while !came.ends_with(b"buy one") && stream.read_buf(&mut came).await.expect("it reads") > 0 {}
            if may {
                let answer = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";
                stream.write_all(answer).await.expect("it answers");
            }
            String::from_utf8(came).expect("text")
        });

        let (answer, came) = tokio::join!(outbound.send(post.clone(), &secrets, leave), came);

        assert_eq!((answer.is_ok(), came.ends_with("buy one")), (may, may), "{answer:?} {came:?}");
        assert!(came.is_empty() || came.contains("content-length: 7\r\n"), "{came}");
    }
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
        assert!(matches!(&answer, Err(HttpError::OverBudget { bytes }) if *bytes > 1000), "{answer:?}");
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
