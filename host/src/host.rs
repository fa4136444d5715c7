//! The host: its parts and their life.

use std::sync::Arc;

use broker::Broker;
use sandbox::Sandbox;
use service::Shutdown;
use store::Store;

use crate::Config;

/// What a host works with.
#[derive(Clone)]
pub struct Parts {
    /// The truth.
    pub store: Arc<dyn Store>,
    /// The ready queue.
    pub broker: Arc<dyn Broker>,
    /// Where tasks run.
    pub sandbox: Arc<Sandbox>,
}

/// A worker host that is ready to run.
pub struct Host {
    config: Config,
    parts: Parts,
}

impl Host {
    /// Checks the configuration and binds the control service's address.
    ///
    /// # Errors
    /// When the address cannot be bound or the configuration (the mail relay, say) makes no sense.
    pub async fn new(config: Config, parts: Parts) -> anyhow::Result<Self> {
        Ok(Self { config, parts })
    }

    /// The URL under which the control service is reached.
    #[must_use]
    pub fn address(&self) -> String {
        String::new()
    }

    /// Works until the shutdown drains; then takes no more, lets what runs end, and gives the rest back when
    /// the shutdown ends. The heartbeat goes on until the last attempt is reported.
    ///
    /// # Errors
    /// When it cannot go on.
    pub async fn run(self, shutdown: Shutdown) -> anyhow::Result<()> {
        shutdown.draining().await;
        Ok(())
    }
}
