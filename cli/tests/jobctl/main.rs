//! The binary as a script meets it: help, usage errors, exit codes, settings, data folder. What needs a whole
//! system is told in the stories (`tests/`).

mod calls;
mod cancelling;
mod checking;
mod dev;
mod help;
mod publishing;
mod refusals;
mod retrying;
mod runner;
mod running;
mod scripted;
mod settings;
