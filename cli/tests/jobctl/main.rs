//! The binary as a script meets it: help, usage errors, exit codes, settings, data folder. What needs a whole
//! system is told in the stories (`tests/`).

mod backfilling;
mod calls;
mod cancelling;
mod checking;
mod dev;
mod help;
mod previewing;
mod publishing;
mod refusals;
mod retrying;
mod runner;
mod running;
mod scheduling;
mod scripted;
mod scripted_schedules;
mod settings;
mod triggering;
