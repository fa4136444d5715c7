//! Looks at the clock and moves jobs along, and answers the front door.

mod config;
mod scheduler;

pub use config::Config;
pub use scheduler::{Parts, Scheduler};
