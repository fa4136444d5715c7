//! The stages, a file for each group.

mod code;
mod component;
mod door;
mod embedded;
mod faketime;
mod hosts;
mod leaders;
mod mixed;
mod network;
mod postgres;
mod recovery;
mod redis;
mod retries;
mod schedules;

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
    Group { name: "schedules", stages: schedules::STAGES },
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_stage_has_a_name_of_its_own_that_can_be_typed() {
        let names: Vec<_> = all().map(|stage| stage.name).collect();
        let known: BTreeSet<_> = names.iter().copied().collect();
        let typed =
            |name: &str| name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-');

        assert_eq!(known.len(), names.len(), "{names:?}");
        assert!(names.iter().all(|name| typed(name)), "{names:?}");
    }

    #[test]
    fn what_a_stage_says_fits_into_a_table() {
        for stage in all() {
            for words in [stage.fault, stage.pass] {
                assert!(!words.is_empty() && !words.contains(['|', '\n']), "{}: {words:?}", stage.name);
            }
        }
    }
}
