//! A store, a broker, a script, and hosts over them. The test is the leader: it rings for what is due.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use broker::{Broker, MemoryBroker, Queues, Reference};
use host::{Config, Host, MailConfig};
use model::clock::{Clock, SystemClock};
use model::grants::Grants;
use model::id::{Digest, JobId, SessionId, VersionId};
use model::job::{Job, JobOptions, JobState, NewJob};
use model::json::Json;
use model::limits::{LimitOverrides, Limits, PLATFORM_MAX};
use model::name::{Namespace, QueueName};
use model::task::{Manifest, TaskDescription};
use service::Shutdown;
use store::{Attempts, Components, Due, Jobs, Plans, Publish, PublishTask, Rescue, Submit};
use store_sqlite::SqliteStore;
use testkit::eventually::eventually;
use tokio::task::JoinHandle;

use crate::faulty::Faulty;
use crate::script::Script;

/// The shortest lease there is, so that what waits for its end is quick.
pub(crate) const LEASE: Duration = Duration::from_secs(1);

pub(crate) struct Lab {
    pub(crate) store: Arc<Faulty>,
    pub(crate) broker: Arc<MemoryBroker>,
    pub(crate) script: Arc<Script>,
    version: VersionId,
    pub(crate) folder: tempfile::TempDir,
}

/// A host that runs.
pub(crate) struct Running {
    pub(crate) shutdown: Shutdown,
    pub(crate) address: String,
    task: JoinHandle<anyhow::Result<()>>,
}

impl Running {
    pub(crate) fn start(host: Host) -> Self {
        let (address, shutdown) = (host.address(), Shutdown::new());
        let task = tokio::spawn(host.run(shutdown.clone()));
        Self { shutdown, address, task }
    }

    /// Waits until it has ended.
    pub(crate) async fn ended(self) {
        let ended = tokio::time::timeout(testkit::eventually::DEADLINE, self.task).await;
        ended.expect("it ends").expect("it does not panic").expect("it ends well");
    }
}

