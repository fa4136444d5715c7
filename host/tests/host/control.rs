//! What a host is told: cancel, interrupt, drain, and how it is.

use std::sync::atomic::Ordering;
use std::time::Duration;

use model::attempt::{Outcome, StopReason};
use model::id::{JobId, Lease, SessionId};
use model::job::JobState;
use model::name::Namespace;
use rpc::v1::{DrainRequest, HostStatusRequest, InterruptRequest};
use rpc::{HostClient, HostDialer};
use store::{Attempts, Cancel, Cancelled, Jobs};
use testkit::eventually::eventually;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::lab::{Lab, Running};

pub(crate) async fn dial(host: &Running, token: Option<&str>) -> HostClient {
    let dialer = HostDialer { token: token.map(str::to_owned), timeout: Duration::from_secs(20) };
    dialer.dial(&host.address).await.expect("it answers")
}

/// Longer than any test.
const LONG_MS: u64 = 3_600_000;

pub(crate) async fn interrupt(client: &mut HostClient, lease: Lease) -> String {
    interrupt_after(client, lease, 0).await
}

async fn interrupt_after(client: &mut HostClient, lease: Lease, grace_ms: u64) -> String {
    let request = InterruptRequest {
        job: lease.job.0.as_bytes().to_vec(),
        attempt: lease.attempt,
        session: lease.session.0,
        grace_ms,
    };
    client.interrupt(request).await.expect("an answer").into_inner().status
}

pub(crate) async fn cancel(lab: &Lab, id: JobId) -> Lease {
    cancel_after(lab, id, 0).await
}

async fn cancel_after(lab: &Lab, id: JobId, grace_ms: u64) -> Lease {
    let cancel = Cancel { namespace: Namespace::default(), ids: vec![id], grace_ms };
    match lab.store.inner().cancel(cancel).await.expect("cancelled")[..] {
        [Cancelled::Asked(lease)] => lease,
        ref other => panic!("it runs, so not {other:?}"),
    }
}

#[tokio::test]
async fn a_cancel_arrives_by_the_heartbeat() {
    let lab = Lab::new().await;
    let _host = lab.host().await;
    let id = lab.put("hang").await;
    lab.begins(id, 1).await;

    cancel(&lab, id).await;
    let job = lab.becomes(id, JobState::Cancelled).await;

    assert_eq!(job.attempts[0].outcome, Some(Outcome::Cancelled));
    assert_eq!(job.attempts[0].stop.expect("it was stopped").reason, StopReason::Cancel);
}

