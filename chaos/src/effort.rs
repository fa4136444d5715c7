//! How much of a stage.

/// How much of a stage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effort {
    /// All of it, with its times judged.
    Full,
    /// Enough to see that it works, under 20 s; a busy machine must not fail it for being slow.
    Short,
}
