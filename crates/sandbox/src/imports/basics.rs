//! What stays inside the host: `context`, `log`, `progress` and `config`.

use model::bounds::TEXT_BYTES_MAX;
use model::error::storable_text;
use model::job::{LogLevel, Progress};

use crate::bindings::jobs::task::{config, context, log, progress};
use crate::state::State;

impl context::Host for State {
    async fn current(&mut self) -> wasmtime::Result<context::Job> {
        self.gate.pass()?;
        Ok(context::Job {
            id: self.context.job.to_string(),
            task: self.task.clone(),
            namespace: self.context.queue.namespace.to_string(),
            queue: self.context.queue.queue.to_string(),
            attempt: self.context.attempt,
            max_attempts: self.context.max_attempts,
            timeout_ms: self.gate.limits.timeout_ms,
        })
    }

    async fn cancel_requested(&mut self) -> wasmtime::Result<bool> {
        self.gate.pass()?;
        Ok(self.gate.cancel_requested())
    }
}

impl log::Host for State {
    async fn write(&mut self, level: log::Level, message: String) -> wasmtime::Result<()> {
        self.gate.pass()?;
        let level = match level {
            log::Level::Trace => LogLevel::Trace,
            log::Level::Debug => LogLevel::Debug,
            log::Level::Info => LogLevel::Info,
            log::Level::Warn => LogLevel::Warn,
            log::Level::Error => LogLevel::Error,
        };
        self.output.line(level, &message);
        Ok(())
    }
}

impl progress::Host for State {
    async fn report(&mut self, percent: u8, message: String) -> wasmtime::Result<()> {
        self.gate.pass()?;
        let message = storable_text(&message, TEXT_BYTES_MAX);
        self.gate.capabilities.progress(Progress { percent: percent.min(100), message });
        Ok(())
    }
}

impl config::Host for State {
    async fn get(&mut self, name: String) -> wasmtime::Result<Option<String>> {
        self.gate.pass()?;
        Ok(self.gate.grants.env.get(&name).cloned())
    }
}
