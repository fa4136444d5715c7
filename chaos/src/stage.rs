//! A fault of a kind.

use crate::row::Row;
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

impl Stage {
    /// The row of its story, with nothing in it yet.
    pub(crate) fn row(&self) -> Row {
        Row { stage: self.name, fault: self.fault, pass: self.pass, ..Row::default() }
    }
}
