//! What the sandbox promises, tried on small guests written in the text format.

mod cache;
mod endings;
mod guests;
mod hostile;
mod imports;
mod inspecting;
mod room;
mod stopping;
