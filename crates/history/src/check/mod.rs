//! Judges a history by the invariants I1 to I8.

mod book;
mod rules;
mod schedules;

use std::fmt;

use crate::event::{Event, Line};

use self::book::Book;

/// What must always hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Invariant {
    /// Each enqueue that was acknowledged is in exactly one final state, the one that clients were told.
    NothingLost,
    /// At most one attempt of a job is recorded as succeeded, the job's result is that attempt's, and a key has one job.
    OneSuccess,
    /// Attempts are numbered without gaps, each with start, end, host and outcome, and no more than allowed.
    Attempts,
    /// Nobody recorded anything with an old token.
    Fencing,
    /// Nothing runs under a closed session, and nothing due waits.
    NoZombies,
    /// Processes that nobody killed are the same, none panicked, and their memory is back.
    Processes,
    /// Nothing starts before its time, and each instant of a schedule has one job or one recorded skip.
    Schedules,
    /// A job runs once, and once more for each fault that hit it.
    Duplicates,
}

impl fmt::Display for Invariant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NothingLost => "I1 nothing lost",
            Self::OneSuccess => "I2 one success",
            Self::Attempts => "I3 attempts",
            Self::Fencing => "I4 fencing",
            Self::NoZombies => "I5 no zombie state",
            Self::Processes => "I6 processes",
            Self::Schedules => "I7 schedules",
            Self::Duplicates => "I8 duplicates bounded",
        })
    }
}

/// A broken invariant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// Which.
    pub invariant: Invariant,
    /// What was seen.
    pub what: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.invariant, self.what)
    }
}

/// A trial in numbers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Summary {
    /// The trial's name.
    pub trial: String,
    /// Faults that were injected.
    pub faults: usize,
    /// Jobs that were acknowledged.
    pub jobs: usize,
    /// Those of them that are in no final state.
    pub lost: usize,
    /// Successes recorded beyond the first of a job.
    pub duplicate_successes: usize,
    /// Calls of the sink.
    pub effects: usize,
    /// Attempts that are recorded.
    pub attempts: usize,
    /// Attempts whose host was lost.
    pub lost_attempts: usize,
    /// What does not hold.
    pub violations: Vec<Violation>,
}

impl Summary {
    /// Whether everything holds.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.violations.is_empty()
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            trial,
            faults,
            jobs,
            lost,
            duplicate_successes,
            effects,
            attempts,
            lost_attempts,
            violations,
        } = self;
        write!(
            f,
            "{trial}: {faults} faults, {jobs} jobs acknowledged, {lost} lost, {duplicate_successes} duplicated \
             successes, {attempts} attempts ({lost_attempts} lost), {effects} effects, {} violations",
            violations.len()
        )
    }
}

/// Judges one trial. What the store says must be among its lines: without it every job counts as lost.
#[must_use]
pub fn check(lines: &[Line]) -> Summary {
    let book = Book::of(lines);
    let mut summary = book.summary();
    let mut found = rules::Found::default();
    for rule in rules::ALL {
        rule(&book, &mut found);
    }
    summary.violations = found.violations;
    summary
}

/// Judges every trial of a file, in their order.
#[must_use]
pub fn check_all(lines: &[Line]) -> Vec<Summary> {
    let begins = |line: &Line| matches!(line.event, Event::Trial { .. });
    let trials = lines.chunk_by(|_, next| !begins(next));
    trials.map(check).collect()
}

#[cfg(test)]
mod tests;
