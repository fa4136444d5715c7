//! What came of a stage.

use std::time::Duration;

use history::Summary;

/// What came of a stage.
#[derive(Debug, Clone, Default)]
pub struct Row {
    /// Its name.
    pub stage: &'static str,
    /// What broke.
    pub fault: &'static str,
    /// What had to be.
    pub pass: &'static str,
    /// How many faults were injected.
    pub faults: usize,
    /// The checker's verdict over all of it; none: it did not come to that.
    pub summary: Option<Summary>,
    /// Jobs that the summary does not know.
    pub more_jobs: usize,
    /// How long it took until somebody else went on.
    pub takeovers: Vec<Duration>,
    /// Why it failed; empty: it passed.
    pub reasons: Vec<String>,
    /// What is worth telling besides.
    pub notes: Vec<String>,
    /// How long the stage took.
    pub took: Duration,
    /// The ends of the logs, when it failed.
    pub logs: String,
}

impl Row {
    /// Whether everything was as it had to be.
    #[must_use]
    pub fn passed(&self) -> bool {
        self.reasons.is_empty()
    }

    /// Jobs that were acknowledged.
    #[must_use]
    pub fn jobs(&self) -> usize {
        self.more_jobs + self.summary.as_ref().map_or(0, |summary| summary.jobs)
    }

    /// Those of them that were lost.
    #[must_use]
    pub fn lost(&self) -> usize {
        self.summary.as_ref().map_or(0, |summary| summary.lost)
    }

    /// Successes beyond the first of a job.
    #[must_use]
    pub fn duplicates(&self) -> usize {
        self.summary.as_ref().map_or(0, |summary| summary.duplicate_successes)
    }

    /// A stage that settles more than once is judged over all of it each time: what was said before is not said again.
    pub(crate) fn judged(&mut self, summary: &Summary) {
        for violation in &summary.violations {
            let words = violation.to_string();
            if !self.reasons.contains(&words) {
                self.reasons.push(words);
            }
        }
        self.summary = Some(summary.clone());
    }
}
