//! What this driver promises beyond the suite.

mod common;
mod faults;
mod old;
mod races;
mod schema;
