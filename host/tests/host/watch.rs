//! Who watches a host is told of its session and each change, and sees the end of the process.

use std::time::Duration;

use rpc::{HostDialer, HostWatch};
use store::Attempts;

use crate::lab::{Lab, Running};

async fn watch(host: &Running, token: Option<&str>) -> Result<HostWatch, rpc::Error> {
    let dialer = HostDialer { token: token.map(str::to_owned), timeout: Duration::from_secs(20) };
    dialer.watch(&host.address).await
}

/// Waits until it says what passes.
async fn says(watch: &mut HostWatch, passes: impl Fn(i64) -> bool) -> i64 {
    loop {
        let said = watch.next().await.expect("the connection holds").expect("it goes on");
        assert_eq!(said.name, "host");
        if passes(said.session) {
            return said.session;
        }
    }
}

#[tokio::test]
async fn a_watch_says_the_session_at_once_and_at_each_change() {
    let lab = Lab::new().await;
    let host = lab.host().await;
    let first = lab.session().await;
    let mut watching = watch(&host, None).await.expect("it answers");

    assert_eq!(says(&mut watching, |session| session != 0).await, first.0);
    lab.store.inner().close(first).await.expect("closed behind its back");

    says(&mut watching, |session| session == 0).await;
    assert!(says(&mut watching, |session| session != 0).await > first.0);
}

#[tokio::test]
async fn a_watch_says_that_there_is_no_session_yet() {
    let lab = Lab::new().await;
    lab.store.set_away(true);
    let host = lab.host().await;

    let mut watching = watch(&host, None).await.expect("it answers");
    let before = watching.next().await.expect("the connection holds").expect("it says something");
    lab.store.set_away(false);

    assert_eq!(before.session, 0);
    says(&mut watching, |session| session != 0).await;
}

#[tokio::test]
async fn a_watch_lasts_over_a_drain_and_ends_in_order_with_the_process() {
    let lab = Lab::new().await;
    let host = lab.host().await;
    let session = lab.session().await;
    let id = lab.put("wait").await;
    lab.begins(id, 1).await;
    let mut watching = watch(&host, None).await.expect("it answers");
    says(&mut watching, |said| said == session.0).await;

    host.shutdown.drain();
    lab.script.gate.add_permits(1);
    // It says that the session is over, and is not broken off: the host did not have to wait for it.
    says(&mut watching, |said| said == 0).await;

    assert_eq!(watching.next().await, Ok(None));
    host.ended().await;
    assert!(lab.sessions().await.is_empty());
}

#[tokio::test]
async fn a_watch_needs_the_token() {
    let lab = Lab::new().await;
    let host = lab.host_with(|config| config.token = Some("right".to_owned())).await;

    let refused = watch(&host, Some("wrong")).await.expect_err("it is another token");

    assert_eq!(refused.code, rpc::Code::Unauthenticated);
    assert!(watch(&host, Some("right")).await.is_ok());
}
