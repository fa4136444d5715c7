//! Starts compile workers: at most some at once, one for each component however many wait for it.

use std::collections::HashMap;
use std::process::Stdio;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use futures::FutureExt;
use futures::future::{BoxFuture, Shared};
use model::error::storable_text;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::Command;
use tokio::sync::Semaphore;

use crate::cache::Key;
use crate::compile::worker::{COMPILED, REFUSED};
use crate::inspection::{Refusal, RefusalKind};

/// Wall-clock time of one worker. Its processor time is limited more tightly by itself; this is for a worker
/// that waits.
const WALL_MAX: Duration = Duration::from_secs(240);

/// Workers at once: each may take 3 GiB, and the machine has jobs to run.
const WORKERS_MAX: usize = 2;

/// Threads of one worker: more of them save little time and cost address space each.
const WORKER_THREADS: &str = "4";

/// Most that is kept of what a worker says when it breaks.
const COMPLAINT_BYTES_MAX: u64 = 4 << 10;

/// The text of the system's error when the address space is used up.
const OUT_OF_MEMORY: &str = "Cannot allocate memory";

/// Compiled code, as it came from our own worker.
#[derive(Debug)]
pub(crate) struct Code {
    /// The bytes.
    pub(crate) bytes: Vec<u8>,
    /// How long the worker took.
    pub(crate) took: Duration,
}

/// Why there is no compiled code.
#[derive(Debug, Clone)]
pub(crate) enum CompileError {
    /// The component is at fault.
    Refused(Refusal),
    /// The machine is.
    Unavailable(String),
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
            workers: Semaphore::new(WORKERS_MAX),
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
        let answer = match tokio::time::timeout(WALL_MAX, self.ask_worker(key, bytes)).await {
            Ok(answer) => answer.map_err(|error| {
                CompileError::Unavailable(format!("the compile worker could not be used: {error:#}"))
            })?,
            Err(_) => return Err(too_expensive(&format!("it took more than {} s", WALL_MAX.as_secs()))),
        };
        let code = judge(answer)?;
        let took = began.elapsed();
        self.compiled.fetch_add(1, Ordering::Relaxed);
        tracing::info!(
            sha256 = %key.sha256,
            size_bytes = size,
            code_bytes = code.len(),
            duration_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
            "compiled a component"
        );
        Ok(Code { bytes: code, took })
    }

    async fn ask_worker(&self, key: Key, bytes: Vec<u8>) -> anyhow::Result<Answer> {
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
        let mut stdout = child.stdout.take().expect("it is piped");
        let mut stderr = child.stderr.take().expect("it is piped").take(COMPLAINT_BYTES_MAX);
        let letter = [u8::try_from(key.flavour.letter()).expect("letters are ASCII")];
        // A worker that ended early breaks the pipe; its status says why, so these errors do not matter.
        let write = async move {
            if stdin.write_all(&letter).await.is_ok() {
                let _ = stdin.write_all(&bytes).await;
            }
        };
        let (mut answer, mut complaint) = (Vec::new(), Vec::new());
        let ((), read, _) =
            tokio::join!(write, stdout.read_to_end(&mut answer), stderr.read_to_end(&mut complaint));
        read?;
        let status = child.wait().await?;
        Ok(Answer { status, answer, complaint: String::from_utf8_lossy(&complaint).into_owned() })
    }
}

struct Answer {
    status: std::process::ExitStatus,
    answer: Vec<u8>,
    complaint: String,
}

fn judge(answer: Answer) -> Result<Vec<u8>, CompileError> {
    let Answer { status, answer: mut bytes, complaint } = answer;
    let ended = std::os::unix::process::ExitStatusExt::signal(&status);
    match bytes.first() {
        Some(&COMPILED) if status.success() => {
            bytes.remove(0);
            Ok(bytes)
        }
        Some(&REFUSED) if status.success() => {
            let text = String::from_utf8_lossy(&bytes[1..]);
            if text.contains(OUT_OF_MEMORY) {
                return Err(too_expensive("the compiler ran out of its memory"));
            }
            Err(CompileError::Refused(Refusal {
                kind: RefusalKind::Malformed,
                message: format!("is not a valid component: {}", one_line(&text)),
                hint: None,
            }))
        }
        _ if ended.is_some() || complaint.contains(OUT_OF_MEMORY) || complaint.contains("panicked") => {
            tracing::warn!(%status, complaint = %one_line(&complaint), "a compile worker broke off");
            Err(too_expensive("the compiler ran into its limits of memory or time"))
        }
        _ => {
            let complaint = one_line(&complaint);
            Err(CompileError::Unavailable(format!("the compile worker ended with {status}: {complaint}")))
        }
    }
}

fn too_expensive(why: &str) -> CompileError {
    CompileError::Refused(Refusal {
        kind: RefusalKind::Policy,
        message: format!("is too expensive to compile: {why}"),
        hint: Some("make it smaller, or split it into several components".to_owned()),
    })
}

fn one_line(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    storable_text(&words.join(" "), 500)
}
