//! Everything that knows what Wasm is: the engine, its limits, the imports, the cache and the compile worker.
//!
//! A [`Sandbox`] runs one attempt at a time in a fresh store and instance: [`Sandbox::run`] takes an
//! [`Invocation`], the [`Capabilities`] through which the guest may touch the world, and a [`StopSignal`];
//! it answers with an [`Execution`], never with an error: whatever a guest does is an outcome.

pub mod capabilities;
pub mod execution;

pub use capabilities::{Capabilities, ChildJob, Header, HttpError, HttpRequest, HttpResponse, MailError, MailMessage};
pub use execution::{Execution, Invocation, JobContext, StopHandle, StopSignal};
pub mod inspection;
mod sandbox;

pub use inspection::{Inspection, Refusal};
pub use sandbox::{ComponentSource, Config, Sandbox};
