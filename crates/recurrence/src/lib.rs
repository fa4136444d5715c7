//! What the words of a schedule mean for the clock: which instants it names, and what an instant comes to.

mod anomalies;
mod civil;
mod clock;
mod error;
mod every;
mod expression;
mod grammar;
mod plan;
mod recurrence;
mod segment;
mod words;
mod zone;

pub use error::Refused;
pub use plan::{Plan, Run, plan};
pub use recurrence::{Anomaly, Recurrence, timing};
pub use zone::{Release, Zone, release};
