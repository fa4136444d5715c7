//! What the stories are told with: the binary `jobctl`, and systems that are started as a user would.

mod attempts;
mod certificates;
mod guests;
mod jobctl;
mod process;
mod receiver;
mod role;
mod schedules;
mod smtp;
mod sockets;
mod system;
mod web;

pub use attempts::{host_of, outcomes};
pub use guests::{calling_guest, greedy_guest, guest, hostile_guest, module, parent_guest, resuming_guest};
pub use jobctl::{Answer, Jobctl, jobctl_path};
pub use process::{Launch, Process};
pub use receiver::{Received, Receiver, TlsReceiver};
pub use role::Role;
pub use schedules::{Told, assert_each_second_once, instant, made, skipped};
pub use smtp::{Letter, SmtpServer, Tls, read_letter};
pub use sockets::is_connected;
pub use system::{Footing, Setup, System};
pub use web::{Page, page, page_with};

use std::path::{Path, PathBuf};

/// The folder of the project.
#[must_use]
pub fn project() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

/// A component that `make tasks` or `make polyglot` built.
///
/// # Panics
/// When it was not built.
#[must_use]
pub fn component(name: &str) -> PathBuf {
    let path = project().join("example-tasks/dist").join(name).with_extension("wasm");
    assert!(
        path.exists(),
        "{} is not there: run scripts/build-tasks and scripts/build-polyglot",
        path.display()
    );
    path
}
