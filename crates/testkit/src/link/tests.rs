use std::io::ErrorKind;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, timeout};

use super::{Link, Way};
use crate::eventually::eventually;

/// Longer than anything takes that is to come.
const LONG: Duration = Duration::from_secs(20);

/// Answers every byte by itself, as long as it lives.
async fn echo() -> (std::net::SocketAddr, tokio::task::JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("it is bound");
    let server = tokio::spawn(async move {
        let mut talks = tokio::task::JoinSet::new();
        while let Ok((mut stream, _)) = listener.accept().await {
            talks.spawn(async move {
                let (mut read, mut write) = stream.split();
                let _ = tokio::io::copy(&mut read, &mut write).await;
            });
        }
    });
    (address, server)
}

/// A connection through the link, once it takes one.
async fn connected(link: &Link) -> TcpStream {
    eventually("the link to take a connection", || async { TcpStream::connect(link.address()).await.ok() })
        .await
}

/// Says a byte and hears it again.
async fn talk(stream: &mut TcpStream) -> std::io::Result<()> {
    stream.write_all(b"x").await?;
    let mut heard = [0];
    stream.read_exact(&mut heard).await.map(|_| ())
}

async fn refuses(link: &Link) {
    eventually("the link to refuse", || async {
        let refused = TcpStream::connect(link.address()).await.err()?;
        (refused.kind() == ErrorKind::ConnectionRefused).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_link_passes_bytes_both_ways_and_counts_them() {
    let (target, _server) = echo().await;
    let link = Link::to(target);
    let mut stream = connected(&link).await;

    stream.write_all(b"hello").await.expect("it passes");
    stream.shutdown().await.expect("the end passes");
    let mut heard = Vec::new();
    stream.read_to_end(&mut heard).await.expect("the end comes back");

    assert_eq!(heard, b"hello");
    assert_eq!((link.bytes(Way::There), link.bytes(Way::Both)), (5, 10));
    assert!(link.taken() >= 1);
    eventually("the connection to be counted off", || async { (link.open() == 0).then_some(()) }).await;
}

#[tokio::test]
async fn a_cut_resets_and_refuses_until_it_passes_again_on_the_same_port() {
    let (target, _server) = echo().await;
    let link = Link::to(target);
    let mut stream = connected(&link).await;
    talk(&mut stream).await.expect("a good line");

    link.cut();
    let broken = timeout(LONG, stream.read_u8()).await.expect("it is told at once");
    refuses(&link).await;
    link.pass();
    let mut again = connected(&link).await;

    assert_eq!(broken.expect_err("it broke").kind(), ErrorKind::ConnectionReset);
    talk(&mut again).await.expect("a good line again");
}

#[tokio::test]
async fn silence_holds_one_way_back_and_loses_nothing() {
    let (target, _server) = echo().await;
    let link = Link::to(target);
    let mut stream = connected(&link).await;
    talk(&mut stream).await.expect("a good line");

    link.silence(Way::Back);
    stream.write_all(b"y").await.expect("this way is open");
    eventually("the byte to go there", || async { (link.bytes(Way::There) == 2).then_some(()) }).await;
    let nothing = timeout(Duration::from_millis(100), stream.read_u8()).await;
    link.pass();
    let late = timeout(LONG, stream.read_u8()).await.expect("it arrives");

    assert!(nothing.is_err(), "silence is not an end: {nothing:?}");
    assert_eq!(late.expect("what was held back"), b'y');
}

#[tokio::test]
async fn a_delayed_line_answers_late_and_not_one_byte_after_another() {
    const DELAY: Duration = Duration::from_millis(100);
    let (target, _server) = echo().await;
    let link = Link::to(target);
    let mut stream = connected(&link).await;
    talk(&mut stream).await.expect("a good line");

    link.delay(Way::Both, DELAY);
    let began = Instant::now();
    talk(&mut stream).await.expect("it comes");
    let one = began.elapsed();
    stream.write_all(&[7; 100_000]).await.expect("it goes");
    let mut heard = vec![0; 100_000];
    timeout(LONG, stream.read_exact(&mut heard)).await.expect("it all comes").expect("it all comes");

    assert!(one >= 2 * DELAY, "{one:?}");
    assert!(heard.iter().all(|byte| *byte == 7));
}

#[tokio::test]
async fn a_link_refuses_as_its_target_does_before_a_broken_connection_is_told() {
    let (target, server) = echo().await;
    let link = Link::to(target);
    let mut stream = connected(&link).await;
    talk(&mut stream).await.expect("a good line");

    server.abort();
    let told = timeout(LONG, stream.read(&mut [0])).await.expect("it is told");
    let refused = TcpStream::connect(link.address()).await;

    assert!(matches!(told, Ok(0) | Err(_)), "{told:?}");
    assert_eq!(refused.expect_err("its target is gone").kind(), ErrorKind::ConnectionRefused);
}

#[tokio::test]
async fn a_link_follows_a_target_that_comes_back_elsewhere() {
    let (first, server) = echo().await;
    let link = Link::to(first);
    talk(&mut connected(&link).await).await.expect("a good line");
    server.abort();
    refuses(&link).await;

    let (second, _server) = echo().await;
    link.retarget(second);

    talk(&mut connected(&link).await).await.expect("a good line again");
}
