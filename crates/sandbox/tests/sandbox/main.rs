//! What the sandbox promises, tried on small guests written in the text format.

mod bombs;
mod cache;
mod endings;
mod flavours;
mod full_disk;
mod grace;
mod healing;
mod hostile;
mod imports;
mod inspecting;
mod limits;
mod mischief;
mod room;
mod stopping;
mod told;
mod usage;
