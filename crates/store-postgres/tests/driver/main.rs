//! What this driver promises beyond the suite.

mod common;
mod faults;
mod races;
mod schema;
