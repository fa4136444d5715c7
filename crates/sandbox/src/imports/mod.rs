//! The interfaces of `wit/task.wit` as the host serves them, one file each.
//!
//! Every function begins at the gate. Each may be dropped half-way, when the attempt is stopped.

mod basics;
mod checkpoint;
mod files;
mod http;
mod mail;
mod queue;
mod secrets;
mod waits;

use wasmtime::component::{HasSelf, Linker};

use crate::bindings::Full;
use crate::state::State;

/// Links everything a component may import.
pub(crate) fn link(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    wasmtime_wasi::p2::add_to_linker_async(linker)?;
    waits::link(linker)?;
    Full::add_to_linker::<State, HasSelf<State>>(linker, |state| state)
}
