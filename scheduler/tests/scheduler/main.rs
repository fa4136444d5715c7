//! Scheduler replicas over a real store, with real components, asked as clients ask.

mod cancelling;
mod cancelling_many;
mod cut_off;
mod door;
mod endless;
mod enqueueing;
mod firing;
mod firing_alone;
mod firing_late;
mod following;
mod gates;
mod guests;
mod inspecting;
mod leading;
mod losing;
mod older;
mod pages;
mod publishing;
mod retrying;
mod room;
mod schedules;
mod timed;
mod watching;
mod way;
