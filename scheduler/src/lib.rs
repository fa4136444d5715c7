//! Looks at the clock and moves jobs along, and answers the front door.
//!
//! ```text
//! http ──▶ api ──▶ store                       every replica
//!           └─▶ carrier ─┐
//!                        ├─▶ desk ──▶ broker   the leader
//! leader ──▶ dispatcher ─┤      ▲
//!        ├─▶ firing ─────┘      │
//!        ├─▶ rescuer            │
//!        ├─▶ transactions       │
//!        └─▶ handover         lookout         who does not lead looks whether the broker answers
//! ```

mod answer;
mod api;
mod carrier;
mod config;
mod desk;
mod hosts;
mod http;
mod leader;
mod limits;
mod lookout;
mod runs;
mod scheduler;
mod schema;
mod standing;
mod tasks;
mod waiting;

pub use config::Config;
pub use scheduler::{Parts, Scheduler};
pub use schema::Schema;
