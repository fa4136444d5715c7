//! What the words of a schedule mean for the clock: which instants it names, and what an instant comes to.

mod error;
mod plan;
mod recurrence;
mod zone;

pub use error::Refused;
pub use plan::{Plan, Run, plan};
pub use recurrence::{Anomaly, Recurrence, timing};
pub use zone::{Release, release};
