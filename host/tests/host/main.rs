//! A whole host over a real store and a real broker, with a scripted executor in the sandbox's place.

mod control;
mod faulty;
mod lab;
mod lease;
mod life;
mod script;
mod voice;
