//! What runs an attempt: the sandbox, or a script in tests.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use model::id::Digest;
use sandbox::{Capabilities, ComponentSource, Execution, Invocation, Sandbox, StopSignal};
use store::Store;
use tokio::runtime::{self, Runtime};
use tokio_util::task::AbortOnDropHandle;
use tracing::Instrument;

/// What runs an attempt.
#[async_trait]
pub trait Executor: Send + Sync {
    /// Runs one attempt to its end, or until `stop` asks. Whatever happens is an outcome, never an error.
    async fn execute(
        &self,
        invocation: Invocation,
        capabilities: Arc<dyn Capabilities>,
        stop: StopSignal,
    ) -> Execution;

    /// Makes attempts that compute look at their stop signals now.
    fn wake(&self);

    /// How many components it compiled since it began.
    fn compiled(&self) -> u64;
}

/// The sandbox, with components from the store, on threads of its own.
pub(crate) struct SandboxExecutor {
    sandbox: Arc<Sandbox>,
    source: Arc<StoreSource>,
    guests: GuestThreads,
}

impl SandboxExecutor {
    /// Over this sandbox and this store.
    ///
    /// # Errors
    /// When the threads cannot be started.
    pub(crate) fn new(sandbox: Arc<Sandbox>, store: Arc<dyn Store>) -> std::io::Result<Self> {
        Ok(Self { sandbox, source: Arc::new(StoreSource(store)), guests: GuestThreads::start()? })
    }
}

/// Threads for guests that compute for long, one for each processor. Claims, reports and all other steps of jobs stay on
/// the threads of the program: there they would wait behind every guest that computes, for a turn of some milliseconds
/// each, at each step. Between the two the system shares out the processors. A guest begins where its job came from,
/// since most have ended before it would have paid to move them.
struct GuestThreads(Option<Runtime>);

/// A guest that computed for so long without a pause is moved: a fifth of its turn in the sandbox.
const COMPUTES_FOR_LONG: Duration = Duration::from_millis(1);

impl GuestThreads {
    fn start() -> std::io::Result<Self> {
        let runtime = runtime::Builder::new_multi_thread().thread_name("guests").enable_all().build()?;
        Ok(Self(Some(runtime)))
    }

    fn spawn(
        &self,
        attempt: impl Future<Output = Execution> + Send + 'static,
    ) -> AbortOnDropHandle<Execution> {
        let runtime = self.0.as_ref().expect("it is there until it is dropped");
        AbortOnDropHandle::new(runtime.spawn(attempt))
    }
}

impl Drop for GuestThreads {
    fn drop(&mut self) {
        // A runtime may not be waited for where others run; its guests have ended.
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

#[async_trait]
impl Executor for SandboxExecutor {
    async fn execute(
        &self,
        invocation: Invocation,
        capabilities: Arc<dyn Capabilities>,
        stop: StopSignal,
    ) -> Execution {
        let (sandbox, source) = (Arc::clone(&self.sandbox), Arc::clone(&self.source));
        let mut attempt = Box::pin(
            async move { sandbox.run(&*source, invocation, capabilities, stop).await }.in_current_span(),
        );
        if let Some(execution) = until_it_computes_for_long(attempt.as_mut()).await {
            return execution;
        }
        match self.guests.spawn(attempt).await {
            Ok(execution) => execution,
            Err(error) => match error.try_into_panic() {
                Ok(panic) => std::panic::resume_unwind(panic),
                // Its threads ended before it did; whoever waits goes the same way.
                Err(_) => std::future::pending().await,
            },
        }
    }

    fn wake(&self) {
        self.sandbox.wake();
    }

    fn compiled(&self) -> u64 {
        self.sandbox.compiled()
    }
}

/// Runs an attempt to its end, or until it is seen to compute for long.
async fn until_it_computes_for_long(
    mut attempt: Pin<&mut (impl Future<Output = Execution> + Send)>,
) -> Option<Execution> {
    poll_fn(|context| {
        let began = Instant::now();
        match attempt.as_mut().poll(context) {
            Poll::Ready(execution) => Poll::Ready(Some(execution)),
            Poll::Pending if began.elapsed() >= COMPUTES_FOR_LONG => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        }
    })
    .await
}

struct StoreSource(Arc<dyn Store>);

#[async_trait]
impl ComponentSource for StoreSource {
    async fn fetch(&self, sha256: Digest) -> anyhow::Result<Vec<u8>> {
        Ok(self.0.component(sha256).await?)
    }
}
