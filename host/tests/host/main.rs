//! A whole host over a real store and a real broker, with a scripted executor in the sandbox's place, or with guests
//! that mean harm in a real one.

mod control;
mod faulty;
mod guests;
mod lab;
mod lease;
mod life;
mod outbound;
mod script;
mod voice;
mod watch;
