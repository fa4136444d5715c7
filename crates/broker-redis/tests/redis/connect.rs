//! What connecting says when it cannot.

use crate::support::{self, ask, drain, jobs, references, refused};
use broker::Broker as _;
use broker_redis::RedisBroker;
use redis::pipe;
use testkit::redis::Server;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

/// A server on loopback that answers whatever it reads with `answer`; its port.
async fn parrot(answer: &'static [u8]) -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("loopback has a free port");
    let port = listener.local_addr().expect("it is bound").port();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut read = [0; 4096];
                while stream.read(&mut read).await.is_ok_and(|count| count > 0) {
                    stream.write_all(answer).await.ok();
                }
            });
        }
    });
    port
}

#[tokio::test]
async fn nobody_who_listens_is_said_soon() {
    let mut server = Server::start().await;
    server.kill().await;
    let port = server.port();

    let refusal = refused(RedisBroker::connect(&format!("redis://me:hunter2@127.0.0.1:{port}/1"))).await;

    assert!(refusal.contains(&format!("127.0.0.1:{port}")), "{refusal}");
    assert!(refusal.contains("refused"), "{refusal}");
    assert!(!refusal.contains("hunter2"), "{refusal}");
}

#[tokio::test]
async fn a_server_that_says_nothing_is_given_up_soon() {
    let port = parrot(b"").await;

    let refusal = refused(RedisBroker::connect(&format!("redis://127.0.0.1:{port}"))).await;

    assert!(refusal.contains(&format!("127.0.0.1:{port}")), "{refusal}");
}

#[tokio::test]
async fn a_server_that_is_no_redis_is_refused() {
    let port = parrot(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;

    let refusal = refused(RedisBroker::connect(&format!("redis://127.0.0.1:{port}"))).await;

    assert!(refusal.contains(&format!("127.0.0.1:{port}")), "{refusal}");
}

#[tokio::test]
async fn a_server_without_tls_is_refused_over_tls() {
    let server = Server::start().await;

    let refusal = refused(RedisBroker::connect(&format!("rediss://127.0.0.1:{}", server.port()))).await;

    assert!(refusal.contains(&format!("127.0.0.1:{}", server.port())), "{refusal}");
}

#[tokio::test]
async fn a_malformed_url_is_refused_without_repeating_it() {
    for url in ["hunter2", "http://hunter2@host", "redis://me:hunter2@host:port"] {
        let refusal = refused(RedisBroker::connect(url)).await;

        assert!(refusal.contains("redis://"), "{refusal}");
        assert!(!refusal.contains("hunter2"), "{refusal}");
    }
}

#[tokio::test]
async fn the_password_opens_and_never_shows() {
    let server = Server::start().await;
    ask::<()>(&server, pipe().cmd("CONFIG").arg(&["SET", "requirepass", "hunter2"]).ignore()).await;

    let wrong =
        refused(RedisBroker::connect(&format!("redis://:sesame99@127.0.0.1:{}", server.port()))).await;
    let none = refused(RedisBroker::connect(&server.url())).await;
    let broker = RedisBroker::connect(&format!("redis://:hunter2@127.0.0.1:{}", server.port())).await;

    assert!(!wrong.contains("sesame99") && wrong.contains("127.0.0.1"), "{wrong}");
    assert!(none.contains("NOAUTH"), "{none}");
    let broker = broker.expect("connect");
    broker.push(&references([1])).await.expect("push");
    assert_eq!(drain(&broker).await, jobs([1]));
}

#[tokio::test]
async fn databases_of_one_redis_are_kept_apart() {
    let server = Server::start().await;
    let zero = RedisBroker::connect(&server.url()).await.expect("connect");
    let three = RedisBroker::connect(&format!("{}/3", server.url())).await.expect("connect");

    three.push(&references([3])).await.expect("push");

    assert_eq!(drain(&zero).await, []);
    assert_eq!(drain(&three).await, jobs([3]));
}

#[tokio::test]
async fn a_user_who_may_not_unblock_can_take_and_push() {
    let server = Server::start().await;
    let rules = ["SETUSER", "app", "on", ">secret", "~jobctl:*", "&jobctl:*", "+@all", "-client", "-@admin"];
    ask::<()>(&server, pipe().cmd("ACL").arg(&rules).ignore()).await;
    let url = format!("redis://app:secret@127.0.0.1:{}", server.port());
    let broker = RedisBroker::connect(&url).await.expect("connect");
    let dropped = broker.take(support::take(1, support::SOON));
    tokio::time::timeout(std::time::Duration::from_millis(50), dropped).await.expect_err("nothing is there");

    broker.push(&references(1..=20)).await.expect("push");

    assert!(drain(&broker).await.len() >= 19);
}
