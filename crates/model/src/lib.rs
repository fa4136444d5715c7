//! What the domain is made of, and what can be decided without touching the world.
//!
//! Nothing here reads a clock (but [`clock`]), a file, the network or the environment. Names, ids and
//! limits are checked when they are made, so whoever holds one need not check it again.

pub mod attempt;
pub mod bounds;
pub mod clock;
pub mod error;
pub mod grants;
pub mod id;
pub mod job;
pub mod json;
pub mod limits;
pub mod name;
pub mod retry;
pub mod schedule;
pub mod spread;
pub mod task;
pub mod units;
mod words;
