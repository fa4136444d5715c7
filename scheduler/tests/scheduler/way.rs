//! The way of one replica to the broker, which can be cut for it alone.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use broker::{Broker, Reference, Signal, Take};
use model::id::JobId;
use model::name::QueueKey;
use tokio::sync::broadcast;

/// The broker as one replica sees it.
pub(crate) struct Way {
    inner: Arc<dyn Broker>,
    cut: AtomicBool,
}

impl Way {
    pub(crate) fn to(inner: Arc<dyn Broker>) -> Arc<Self> {
        Arc::new(Self { inner, cut: AtomicBool::new(false) })
    }

    pub(crate) fn set_cut(&self, cut: bool) {
        self.cut.store(cut, Ordering::Relaxed);
    }

    fn pass(&self) -> broker::Result<&dyn Broker> {
        if self.cut.load(Ordering::Relaxed) {
            return Err(broker::Error { why: "the way is cut".to_owned() });
        }
        Ok(&*self.inner)
    }
}

#[async_trait]
impl Broker for Way {
    async fn push(&self, references: &[Reference]) -> broker::Result<()> {
        self.pass()?.push(references).await
    }

    async fn take(&self, take: Take) -> broker::Result<Vec<JobId>> {
        self.pass()?.take(take).await
    }

    async fn waiting(&self) -> broker::Result<Vec<(QueueKey, u64)>> {
        self.pass()?.waiting().await
    }

    async fn remove(&self, queue: &QueueKey, jobs: &[JobId]) -> broker::Result<()> {
        self.pass()?.remove(queue, jobs).await
    }

    async fn signal(&self, signal: Signal) -> broker::Result<()> {
        self.pass()?.signal(signal).await
    }

    fn signals(&self) -> broadcast::Receiver<Signal> {
        self.inner.signals()
    }

    async fn generation(&self) -> broker::Result<u64> {
        self.pass()?.generation().await
    }
}
