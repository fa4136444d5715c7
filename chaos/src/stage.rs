//! A fault of a kind, and how much of it.

use crate::trial::Trial;

/// A fault of a kind, told as a story. It can run alone, and leaves the field whole: everything up, links passing.
#[derive(Debug, Clone, Copy)]
pub struct Stage {
    /// Its name on the command line, as in `host-killed`.
    pub name: &'static str,
    /// What breaks, in a few words.
    pub fault: &'static str,
    /// What must be, in a few words.
    pub pass: &'static str,
    /// The story.
    pub run: fn(&mut Trial),
}

/// How much of a stage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effort {
    /// All of it, with its times judged.
    Full,
    /// Enough to see that it works, under 20 s; a busy machine must not fail it for being slow.
    Short,
}
