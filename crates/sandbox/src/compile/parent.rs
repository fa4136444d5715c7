//! Starts compile workers: at most some at once, one for each component however many wait for it.

use std::collections::HashMap;
use std::num::NonZeroUsize;
use std::process::Stdio;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use futures::FutureExt;
use futures::future::{BoxFuture, Shared};
use model::units::millis;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::Command;
use tokio::sync::Semaphore;

use crate::cache::Key;
use crate::compile::allowance::Allowance;
use crate::compile::verdict::{Answer, CompileError, judge, kept_waiting};

/// Most workers at once, on a machine with as many processors: each may take 3 GiB.
const WORKERS_MAX: usize = 4;

/// Threads of one worker: more of them save little time and cost address space each.
const WORKER_THREADS: &str = "4";

/// Most that is kept of what a worker says when it breaks.
const COMPLAINT_BYTES_MAX: u64 = 4 << 10;

/// Compiled code, as it came from our own worker.
#[derive(Debug)]
pub(crate) struct Code {
    /// The bytes.
    pub(crate) bytes: Vec<u8>,
    /// How long the worker took.
    pub(crate) took: Duration,
}

/// Keeps new code for later; called once, on a thread that may block.
pub(crate) type Keep = Box<dyn FnOnce(&Arc<Code>) + Send>;

type Compiling = Shared<BoxFuture<'static, Result<Arc<Code>, CompileError>>>;

/// Starts the workers.
pub(crate) struct Compiler {
    command: Vec<String>,
    workers: Semaphore,
    under_way: Mutex<HashMap<Key, Compiling>>,
    compiled: AtomicU64,
}

impl Compiler {
    /// A compiler that starts `command`.
    pub(crate) fn new(command: Vec<String>) -> Arc<Self> {
        Arc::new(Self {
            command,
            workers: Semaphore::new(workers()),
            under_way: Mutex::default(),
            compiled: AtomicU64::new(0),
        })
    }

    /// How many components were compiled so far.
    pub(crate) fn compiled(&self) -> u64 {
        self.compiled.load(Ordering::Relaxed)
    }

    /// Compiles `bytes`. Who comes while the same component is being compiled gets the same code; when those who
    /// wait go away, the work goes on, and is kept for the next.
    pub(crate) async fn compile(
        self: &Arc<Self>,
        key: Key,
        bytes: Vec<u8>,
        keep: Keep,
    ) -> Result<Arc<Code>, CompileError> {
        let compiling = {
            let mut under_way = self.under_way.lock().unwrap_or_else(PoisonError::into_inner);
            under_way.entry(key).or_insert_with(|| self.start(key, bytes, keep)).clone()
        };
        compiling.await
    }

    fn start(self: &Arc<Self>, key: Key, bytes: Vec<u8>, keep: Keep) -> Compiling {
        let compiler = Arc::clone(self);
        let task = tokio::spawn(async move {
            let result = compiler.work(key, bytes).await.map(Arc::new);
            if let Ok(code) = result.clone() {
                // Keeping reports its own failures.
                let _ = tokio::task::spawn_blocking(move || keep(&code)).await;
            }
            compiler.under_way.lock().unwrap_or_else(PoisonError::into_inner).remove(&key);
            result
        });
        let ended = |error| CompileError::Unavailable(format!("the compile task ended: {error}"));
        async move { task.await.unwrap_or_else(|error| Err(ended(error))) }.boxed().shared()
    }

    async fn work(&self, key: Key, bytes: Vec<u8>) -> Result<Code, CompileError> {
        let _worker = self.workers.acquire().await.expect("the semaphore is never closed");
        let began = Instant::now();
        let size = bytes.len();
        let allowance = Allowance::of(size);
        let asking = self.ask_worker(key, bytes, allowance.code_bytes);
        let answer =
            tokio::time::timeout(allowance.wall, asking).await.map_err(|_| kept_waiting(allowance))?;
        let answer = answer.map_err(|error| {
            CompileError::Unavailable(format!("the compile worker could not be used: {error:#}"))
        })?;
        let code = judge(answer, size, allowance)?;
        let took = began.elapsed();
        self.compiled.fetch_add(1, Ordering::Relaxed);
        tracing::info!(
            sha256 = %key.sha256,
            size_bytes = size,
            code_bytes = code.len(),
            duration_ms = millis(took),
            "compiled a component"
        );
        Ok(Code { bytes: code, took })
    }

    async fn ask_worker(&self, key: Key, bytes: Vec<u8>, code_bytes_max: u64) -> anyhow::Result<Answer> {
        let (program, arguments) =
            self.command.split_first().ok_or_else(|| anyhow::anyhow!("no compile command is configured"))?;
        // Nothing of our environment: it may hold passwords, and the child reads what strangers wrote.
        let mut child = Command::new(program)
            .args(arguments)
            .env_clear()
            .env("RAYON_NUM_THREADS", WORKER_THREADS)
            .env("MALLOC_ARENA_MAX", "2")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let mut stdin = child.stdin.take().expect("it is piped");
        // A byte more than is allowed tells that it is too much; a worker that writes on breaks its pipe.
        let mut stdout = child.stdout.take().expect("it is piped").take(code_bytes_max + 1);
        let mut stderr = child.stderr.take().expect("it is piped").take(COMPLAINT_BYTES_MAX);
        let letter = [u8::try_from(key.flavour.letter()).expect("letters are ASCII")];
        // A worker that ended early breaks the pipe; its status says why, so these errors do not matter.
        let write = async move {
            if stdin.write_all(&letter).await.is_ok() {
                let _ = stdin.write_all(&bytes).await;
            }
        };
        let (mut answer, mut complaint) = (Vec::new(), Vec::new());
        let read = async {
            let read = stdout.read_to_end(&mut answer).await;
            drop(stdout);
            read
        };
        let ((), read, _) = tokio::join!(write, read, stderr.read_to_end(&mut complaint));
        read?;
        let status = child.wait().await?;
        Ok(Answer { status, answer, complaint: String::from_utf8_lossy(&complaint).into_owned() })
    }
}

/// Workers at once: as many as there are processors, from one to [`WORKERS_MAX`]. They stand back behind the jobs, so
/// that none need be kept free of them; with two or more a bomb holds up only its own worker.
fn workers() -> usize {
    std::thread::available_parallelism().map_or(1, NonZeroUsize::get).clamp(1, WORKERS_MAX)
}
