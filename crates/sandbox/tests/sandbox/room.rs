//! A sandbox in a folder of its own, a source of components, and capabilities that remember.

use std::collections::HashMap;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use model::error::{ErrorKind, Failure};
use model::grants::Grants;
use model::id::{Digest, JobId};
use model::job::{LogLine, Progress};
use model::json::Json;
use model::limits::Limits;
use model::name::{Namespace, QueueKey, QueueName};
use model::retry::{Ending, Retry};
use sandbox::{
    Capabilities, ChildJob, ComponentSource, Config, Execution, HttpError, HttpRequest, HttpResponse,
    Invocation, JobContext, MailError, MailMessage, Sandbox, StopHandle, StopSignal,
};
use tokio::sync::Notify;

/// A sandbox whose cache is in `folder`.
pub(crate) fn sandbox_in(folder: &Path) -> Arc<Sandbox> {
    Sandbox::new(config_in(folder)).expect("the engines can be made")
}

/// The configuration of such a sandbox.
pub(crate) fn config_in(folder: &Path) -> Config {
    Config {
        cache_dir: folder.to_owned(),
        compile_command: vec![env!("CARGO_BIN_EXE_compile-worker").to_owned()],
        slots: 4,
        disk_bytes_max: sandbox::DISK_BYTES_DEFAULT,
        memory_bytes_max: sandbox::MEMORY_BYTES_DEFAULT,
    }
}

/// Components in memory.
#[derive(Default)]
pub(crate) struct Shelf {
    components: Mutex<HashMap<Digest, Vec<u8>>>,
    pub(crate) fetched: AtomicU64,
}

impl Shelf {
    pub(crate) fn put(&self, bytes: Vec<u8>) -> Digest {
        let digest = Digest::of(&bytes);
        self.put_as(digest, bytes);
        digest
    }

    pub(crate) fn put_as(&self, digest: Digest, bytes: Vec<u8>) {
        self.components.lock().expect("nobody panics while holding it").insert(digest, bytes);
    }
}

#[async_trait]
impl ComponentSource for Shelf {
    async fn fetch(&self, sha256: Digest) -> anyhow::Result<Vec<u8>> {
        self.fetched.fetch_add(1, Ordering::Relaxed);
        let found = self.components.lock().expect("nobody panics while holding it").get(&sha256).cloned();
        found.ok_or_else(|| anyhow::anyhow!("no such component"))
    }
}

/// What the guest did to the world.
#[derive(Default)]
pub(crate) struct World {
    pub(crate) lines: Mutex<Vec<LogLine>>,
    pub(crate) requests: Mutex<Vec<HttpRequest>>,
    pub(crate) mails: Mutex<Vec<MailMessage>>,
    pub(crate) children: Mutex<Vec<ChildJob>>,
    pub(crate) saved: Mutex<Vec<Vec<u8>>>,
    /// Whether effects never return.
    pub(crate) hangs: AtomicBool,
    /// If not nought: how long answers are that the host cuts off.
    pub(crate) answers: AtomicU64,
    /// Whether the lease is lost.
    pub(crate) lost: AtomicBool,
    /// Rung when an effect begins.
    pub(crate) began: Notify,
}

impl World {
    pub(crate) fn texts(&self) -> Vec<String> {
        self.lines
            .lock()
            .expect("nobody panics while holding it")
            .iter()
            .map(|line| format!("{} {}", line.level, line.text))
            .collect()
    }

    async fn effect(&self) {
        self.began.notify_one();
        if self.hangs.load(Ordering::Relaxed) {
            std::future::pending::<()>().await;
        }
    }
}

#[async_trait]
impl Capabilities for World {
    fn log(&self, line: LogLine) {
        self.began.notify_one();
        self.lines.lock().expect("nobody panics while holding it").push(line);
    }

    fn progress(&self, _progress: Progress) {}

    fn lease_held(&self) -> bool {
        !self.lost.load(Ordering::Relaxed)
    }

    async fn save_checkpoint(&self, data: Vec<u8>) -> Result<(), String> {
        self.effect().await;
        self.saved.lock().expect("nobody panics while holding it").push(data);
        Ok(())
    }

    async fn enqueue(&self, child: ChildJob) -> Result<JobId, String> {
        self.effect().await;
        self.children.lock().expect("nobody panics while holding it").push(child);
        Ok(JobId(uuid::Uuid::nil()))
    }

    async fn send_mail(&self, message: MailMessage, _call: u32) -> Result<String, MailError> {
        self.effect().await;
        self.mails.lock().expect("nobody panics while holding it").push(message);
        Ok("<id>".to_owned())
    }

    async fn http(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        self.effect().await;
        self.requests.lock().expect("nobody panics while holding it").push(request);
        let bytes = self.answers.load(Ordering::Relaxed);
        if bytes > 0 {
            return Err(HttpError::OverBudget { bytes });
        }
        Ok(HttpResponse { status: 200, headers: Vec::new(), body: b"\"hi\"".to_vec() })
    }

    fn has_secret(&self, name: &str) -> bool {
        name == "token"
    }
}

/// Everything one test needs.
pub(crate) struct Room {
    pub(crate) sandbox: Arc<Sandbox>,
    pub(crate) shelf: Shelf,
    pub(crate) world: Arc<World>,
    pub(crate) limits: Limits,
    pub(crate) grants: Grants,
    pub(crate) deterministic: bool,
    pub(crate) folder: tempfile::TempDir,
}

impl Room {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        Self {
            sandbox: sandbox_in(folder.path()),
            shelf: Shelf::default(),
            world: Arc::default(),
            limits: Limits::default(),
            grants: Grants::default(),
            deterministic: false,
            folder,
        }
    }

    pub(crate) fn invocation(&self, sha256: Digest) -> Invocation {
        let queue = QueueKey { namespace: Namespace::default(), queue: QueueName::default() };
        Invocation {
            sha256,
            task: "t".parse().expect("a name"),
            payload: Json::check("payload", b"[1]".to_vec(), 100).expect("it is JSON"),
            context: JobContext { job: JobId(uuid::Uuid::nil()), queue, attempt: 1, max_attempts: 5 },
            limits: self.limits.clone(),
            deterministic: self.deterministic,
            grants: self.grants.clone(),
            checkpoint: Some(b"\"before\"".to_vec()),
        }
    }

    pub(crate) async fn run(&self, component: Vec<u8>) -> Execution {
        let (_handle, stop) = StopHandle::pair();
        self.run_until(component, stop).await
    }

    pub(crate) async fn run_until(&self, component: Vec<u8>, stop: StopSignal) -> Execution {
        let digest = self.shelf.put(component);
        self.sandbox.run(&self.shelf, self.invocation(digest), self.world.clone(), stop).await
    }
}

/// The failure of an execution that must have failed.
pub(crate) fn failure(execution: &Execution) -> (&Failure, Retry) {
    match &execution.ending {
        Ending::Failed { failure, retry } => (failure, *retry),
        other => panic!("it should have failed: {other:?}"),
    }
}

/// Checks kind and a part of the message.
pub(crate) fn assert_failed(execution: &Execution, kind: ErrorKind, part: &str) {
    let (failure, _) = failure(execution);
    assert_eq!(failure.kind, kind, "{failure}");
    assert!(failure.message.contains(part), "{failure}");
}
