//! `bench-stop`: how fast anything that runs is stopped, and what trouble costs its neighbours.

mod command_line;
mod kinds;
mod latency;
mod pace;
mod report;
mod setting;

pub use command_line::{CommandLine, end_to_end};
pub use kinds::{Goal, Kind, Kinds, Peers};
pub use latency::{Stops, stops};
pub use pace::{Ground, Memory, Pace, Trouble, beside_trouble};
pub use report::{Report, Settings};
pub use setting::Setting;
