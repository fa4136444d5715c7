//! A store in a folder, a broker in memory, and replicas around them.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use broker::Broker;
use model::attempt::{Outcome, Usage};
use model::grants::Grants;
use model::id::{Digest, JobId, Lease, SessionId};
use model::json::Json;
use model::limits::{LimitOverrides, Limits, PLATFORM_MAX};
use model::name::Namespace;
use model::retry::Next;
use model::task::{Manifest, TaskDescription};
use rpc::{Client, ClientConfig, v1};
use sandbox::Sandbox;
use scheduler::{Config, Parts, Scheduler};
use service::Shutdown;
use store::{Claim, Ended, Finish, Finished, OpenSession, Publish, PublishTask, Store};
use store_sqlite::SqliteStore;
use testkit::eventually::eventually;
use tokio::task::JoinHandle;

use crate::gates::{GatedBroker, GatedStore, all};
use crate::way::Way;

/// Longer than a test runs.
const LONG_MS: u32 = 600_000;

/// What replicas share.
pub(crate) struct Room {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) broker: Arc<GatedBroker>,
    /// The most that versions may ask for at replicas that are made from now on.
    pub(crate) limits_max: Limits,
    pub(crate) folder: tempfile::TempDir,
    sandbox: Arc<Sandbox>,
}

/// A replica that runs, as its clients see it.
pub(crate) struct Replica {
    pub(crate) client: Client,
    pub(crate) address: String,
    /// The store as this replica sees it.
    pub(crate) store: Arc<GatedStore>,
    /// Its way to the broker.
    pub(crate) way: Arc<Way>,
    pub(crate) shutdown: Shutdown,
    pub(crate) running: JoinHandle<anyhow::Result<()>>,
}

impl Room {
    pub(crate) async fn new() -> Self {
        Self::compiling(tempfile::tempdir().expect("a folder"), vec![worker().display().to_string()]).await
    }

    /// A room in `folder` whose compile worker is this command.
    pub(crate) async fn compiling(folder: tempfile::TempDir, compile_command: Vec<String>) -> Self {
        let store = SqliteStore::open(&folder.path().join("jobs.db")).await.expect("a store");
        let config = sandbox::Config {
            cache_dir: folder.path().join("cache"),
            compile_command,
            slots: 1,
            disk_bytes_max: sandbox::DISK_BYTES_DEFAULT,
            memory_bytes_max: sandbox::MEMORY_BYTES_DEFAULT,
        };
        let sandbox = Sandbox::new(config).expect("the engines can be made");
        Self { store: Arc::new(store), broker: Arc::default(), limits_max: PLATFORM_MAX, folder, sandbox }
    }

    /// A room and its only replica.
    pub(crate) async fn with_replica() -> (Self, Replica) {
        let room = Self::new().await;
        let replica = room.replica().await;
        (room, replica)
    }

    pub(crate) async fn replica(&self) -> Replica {
        self.replica_with_token(None).await
    }

    pub(crate) async fn replica_with_token(&self, token: Option<&str>) -> Replica {
        let store = GatedStore::new(Arc::clone(&self.store));
        let config = self.config(([127, 0, 0, 1], 0).into(), token);
        let way = Way::to(Arc::clone(&self.broker) as Arc<dyn Broker>);
        let broker = Arc::clone(&way) as Arc<dyn Broker>;
        let parts = Parts { broker, ..self.parts(Arc::clone(&store) as Arc<dyn Store>) };
        let scheduler = Scheduler::new(config, parts).await.expect("a free port");
        let address = scheduler.address();
        let shutdown = Shutdown::new();
        let running = tokio::spawn(scheduler.run(shutdown.clone()));
        let client = connect(&address, token).await;
        Replica { client, address, store, way, shutdown, running }
    }

    /// Makes a replica that listens at `listen`, without running it.
    pub(crate) async fn try_listen(&self, listen: SocketAddr) -> anyhow::Result<Scheduler> {
        Scheduler::new(self.config(listen, None), self.parts(Arc::clone(&self.store))).await
    }

    fn config(&self, listen: SocketAddr, token: Option<&str>) -> Config {
        Config {
            version: "1.2.3".to_owned(),
            listen,
            advertise: None,
            token: token.map(str::to_owned),
            term: Config::TERM,
            long_transaction: Config::LONG_TRANSACTION,
            limits_max: self.limits_max.clone(),
        }
    }

    fn parts(&self, store: Arc<dyn Store>) -> Parts {
        let broker = Arc::clone(&self.broker) as Arc<dyn Broker>;
        Parts { store, broker, sandbox: Arc::clone(&self.sandbox) }
    }

    /// Stores a version of a task without code.
    pub(crate) async fn publish(&self, task: &str, input_schema: Option<&str>) {
        let description = TaskDescription {
            name: task.parse().expect("a name"),
            description: "a task".to_owned(),
            input_schema: input_schema.map(str::to_owned),
            output_schema: None,
            limits: LimitOverrides::default(),
            max_attempts: None,
        };
        let manifest = Manifest {
            description,
            imports: Vec::new(),
            grants: Grants::default(),
            limits: Limits::default(),
            deterministic: false,
        };
        let bytes = b"no code".to_vec();
        let publish = Publish {
            namespace: Namespace::default(),
            sha256: Digest::of(&bytes),
            bytes,
            tasks: vec![PublishTask { task: task.parse().expect("a name"), manifest }],
            promote: true,
        };
        self.store.publish(publish).await.expect("the store takes it");
    }

