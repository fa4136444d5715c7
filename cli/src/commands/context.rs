//! What every command works with.

use std::future::Future;

use anyhow::Context as _;
use model::clock::{Clock, SystemClock};

use crate::config::Settings;
use crate::exit::{Error, Result};
use crate::output::Output;
use crate::server::Server;
use crate::show::time::Times;

/// What every command works with.
#[derive(Debug, Clone)]
pub(crate) struct Context {
    pub(crate) settings: Settings,
    pub(crate) output: Output,
    pub(crate) times: Times,
}

impl Context {
    pub(crate) fn new(settings: &Settings, output: &Output) -> Self {
        let times = Times { style: settings.time, now: SystemClock.now() };
        Self { settings: settings.clone(), output: output.clone(), times }
    }

    /// The namespace, as it travels.
    pub(crate) fn namespace(&self) -> String {
        self.settings.namespace.as_str().to_owned()
    }

    /// Connects to the server.
    pub(crate) async fn server(&self) -> Result<Server> {
        let server = Server::connect(&self.settings).await?;
        self.output.detail(&format!("connected to {}", self.settings.server));
        Ok(server)
    }
}

/// Runs a client's command: one thread is enough to ask and print.
pub(crate) fn ask(command: impl Future<Output = Result>) -> Result {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("start the runtime")
        .map_err(Error::from)?;
    let result = runtime.block_on(command);
    // A read of standard input that nobody waits for any more must not keep the process.
    runtime.shutdown_background();
    result
}
