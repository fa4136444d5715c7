//! What this driver promises beyond the suite.

mod common;
mod crowds;
mod faults;
mod old;
mod plans;
mod races;
mod schedules;
mod schema;
