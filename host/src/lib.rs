//! Takes ready jobs and sees them through.
//!
//! ```text
//! broker ──take──▶ puller ──claim──▶ runner ──execute──▶ executor (the sandbox) ──▶ finisher ──finish──▶ store
//!                                      ▲                        │ log, progress, checkpoint, children
//!                    stop: cancel, drain, lease lost            └──▶ journal ──report──▶ store
//!                                      │
//!            control thread: heartbeat, control service and graces, on a thread that no guest can starve
//! ```
//! All of it hangs on the [session]: while the store knows the host as alive, what it claimed is its
//! own; once it does not, the host stops its guests, forgets them, and begins a new session.

mod attempt;
mod capabilities;
mod config;
mod control;
mod executor;
mod finisher;
mod host;
mod http;
mod journal;
pub mod local;
mod mail;
mod outside;
mod patience;
mod puller;
mod retries;
mod running;
mod session;
mod versions;

pub use self::http::Network;
pub use config::{Config, MailConfig};
pub use executor::Executor;
pub use host::{Host, Parts};