#[tokio::test]
async fn an_interrupt_ends_its_attempt_and_no_other() {
    let lab = Lab::new().await;
    let host = lab.host_with(|config| config.lease = Duration::from_secs(3600)).await;
    let mut client = dial(&host, None).await;
    let id = lab.put("hang").await;
    lab.begins(id, 1).await;
    let lease = cancel(&lab, id).await;

    let other_session = Lease { session: SessionId(lease.session.0 + 1), ..lease };
    assert_eq!(interrupt(&mut client, other_session).await, "unknown");
    let other_attempt = Lease { attempt: 2, ..lease };
    assert_eq!(interrupt(&mut client, other_attempt).await, "ended");
    assert_eq!(lab.script.stop_of(id), None);
    assert_eq!(interrupt(&mut client, lease).await, "stopping");
    lab.becomes(id, JobState::Cancelled).await;

    eventually("it has ended", || async {
        (interrupt(&mut client.clone(), lease).await == "ended").then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_guest_that_tidies_up_within_its_grace_succeeds() {
    let lab = Lab::new().await;
    let host = lab.host_with(|config| config.lease = Duration::from_secs(3600)).await;
    let mut client = dial(&host, None).await;
    let id = lab.put("tidy").await;
    lab.begins(id, 1).await;
    let lease = cancel_after(&lab, id, LONG_MS).await;

    assert_eq!(interrupt_after(&mut client, lease, LONG_MS).await, "stopping");

    let job = lab.becomes(id, JobState::Succeeded).await;
    assert_eq!(job.attempts[0].stop, None);
}

#[tokio::test]
async fn a_guest_that_outstays_its_grace_is_stopped() {
    let lab = Lab::new().await;
    let host = lab.host_with(|config| config.lease = Duration::from_secs(3600)).await;
    let mut client = dial(&host, None).await;
    let id = lab.put("hang").await;
    lab.begins(id, 1).await;
    let lease = cancel_after(&lab, id, 1).await;

    assert_eq!(interrupt_after(&mut client, lease, LONG_MS).await, "stopping");
    assert_eq!(interrupt_after(&mut client, lease, LONG_MS).await, "stopping", "it still may go on");
    assert_eq!(lab.script.stop_of(id), None);
    let wakes = lab.script.wakes.load(Ordering::SeqCst);
    assert_eq!(interrupt_after(&mut client, lease, 1).await, "stopping");

    let job = lab.becomes(id, JobState::Cancelled).await;
    assert_eq!(job.attempts[0].stop.expect("it was stopped").reason, StopReason::Cancel);
    assert!(lab.script.wakes.load(Ordering::SeqCst) > wakes, "one that computes is to look");
}

#[tokio::test]
async fn a_grace_arrives_by_the_heartbeat_too() {
    let lab = Lab::new().await;
    let _host = lab.host().await;
    let (tidy, hang) = (lab.put("tidy").await, lab.put("hang").await);
    lab.begins(tidy, 1).await;
    lab.begins(hang, 1).await;

    cancel_after(&lab, tidy, LONG_MS).await;
    cancel_after(&lab, hang, LONG_MS).await;
    lab.becomes(tidy, JobState::Succeeded).await;
    assert_eq!(lab.script.stop_of(hang), None);
    cancel(&lab, hang).await;

    lab.becomes(hang, JobState::Cancelled).await;
}

#[tokio::test]
async fn an_attempt_in_its_grace_is_given_back_by_a_host_that_ends() {
    let lab = Lab::new().await;
    let host = lab.host_with(|config| config.lease = Duration::from_secs(3600)).await;
    let mut client = dial(&host, None).await;
    let id = lab.put("hang").await;
    lab.begins(id, 1).await;
    let lease = cancel_after(&lab, id, LONG_MS).await;
    interrupt_after(&mut client, lease, LONG_MS).await;

    host.shutdown.now();
    host.ended().await;

    let job = lab.look(id).await;
    assert_eq!(lab.script.stop_of(id), Some(StopReason::Drain));
    assert_eq!(job.state, JobState::Cancelled, "it was to be cancelled, so it does not run again");
}

#[tokio::test]
async fn a_wrong_token_is_refused() {
    let lab = Lab::new().await;
    let host = lab.host_with(|config| config.token = Some("right".to_owned())).await;

    for token in [None, Some("wrong"), Some("righ"), Some("right ")] {
        let status = dial(&host, token).await.host_status(HostStatusRequest {}).await;
        let error = rpc::Error::from(status.expect_err("refused"));
        assert_eq!(error.code, rpc::Code::Unauthenticated, "{token:?}");
    }
    assert!(dial(&host, Some("right")).await.host_status(HostStatusRequest {}).await.is_ok());
}

#[tokio::test]
async fn a_drained_host_takes_no_more_and_stays() {
    let lab = Lab::new().await;
    let host = lab.host().await;
    let session = lab.session().await;
    let mut client = dial(&host, None).await;
    let running = lab.put("wait").await;
    lab.begins(running, 1).await;

    let stale = client.drain(DrainRequest { session: session.0 + 1 }).await;
    assert_eq!(rpc::Error::from(stale.expect_err("another session")).code, rpc::Code::NotFound);
    let answer = client.drain(DrainRequest { session: session.0 }).await.expect("it drains").into_inner();
    let later = lab.put("succeed").await;
    lab.script.gate.add_permits(1);
    lab.becomes(running, JobState::Succeeded).await;

    assert_eq!(answer.running, 1);
    assert!(lab.store.inner().hosts().await.expect("hosts")[0].draining);
    let status = client.host_status(HostStatusRequest {}).await.expect("it stays").into_inner();
    assert!(status.draining);
    assert_eq!((status.session, status.slots, status.components_compiled), (session.0, 4, 7));
    assert_eq!((status.name.as_str(), status.version.as_str()), ("host", "0.1.0"));
    assert_eq!(lab.look(later).await.state, JobState::Queued);
    host.shutdown.drain();
    host.ended().await;
    assert_eq!(lab.script.attempts(later), 0);
}

#[tokio::test]
async fn a_drain_arrives_by_the_heartbeat_too() {
    let lab = Lab::new().await;
    let host = lab.host().await;
    let session = lab.session().await;

    lab.store.inner().drain(session).await.expect("asked");
    let mut client = dial(&host, None).await;
    eventually("it drains", || async {
        let status = client.clone().host_status(HostStatusRequest {}).await.expect("an answer");
        status.into_inner().draining.then_some(())
    })
    .await;

    let status = client.host_status(HostStatusRequest {}).await.expect("it stays").into_inner();
    assert_eq!(status.running, 0);
}

async fn get(host: &Running, path: &str) -> String {
    let address = host.address.strip_prefix("http://").expect("a URL");
    let mut stream = TcpStream::connect(address).await.expect("it listens");
    let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("answered");
    answer
}

#[tokio::test]
async fn readiness_is_an_open_session() {
    let lab = Lab::new().await;
    lab.store.set_away(true);
    let host = lab.host_with(|config| config.token = Some("right".to_owned())).await;

    assert!(get(&host, "/healthz").await.starts_with("HTTP/1.1 200 "));
    assert!(get(&host, "/readyz").await.starts_with("HTTP/1.1 503 "));
    lab.store.set_away(false);
    eventually("it is ready", || async {
        get(&host, "/readyz").await.starts_with("HTTP/1.1 200 ").then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_host_that_drains_is_alive_and_not_ready() {
    let lab = Lab::new().await;
    let host = lab.host().await;
    let id = lab.put("wait").await;
    lab.begins(id, 1).await;

    host.shutdown.drain();

    assert!(get(&host, "/healthz").await.starts_with("HTTP/1.1 200 "));
    let answer = get(&host, "/readyz").await;
    assert!(answer.starts_with("HTTP/1.1 503 ") && answer.contains("draining"), "{answer}");
}

#[tokio::test]
async fn a_configuration_that_makes_no_sense_is_refused() {
    let lab = Lab::new().await;
    let busy = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = busy.local_addr().expect("bound");

    let taken = lab.refused(|config| config.listen = address).await;
    let none = lab.refused(|config| config.slots = 0).await;
    let short = lab.refused(|config| config.lease = Duration::from_millis(10)).await;
    let mail = lab
        .refused(|config| {
            config.mail = host::MailConfig::Smtp { url: "relay".to_owned(), from: "a@b.c".to_owned() };
        })
        .await;

    for (text, part) in
        [(taken, "listen at 127.0.0.1"), (none, "slots"), (short, "lease"), (mail, "mail relay")]
    {
        assert!(text.contains(part), "{text}");
    }
}
