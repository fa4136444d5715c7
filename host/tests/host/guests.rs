//! A host whose sandbox is real, and guests that do not want to end.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use guests::Hostile;
use host::{Config, Host, MailConfig, Parts};
use model::attempt::{Outcome, StopReason};
use model::grants::Grants;
use model::id::{JobId, VersionId};
use model::job::JobState;
use model::limits::Limits;
use model::name::QueueName;
use sandbox::Sandbox;
use store::Attempts;
use testkit::eventually::eventually;
use tokio::net::TcpListener;

use crate::control::{cancel, dial, interrupt};
use crate::faulty::Fault;
use crate::lab::{Lab, Running, config, manifest, publish};

/// A sandbox whose cache is in the lab's folder.
pub(crate) fn sandbox_of(lab: &Lab, slots: usize) -> Arc<Sandbox> {
    let config = sandbox::Config {
        cache_dir: lab.folder.path().join("cache"),
        compile_command: vec![env!("CARGO_BIN_EXE_host-compile-worker").to_owned()],
        slots,
        disk_bytes_max: sandbox::DISK_BYTES_DEFAULT,
        memory_bytes_max: sandbox::MEMORY_BYTES_DEFAULT,
    };
    Sandbox::new(config).expect("the engines can be made")
}

impl Lab {
    async fn real_host(&self, change: impl FnOnce(&mut Config)) -> Running {
        let mut config = config();
        change(&mut config);
        let sandbox = sandbox_of(self, config.slots);
        let parts = Parts { store: self.store.clone(), broker: self.broker.clone(), sandbox };
        Running::start(Host::new(config, parts).await.expect("a host"))
    }

    async fn publish(&self, guest: Hostile, grants: Grants, limits: Limits) -> VersionId {
        publish(self.store.inner(), manifest(guest.name(), grants, limits), guest.component()).await
    }

    async fn put_of(&self, version: VersionId, payload: &str) -> JobId {
        let id = self.submit_of(version, QueueName::default(), payload).await;
        self.ring().await;
        id
    }

    /// Whether the host is heard of again.
    async fn beats(&self) {
        let lease = || async { self.store.inner().hosts().await.expect("hosts")[0].lease_until };
        let before = lease().await;
        eventually("another sign of life", || async { (lease().await > before).then_some(()) }).await;
    }
}

