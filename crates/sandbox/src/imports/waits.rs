//! `wasi:io/poll`, where a guest sleeps: the time it waits there is time inside host calls.

use std::time::Duration;

use wasmtime::component::{HasData, Linker, Resource, ResourceTable};
use wasmtime_wasi_io::bindings::wasi::io::poll;
use wasmtime_wasi_io::poll::DynPollable;

use crate::gate::Timer;
use crate::state::State;

/// WASI's own functions, and where their time is added up.
struct Waits<'a> {
    table: &'a mut ResourceTable,
    inside: &'a mut Duration,
}

struct HasWaits;

impl HasData for HasWaits {
    type Data<'a> = Waits<'a>;
}

/// Links them in place of those that take no time.
pub(super) fn link(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    linker.allow_shadowing(true);
    poll::add_to_linker::<State, HasWaits>(linker, |state| Waits {
        table: &mut state.table,
        inside: state.gate.inside_mut(),
    })?;
    linker.allow_shadowing(false);
    Ok(())
}

impl poll::Host for Waits<'_> {
    async fn poll(&mut self, pollables: Vec<Resource<DynPollable>>) -> wasmtime::Result<Vec<u32>> {
        let _timer = Timer::start(self.inside);
        poll::Host::poll(self.table, pollables).await
    }
}

impl poll::HostPollable for Waits<'_> {
    async fn block(&mut self, pollable: Resource<DynPollable>) -> wasmtime::Result<()> {
        let _timer = Timer::start(self.inside);
        poll::HostPollable::block(self.table, pollable).await
    }

    async fn ready(&mut self, pollable: Resource<DynPollable>) -> wasmtime::Result<bool> {
        poll::HostPollable::ready(self.table, pollable).await
    }

    fn drop(&mut self, pollable: Resource<DynPollable>) -> wasmtime::Result<()> {
        poll::HostPollable::drop(self.table, pollable)
    }
}
