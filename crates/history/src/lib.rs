//! What happened to jobs while everything broke, and whether what must always hold did.
//!
//! A history is a file of JSON lines, written as it happens: what clients asked and were told, what a sink outside saw,
//! which faults were injected, and at the end of each trial what the store says. [`check()`] judges one trial, and
//! `check-history FILE…` all trials of a file.

mod check;
mod event;
mod journal;
mod truth;

pub use check::{Invariant, Summary, Violation, check, check_all};
pub use event::{Effect, Event, Fault, FaultId, Hit, Line, Process};
pub use journal::{Journal, now_us, read};
pub use truth::{Attempt, Fire, Job, Kind, Schedule, Session, Standing, Truth};
