//! Stories of the whole system, told through `jobctl` as a user would.

mod access;
mod alone;
mod checkpoint;
mod children;
mod code;
mod dashboard;
mod drain;
mod ends;
mod faults;
mod folder;
mod footings;
mod hostile;
mod jobs;
mod limits;
mod mail;
mod polyglot;
mod publishing;
mod recovery;
mod refusals;
mod report;
mod stopping;
mod webhook;