impl Lab {
    pub(crate) async fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let inner = SqliteStore::open(folder.path().join("jobs.db")).await.expect("a store");
        let manifest = manifest("t", Grants::default(), Limits::default());
        let version = publish(&inner, manifest, b"a component".to_vec()).await;
        let store = Arc::new(Faulty::over(inner));
        let (broker, script) = (Arc::new(MemoryBroker::new()), Script::new());
        Self { store, broker, script, version, folder }
    }

    /// A host with the shortest lease.
    pub(crate) async fn host(&self) -> Running {
        self.host_with(|_| {}).await
    }

    pub(crate) async fn host_with(&self, change: impl FnOnce(&mut Config)) -> Running {
        Running::start(self.build(change).await.expect("a host"))
    }

    /// Why a host cannot be made so.
    pub(crate) async fn refused(&self, change: impl FnOnce(&mut Config)) -> String {
        format!("{:#}", self.build(change).await.err().expect("it is refused"))
    }

    async fn build(&self, change: impl FnOnce(&mut Config)) -> anyhow::Result<Host> {
        let mut config = config();
        change(&mut config);
        let (store, broker, script) = (self.store.clone(), self.broker.clone(), self.script.clone());
        Host::with_executor(config, store, broker, script).await
    }

    /// The open session, once there is one.
    pub(crate) async fn session(&self) -> SessionId {
        eventually("a session", || async { self.sessions().await.first().copied() }).await
    }

    pub(crate) async fn sessions(&self) -> Vec<SessionId> {
        self.store.inner().hosts().await.expect("hosts").iter().map(|host| host.id).collect()
    }

    /// A job that does what `payload` says; it is not offered yet.
    pub(crate) async fn submit(&self, payload: &str) -> JobId {
        self.submit_to(QueueName::default(), payload).await
    }

    pub(crate) async fn submit_to(&self, queue: QueueName, payload: &str) -> JobId {
        self.submit_of(self.version, queue, payload).await
    }

    /// A job of this version.
    pub(crate) async fn submit_of(&self, version: VersionId, queue: QueueName, payload: &str) -> JobId {
        self.submit_with(version, payload, JobOptions { queue, ..JobOptions::default() }).await
    }

    /// A job of this version that lowers its limits.
    pub(crate) async fn submit_under(&self, version: VersionId, limits: LimitOverrides) -> JobId {
        self.submit_with(version, "x", JobOptions { limits, ..JobOptions::default() }).await
    }

    async fn submit_with(&self, version: VersionId, payload: &str, options: JobOptions) -> JobId {
        let id = JobId::generate(SystemClock.now());
        let payload = serde_json::to_vec(payload).expect("JSON");
        let job = NewJob {
            id,
            namespace: Namespace::default(),
            version,
            payload: Json::check("payload", payload, 100).expect("JSON"),
            max_attempts: 5,
            options,
        };
        let submit = Submit { jobs: vec![job], parent: None };
        self.store.inner().submit(submit).await.expect("submitted");
        id
    }

    /// A job that is offered.
    pub(crate) async fn put(&self, payload: &str) -> JobId {
        let id = self.submit(payload).await;
        self.ring().await;
        id
    }

    /// What the leader does: gives back what silent hosts hold, and offers what is due.
    pub(crate) async fn ring(&self) {
        self.store.inner().rescue(Rescue { limit: 100, gone: Vec::new() }).await.expect("rescue");
        let (due, _) = self.store.inner().due(Due { since: None, limit: 100 }).await.expect("due");
        let references = due.into_iter().map(|offer| Reference {
            job: offer.job,
            queue: offer.queue,
            priority: offer.priority,
            run_at: offer.run_at,
        });
        self.broker.push(&references.collect::<Vec<_>>()).await.expect("pushed");
    }

    pub(crate) async fn look(&self, id: JobId) -> Job {
        self.store.inner().job(&Namespace::default(), id).await.expect("the job")
    }

    /// Rings until the job is in this state.
    pub(crate) async fn becomes(&self, id: JobId, state: JobState) -> Job {
        eventually(&format!("job {id} {state}"), || async {
            self.ring().await;
            Some(self.look(id).await).filter(|job| job.state == state)
        })
        .await
    }

    /// Rings until so many attempts of the job have begun.
    pub(crate) async fn begins(&self, id: JobId, attempts: usize) {
        eventually("the attempt begins", || async {
            self.ring().await;
            (self.script.attempts(id) >= attempts).then_some(())
        })
        .await;
    }
}

/// With the shortest lease.
pub(crate) fn config() -> Config {
    Config {
        name: "host".to_owned(),
        version: "0.1.0".to_owned(),
        listen: "127.0.0.1:0".parse().expect("an address"),
        advertise: None,
        token: None,
        slots: 4,
        queues: Queues::All,
        lease: LEASE,
        limits_max: PLATFORM_MAX,
        allow_networks: Vec::new(),
        mail: MailConfig::Off,
        secrets: BTreeMap::new(),
    }
}

pub(crate) fn manifest(task: &str, grants: Grants, limits: Limits) -> Manifest {
    let description = TaskDescription {
        name: task.parse().expect("a name"),
        description: "does as it is told".to_owned(),
        input_schema: None,
        output_schema: None,
        limits: LimitOverrides::default(),
        max_attempts: None,
    };
    Manifest { description, imports: Vec::new(), grants, limits, deterministic: false }
}

pub(crate) async fn publish(store: &SqliteStore, manifest: Manifest, bytes: Vec<u8>) -> VersionId {
    let publish = Publish {
        namespace: Namespace::default(),
        sha256: Digest::of(&bytes),
        bytes,
        tasks: vec![PublishTask { task: manifest.description.name.clone(), manifest }],
        promote: true,
    };
    store.publish(publish).await.expect("published")[0].version.id
}
