//! `checkpoint`: what the next attempt gets to know.

use std::sync::Arc;

use model::bounds::CHECKPOINT_BYTES_MAX;

use crate::bindings::jobs::task::checkpoint;
use crate::state::State;

impl checkpoint::Host for State {
    async fn save(&mut self, data: Vec<u8>) -> wasmtime::Result<Result<(), String>> {
        self.gate.pass_outside()?;
        let seen = data.len();
        if seen > CHECKPOINT_BYTES_MAX {
            return Ok(Err(format!(
                "a checkpoint has at most {CHECKPOINT_BYTES_MAX} bytes, this one has {seen}"
            )));
        }
        self.gate.counts.bytes_out += seen as u64;
        let capabilities = Arc::clone(&self.gate.capabilities);
        let saved = self.gate.timed(capabilities.save_checkpoint(data.clone())).await;
        if saved.is_ok() {
            self.checkpoint = Some(data);
        }
        Ok(saved)
    }

    async fn load(&mut self) -> wasmtime::Result<Option<Vec<u8>>> {
        self.gate.pass()?;
        self.gate.counts.bytes_in += self.checkpoint.as_ref().map_or(0, Vec::len) as u64;
        Ok(self.checkpoint.clone())
    }
}
