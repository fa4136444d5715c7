//! How every loop starts, ticks, backs off and stops, and how telemetry is set up.
//!
//! A long-lived thing is `Config` → `new` → `run(self, shutdown)`. It stops in two steps, which
//! [`Shutdown`] carries: first it takes no more, then, by a deadline or when asked twice, it ends.

mod coalesce;
mod shutdown;
mod tasks;
pub mod telemetry;
mod ticks;

pub use coalesce::{Coalescer, Gone};
pub use shutdown::Shutdown;
pub use tasks::Tasks;
pub use ticks::{Ticks, backoff};
