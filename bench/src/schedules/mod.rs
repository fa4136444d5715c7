//! `bench-schedules`: what a hundred thousand schedules cost while nothing is due, and how punctual a thousand are that are
//! due in one second.

mod due;
mod idle;
mod listing;
mod making;
mod report;
mod setting;

pub use due::{Due, due_at_once};
pub use idle::{Idle, idle};
pub use listing::{Listing, listings};
pub use making::{Made, Making, make};
pub use report::{Report, Settings};
pub use setting::Setting;

/// Calls of the API that are in flight at once: as many callers as a busy system has.
const IN_FLIGHT: usize = 64;
