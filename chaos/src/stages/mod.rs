//! The stages, a file for each group.

mod code;
mod door;
mod embedded;
mod hosts;
mod leaders;
mod mixed;
mod network;
mod postgres;
mod recovery;
mod redis;
mod retries;

use crate::stage::Stage;

/// The stages of one part of the system.
#[derive(Debug, Clone, Copy)]
pub struct Group {
    /// What they break.
    pub name: &'static str,
    /// Them.
    pub stages: &'static [Stage],
}

/// All groups, in the order in which they run.
pub const GROUPS: &[Group] = &[
    Group { name: "recovery", stages: recovery::STAGES },
    Group { name: "hosts", stages: hosts::STAGES },
    Group { name: "leaders", stages: leaders::STAGES },
    Group { name: "redis", stages: redis::STAGES },
    Group { name: "postgres", stages: postgres::STAGES },
    Group { name: "network", stages: network::STAGES },
    Group { name: "code", stages: code::STAGES },
    Group { name: "retries", stages: retries::STAGES },
    Group { name: "door", stages: door::STAGES },
    Group { name: "embedded", stages: embedded::STAGES },
    Group { name: "mixed", stages: mixed::STAGES },
];

/// All stages, in the order in which they run.
pub fn all() -> impl Iterator<Item = &'static Stage> {
    GROUPS.iter().flat_map(|group| group.stages)
}

/// The stage of this name.
#[must_use]
pub fn find(name: &str) -> Option<&'static Stage> {
    all().find(|stage| stage.name == name)
}
