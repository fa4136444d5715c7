//! The private system that is measured, with every guest published.

use anyhow::{Context as _, Result};
use stories::{Footing, Jobctl, Setup, System, guest};
use tokio::runtime::Runtime;

use super::kinds::{Kinds, Peers};
use crate::{Caller, Order, Silence};

/// Attempts at once: the eight endless loops, and as many again for others.
pub(super) const SLOTS: usize = 16;

/// A system of its own, ready to be measured. What is measured runs on [`Setting::runtime`].
pub struct Setting {
    /// The kinds of guests that are stopped.
    pub kinds: Kinds,
    /// The API.
    pub caller: Caller,
    /// The binary, as a user types it.
    pub jobctl: Jobctl,
    /// The process that everything runs in.
    pub pid: u32,
    /// What the benchmark itself runs on.
    pub runtime: Runtime,
    /// Kept to the end: the system goes with it.
    _system: System,
}

impl Setting {
    /// Starts the system and publishes the guests.
    ///
    /// # Errors
    /// When no port is free or the system does not answer.
    ///
    /// # Panics
    /// When the system does not come up or refuses a guest.
    pub fn prepare() -> Result<Self> {
        let runtime = Runtime::new().context("start a runtime")?;
        let peers = runtime.block_on(async {
            anyhow::Ok(Peers { http: Silence::listen().await?, mail: Silence::listen().await? })
        })?;
        let mut system = System::start(&Setup {
            relay: Some(format!("smtp://{}", peers.mail.address())),
            flags: vec!["--slots".to_owned(), SLOTS.to_string()],
            ..Setup::on(Footing::Embedded)
        });
        let pid = system.scheduler(0).pid();
        let jobctl = system.jobctl();
        jobctl.publish(&guest(system.folder()), &[]);
        let kinds = Kinds::publish(&jobctl, system.folder(), &peers)?;
        let caller = runtime.block_on(Caller::connect(jobctl.server()))?;
        Ok(Self { kinds, caller, jobctl, pid, runtime, _system: system })
    }
}

/// A job that ends at once by itself, in a queue of its own.
#[must_use]
pub(super) fn short_job() -> Order {
    Order { task: "echo".to_owned(), payload: "1".to_owned(), queue: "short".to_owned() }
}
