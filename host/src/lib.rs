//! Takes ready jobs and sees them through.

mod config;
mod host;

pub use config::{Config, MailConfig};
pub use host::{Host, Parts};
