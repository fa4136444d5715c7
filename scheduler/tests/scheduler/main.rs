//! Scheduler replicas over a real store, with real components, asked as clients ask.

mod cancelling;
mod door;
mod enqueueing;
mod following;
mod gates;
mod guests;
mod leading;
mod publishing;
mod room;
mod watching;