    /// Waits until the broker holds `job`, and takes all references out.
    pub(crate) async fn offered(&self, job: &str) {
        let job: JobId = job.parse().expect("an id");
        eventually("the reference", || async {
            self.broker.take(all()).await.ok().filter(|jobs| jobs.contains(&job)).map(|_| ())
        })
        .await;
    }

    /// Opens a host's session.
    pub(crate) async fn session(&self, address: &str) -> SessionId {
        self.session_for(address, LONG_MS).await
    }

    pub(crate) async fn session_for(&self, address: &str, lease_ms: u32) -> SessionId {
        let open = OpenSession {
            name: "host".to_owned(),
            address: address.to_owned(),
            version: "1.2.3".to_owned(),
            slots: 4,
            lease_ms,
        };
        self.store.open(open).await.expect("a session")
    }

    /// Claims a job.
    pub(crate) async fn claim(&self, session: SessionId, job: &str) -> Lease {
        let claim = Claim { session, jobs: vec![job.parse().expect("an id")] };
        self.store.claim(claim).await.expect("the session is open").first().expect("it is claimable").lease
    }

    /// Ends an attempt with a result.
    pub(crate) async fn finish(&self, lease: Lease) {
        let finished = self.store.finish(Finish { ended: vec![succeeded(lease)] }).await;
        assert_eq!(finished.expect("the store answers"), [Finished::Ended]);
    }
}

/// An attempt that ended with a result.
pub(crate) fn succeeded(lease: Lease) -> Ended {
    Ended {
        lease,
        outcome: Outcome::Succeeded,
        next: Next::End,
        result: Some(Json::trusted(b"42".to_vec())),
        failure: None,
        stop: None,
        usage: Usage::default(),
        lines: Vec::new(),
        files: Vec::new(),
    }
}

/// The compile worker, which is built beside the tests as an example of this crate.
pub(crate) fn worker() -> PathBuf {
    let test = std::env::current_exe().expect("a test has a file");
    let target = test.parent().and_then(|deps| deps.parent()).expect("it is in target/PROFILE/deps");
    target.join("examples/compile-worker")
}

pub(crate) async fn connect(address: &str, token: Option<&str>) -> Client {
    let config = ClientConfig {
        server: address.to_owned(),
        token: token.map(str::to_owned),
        connect_timeout: Duration::from_secs(30),
    };
    Client::connect(&config).await.expect("it listens since it was made")
}

/// A job of `task`.
pub(crate) fn job(task: &str, payload: &str) -> v1::NewJob {
    v1::NewJob {
        id: String::new(),
        payload: payload.as_bytes().to_vec(),
        options: None,
        task: task.to_owned(),
    }
}

impl Replica {
    /// Enqueues jobs.
    pub(crate) async fn enqueue(&self, jobs: Vec<v1::NewJob>) -> Result<Vec<v1::EnqueuedJob>, rpc::Error> {
        let request = v1::EnqueueRequest { namespace: String::new(), jobs };
        let answer = self.client.clone().jobs.enqueue(request).await?;
        Ok(answer.into_inner().jobs)
    }

    /// Enqueues one job and returns its id.
    pub(crate) async fn enqueue_one(&self, task: &str) -> String {
        self.enqueue(vec![job(task, "{}")]).await.expect("it is stored").remove(0).id
    }

    pub(crate) async fn job(&self, id: &str) -> Result<v1::Job, rpc::Error> {
        let request = v1::GetJobRequest { namespace: String::new(), id: id.to_owned() };
        Ok(self.client.clone().jobs.get_job(request).await?.into_inner())
    }

    /// The state of each of the jobs.
    pub(crate) async fn states(&self, ids: &[String]) -> Vec<String> {
        let mut states = Vec::new();
        for id in ids {
            states.push(self.job(id).await.expect("it is there").state);
        }
        states
    }

    pub(crate) async fn jobs(&self) -> Vec<v1::Job> {
        let request = v1::ListJobsRequest::default();
        self.client.clone().jobs.list_jobs(request).await.expect("it answers").into_inner().jobs
    }

    pub(crate) async fn status(&self) -> v1::StatusResponse {
        self.client.clone().cluster.status(v1::StatusRequest {}).await.expect("it answers").into_inner()
    }

    /// Waits until somebody leads and returns who.
    pub(crate) async fn leader(&self) -> v1::Leader {
        eventually("a leader", || async { self.status().await.leader }).await
    }

    /// Begins to wait for jobs.
    pub(crate) async fn wait(&self, ids: &[&str]) -> Result<tonic::Streaming<v1::JobEnded>, rpc::Error> {
        let ids = ids.iter().map(|id| (*id).to_owned()).collect();
        let request = v1::WaitJobsRequest { namespace: String::new(), ids };
        Ok(self.client.clone().jobs.wait_jobs(request).await?.into_inner())
    }
}
