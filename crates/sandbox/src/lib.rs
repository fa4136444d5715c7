//! Everything that knows what Wasm is: the engine, its limits, the imports, the cache and the compile worker.
//!
//! A [`Sandbox`] runs one attempt at a time in a fresh store and instance: [`Sandbox::run`] takes an
//! [`Invocation`], the [`Capabilities`] through which the guest may touch the world, and a [`StopSignal`];
//! it answers with an [`Execution`], never with an error: whatever a guest does is an outcome.
//!
//! ```no_run
//! # async fn check(bytes: Vec<u8>) -> anyhow::Result<()> {
//! use model::limits::Limits;
//! use sandbox::{Config, Flavour, Sandbox};
//!
//! let sandbox = Sandbox::new(Config {
//!     cache_dir: "cache".into(),
//!     compile_command: vec!["jobctl".into(), "compile-worker".into()],
//!     slots: 8,
//!     disk_bytes_max: sandbox::DISK_BYTES_DEFAULT,
//!     memory_bytes_max: sandbox::MEMORY_BYTES_DEFAULT,
//! })?;
//! let inspection = sandbox.inspect(bytes, Flavour::of(&Limits::default(), false)).await?;
//! assert!(!inspection.tasks.is_empty());
//! # Ok(())
//! # }
//! ```

mod bindings;
mod bulk;
mod cache;
pub mod capabilities;
mod compile;
mod engine;
pub mod execution;
mod gate;
mod imports;
mod inspect;
pub mod inspection;
mod limiter;
mod measure;
mod output;
mod run;
mod sandbox;
mod secret;
mod source;
mod state;
mod ticker;
mod traps;

pub use cache::{DISK_BYTES_DEFAULT, MEMORY_BYTES_DEFAULT};
pub use capabilities::{
    Capabilities, ChildJob, Header, HttpError, HttpRequest, HttpResponse, MailError, MailMessage,
};
pub use compile::worker::compile_worker;
pub use engine::Flavour;
pub use execution::{Execution, Invocation, JobContext, Spent, StopHandle, StopSignal};
pub use inspection::{Inspection, Refusal, RefusalKind};
pub use sandbox::{Config, Sandbox};
pub use source::ComponentSource;

/// The contract that guests are built against: the package of `wit/task.wit`.
pub const WIT_PACKAGE: &str = "jobs:task@1.0.0";
