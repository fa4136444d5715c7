//! Makes a task a plain Rust function.
//!
#![doc = include_str!("../README.md")]

// The macro writes `::task_sdk::…`, in this crate's own tests too.
extern crate self as task_sdk;

pub mod checkpoint;
pub mod config;
pub mod context;
mod error;
pub mod files;
mod host;
pub mod http;
pub mod log;
pub mod mail;
pub mod progress;
pub mod queue;
pub mod secrets;
mod task;
#[cfg(not(target_family = "wasm"))]
pub mod testing;

pub use error::{Kind, OrFail, TaskError};
pub use schemars;
pub use serde;
pub use task::{Description, Limits, NoInput, Returned, Task};
pub use task_sdk_macros::task;

/// What the macros write; not for people.
#[doc(hidden)]
pub mod __private {
    pub use crate::task::{assert_names_differ, describe, run_json};

    #[cfg(target_family = "wasm")]
    pub use crate::host::component::{Description, Error, Guest, bindings, description, export, outcome};
}

/// The task that the project's README shows, compiled.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct ReadmeOfTheProject;