fn unmetered() -> Limits {
    Limits { fuel: None, ..Limits::default() }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn eight_endless_loops_on_two_threads_leave_room_for_short_jobs() {
    let lab = Lab::new().await;
    let host = lab.real_host(|config| config.slots = 10).await;
    let session = lab.session().await;
    let mut client = dial(&host, None).await;
    let short = publish(
        lab.store.inner(),
        manifest("t", Grants::default(), Limits::default()),
        guests::running("(call $ok (local.get $payload) (local.get $payload_len))"),
    )
    .await;
    let metered = lab.publish(Hostile::TightLoop, Grants::default(), Limits::default()).await;
    let free = lab.publish(Hostile::TightLoop, Grants::default(), unmetered()).await;
    let mut loops = Vec::new();
    for version in [metered, free].repeat(4) {
        loops.push(lab.put_of(version, "x").await);
    }
    for id in &loops {
        lab.becomes(*id, JobState::Running).await;
    }

    for _ in 0..10 {
        let (one, two) = (lab.put_of(short, "hi").await, lab.put_of(short, "hi").await);
        let job = lab.becomes(one, JobState::Succeeded).await;
        assert_eq!(job.result.expect("a result").as_str(), "\"hi\"");
        lab.becomes(two, JobState::Succeeded).await;
    }
    lab.beats().await;
    lab.beats().await;

    for id in loops {
        let lease = cancel(&lab, id).await;
        assert_ne!(interrupt(&mut client, lease).await, "unknown");
        let job = lab.becomes(id, JobState::Cancelled).await;
        assert_eq!(job.attempts.len(), 1);
        assert_eq!(job.attempts[0].stop.expect("it was stopped").reason, StopReason::Cancel);
    }
    assert_eq!(lab.sessions().await, [session], "its heart never missed its lease");
}

/// A peer that says nothing to anybody, and how many came.
async fn silent() -> (SocketAddr, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("bound");
    let came = Arc::new(AtomicUsize::new(0));
    let seen = Arc::clone(&came);
    tokio::spawn(async move {
        let mut held = Vec::new();
        while let Ok((stream, _)) = listener.accept().await {
            held.push(stream);
            seen.fetch_add(1, Ordering::SeqCst);
        }
    });
    (address, came)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_guest_that_waits_for_a_silent_peer_is_ended_by_an_interrupt() {
    let lab = Lab::new().await;
    let (web, asked) = silent().await;
    let (relay, greeted) = silent().await;
    let url = format!("smtp://{relay}");
    let host = lab
        .real_host(|config| {
            config.lease = std::time::Duration::from_secs(3600);
            config.mail = MailConfig::Smtp { url, from: "jobs@example.com".to_owned() };
        })
        .await;
    let mut client = dial(&host, None).await;
    let grants =
        Grants { http: vec![web.to_string().parse().expect("a grant")], mail: true, ..Grants::default() };

    for (guest, payload, came) in [
        (Hostile::HttpLoop, format!("http://{web}/"), &asked),
        (Hostile::HttpLoop, format!("https://{web}/"), &asked),
        (Hostile::MailLoop, "x".to_owned(), &greeted),
    ] {
        let before = came.load(Ordering::SeqCst);
        let version = lab.publish(guest, grants.clone(), unmetered()).await;
        let id = lab.put_of(version, &payload).await;
        eventually("the guest waits", || async { (came.load(Ordering::SeqCst) > before).then_some(()) })
            .await;

        let lease = cancel(&lab, id).await;
        assert_eq!(interrupt(&mut client, lease).await, "stopping");

        let job = lab.becomes(id, JobState::Cancelled).await;
        let attempt = &job.attempts[0];
        assert_eq!(attempt.outcome, Some(Outcome::Cancelled), "{guest:?}");
        assert_eq!(attempt.stop.expect("it was stopped").reason, StopReason::Cancel);
        assert!(attempt.usage.expect("measured").host_call_us > 0, "{guest:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_guest_that_waits_for_a_silent_store_is_ended_by_an_interrupt() {
    let lab = Lab::new().await;
    let host = lab.real_host(|config| config.lease = std::time::Duration::from_secs(3600)).await;
    let mut client = dial(&host, None).await;
    publish(lab.store.inner(), manifest("boom", Grants::default(), Limits::default()), b"a child".to_vec())
        .await;
    let grants = Grants { enqueue: vec!["*".to_owned()], ..Grants::default() };

    for (guest, verb) in [(Hostile::CheckpointLoop, "report"), (Hostile::EnqueueLoop, "submit")] {
        lab.store.fail(verb, &[Fault::Silence]);
        let version = lab.publish(guest, grants.clone(), unmetered()).await;
        let id = lab.put_of(version, "x").await;
        eventually("the guest waits", || async { (lab.store.calls(verb) > 0).then_some(()) }).await;

        let lease = cancel(&lab, id).await;
        assert_eq!(interrupt(&mut client, lease).await, "stopping");

        let job = lab.becomes(id, JobState::Cancelled).await;
        assert_eq!(job.attempts[0].outcome, Some(Outcome::Cancelled), "{guest:?}");
        assert_eq!(lab.store.calls(verb), 1, "it was dropped where it waited");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_of_an_unlimited_version_runs_out_of_the_fuel_it_set_itself() {
    use model::error::ErrorKind;
    use model::limits::{FuelChoice, LimitOverrides};
    let lab = Lab::new().await;
    let _host = lab.real_host(|_| {}).await;
    let version = lab.publish(Hostile::TightLoop, Grants::default(), unmetered()).await;

    let limits = LimitOverrides { fuel: Some(FuelChoice::Units(1_000_000)), ..LimitOverrides::default() };
    let id = lab.submit_under(version, limits).await;
    let job = lab.becomes(id, JobState::Failed).await;

    let attempt = job.attempts.last().expect("it ran");
    assert_eq!(attempt.failure.as_ref().expect("a reason").kind, ErrorKind::Fuel);
    assert!(attempt.usage.expect("measured").fuel.is_some());
}
