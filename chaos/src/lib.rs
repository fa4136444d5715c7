//! Faults against a whole system, and what becomes of its jobs: `make chaos`.
//!
//! * A [`Field`] is the system: two schedulers, three hosts, their own PostgreSQL and Redis, and a [`Sink`] outside.
//!   Every line of every role leads through a [`Link`].
//! * A [`Stage`] is a fault of a kind, told as a story to a [`Trial`]: it puts a [`Load`] on the field, breaks
//!   something, and settles. What happened is written into a history, which the crate `history` judges.
//! * A [`Row`] is what came of it. [`run()`] makes them one after another on one field; each stage leaves it whole.

mod calls;
mod effort;
mod field;
mod guest;
mod load;
mod member;
mod report;
mod row;
mod run;
mod servers;
mod settle;
mod sink;
mod stage;
pub mod stages;
mod timetable;
mod trial;
mod truth;

pub use effort::Effort;
pub use field::{Field, Setup};
pub use history::{FaultId, Hit};
pub use load::{Fail, Keys, Load, LoadPlan, Work};
pub use member::Member;
pub use report::{Report, write_page};
pub use row::Row;
pub use run::{Plan, run, run_alone};
pub use servers::{Postgres, Redis};
pub use settle::Settled;
pub use sink::Sink;
pub use stage::Stage;
pub use testkit::link::{Link, Way};
pub use trial::Trial;
