//! Stories of the whole system, told through `jobctl` as a user would.

mod access;
mod checkpoint;
mod children;
mod code;
mod dashboard;
mod ends;
mod faults;
mod footings;
mod hostile;
mod jobs;
mod mail;
mod polyglot;
mod refusals;
mod report;
mod webhook;
