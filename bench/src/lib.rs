//! Benchmarks: what is measured, and the tools they share. Each runs against a private system that is started as a
//! user would start it, is measured from outside, and is told as tables.
//!
//! A benchmark is a program of `src/bin` and a module here. Its parts:
//!
//! * `stories::System` starts the system and ends it, whatever happens.
//! * [`Caller`] asks the API; [`Silence`] is a peer that never answers.
//! * [`Percentiles`] sums up; [`Table`] shows; [`Machine`] says where it was measured; [`write_between`] puts it into a
//!   page.

mod between;
mod caller;
mod machine;
mod percentiles;
pub mod schedules;
mod silence;
pub mod stopping;
mod table;

pub use between::write_between;
pub use caller::{Caller, Ends, Order};
pub use machine::{Machine, resident_kib};
pub use percentiles::Percentiles;
pub use silence::Silence;
pub use table::{Side, Table};
