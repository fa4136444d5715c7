//! What a store holds for one attempt.

use std::sync::Arc;

use model::attempt::Usage;
use model::job::OutputFile;
use model::limits::Limits;
use model::units::micros;
use wasmtime::component::ResourceTable;
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};

use crate::capabilities::Capabilities;
use crate::execution::{Invocation, JobContext, Spent, StopSignal};
use crate::gate::Gate;
use crate::limiter::Limiter;
use crate::output::{Output, Stream};

/// Handles (streams, pollables, secrets) a guest may hold at once.
pub(crate) const HANDLES_MAX: usize = 10_000;

/// Most random bytes in one call: seeds and keys need less, and the host makes them in its own memory.
const RANDOM_BYTES_MAX: u64 = 1 << 20;

/// What a guest may hand over in one call besides what its limits say: log lines, mails, headers.
const HANDOVER_BYTES_MIN: u64 = 16 << 20;

/// The data behind every host function.
pub(crate) struct State {
    wasi: WasiCtx,
    /// Handles of the guest.
    pub(crate) table: ResourceTable,
    /// Memory and tables so far.
    pub(crate) limiter: Limiter,
    /// What every host call passes.
    pub(crate) gate: Gate,
    /// Where its text goes.
    pub(crate) output: Arc<Output>,
    /// The task that runs.
    pub(crate) task: String,
    /// What the guest may know of its job.
    pub(crate) context: JobContext,
    /// What was saved last.
    pub(crate) checkpoint: Option<Vec<u8>>,
    /// Files so far.
    pub(crate) files: Vec<OutputFile>,
}

impl State {
    /// The state at the beginning of an attempt; takes what it needs out of `invocation`.
    pub(crate) fn new(
        invocation: &mut Invocation,
        capabilities: Arc<dyn Capabilities>,
        stop: StopSignal,
    ) -> Self {
        let limits = invocation.limits.clone();
        let output = Output::new(Arc::clone(&capabilities), limits.log_bytes);
        let mut table = ResourceTable::new();
        table.set_max_capacity(HANDLES_MAX);
        let wasi = WasiCtx::builder()
            .stdout(Stream::stdout(&output))
            .stderr(Stream::stderr(&output))
            .max_random_size(RANDOM_BYTES_MAX)
            .allow_tcp(false)
            .allow_udp(false)
            .allow_ip_name_lookup(false)
            .build();
        let grants = std::mem::take(&mut invocation.grants);
        Self {
            wasi,
            table,
            limiter: Limiter::new(&limits),
            gate: Gate::new(capabilities, grants, limits, invocation.context.job, stop),
            output,
            task: invocation.task.to_string(),
            context: invocation.context.clone(),
            checkpoint: invocation.checkpoint.take(),
            files: Vec::new(),
        }
    }
}

impl State {
    /// What was counted of [`Usage`] so far.
    pub(crate) fn usage(&self) -> Usage {
        Usage {
            peak_memory_bytes: self.limiter.peak_bytes(),
            host_call_us: micros(self.gate.inside()),
            host_calls: self.gate.calls(),
            bytes_in: self.gate.counts.bytes_in,
            bytes_out: self.gate.counts.bytes_out + self.file_bytes(),
            ..Usage::default()
        }
    }

    /// What was counted of [`Spent`] so far.
    pub(crate) fn spent(&self) -> Spent {
        Spent {
            table_elements: self.limiter.peak_elements(),
            output_bytes: 0,
            log_bytes: self.output.kept_bytes(),
            file_bytes: self.file_bytes(),
            http_requests: self.gate.counts.http_requests,
            http_bytes: self.gate.counts.http_bytes,
        }
    }

    fn file_bytes(&self) -> u64 {
        self.files.iter().map(|file| file.bytes.len() as u64).sum()
    }
}

/// What a guest may hand over in one call: a result, a file, a request, and some.
pub(crate) fn handover_bytes(limits: &Limits) -> u64 {
    limits.output_bytes.max(limits.file_bytes).saturating_add(HANDOVER_BYTES_MIN)
}

impl WasiView for State {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.wasi, table: &mut self.table }
    }
}
