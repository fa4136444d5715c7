//! What the command line tells of schedules.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;
use testkit::eventually::eventually_blocking;

use crate::jobctl::Jobctl;

/// What became of an instant, or of several in a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// The first instant.
    pub from: DateTime<Utc>,
    /// The last instant; the same when there is one only.
    pub until: DateTime<Utc>,
    /// How many there are, if that was counted.
    pub count: Option<u64>,
    /// The job that it made.
    pub job: Option<String>,
    /// Why it made none.
    pub skip: Option<String>,
    /// All that was told.
    pub all: Value,
}

impl Told {
    fn of(all: &Value) -> Self {
        let text = |field: &str| all[field].as_str().map(str::to_owned);
        let at = |field: &str| text(field).map(|text| instant(&text));
        let from = at("instant").unwrap_or_else(|| panic!("no instant in {all}"));
        let (job, skip) = (text("job"), text("skip"));
        assert!(job.is_some() != skip.is_some(), "a job or a reason: {all}");
        Self {
            from,
            until: at("until").unwrap_or(from),
            count: all["count"].as_u64(),
            job,
            skip,
            all: all.clone(),
        }
    }

    /// When it was decided, by the database's clock.
    ///
    /// # Panics
    /// When that is not told.
    #[must_use]
    pub fn recorded_at(&self) -> DateTime<Utc> {
        instant(self.all["recorded_at"].as_str().unwrap_or_else(|| panic!("{}", self.all)))
    }
}

impl Jobctl {
    /// What became of the schedule's instants, the earliest first.
    ///
    /// # Panics
    /// When there is no such schedule, or they are more than one page tells.
    #[must_use]
    pub fn history(&self, schedule: &str) -> Vec<Told> {
        const PAGE: usize = 1_000;
        let lines = self.list(&["schedule", "history", schedule, "--limit", &PAGE.to_string()]);
        assert!(lines.len() < PAGE, "this story is too long");
        let mut told: Vec<_> = lines.iter().map(Told::of).collect();
        told.reverse();
        told
    }

    /// Waits until `holds` of what became of the schedule's instants, and returns that.
    ///
    /// # Panics
    /// When it does not within a minute.
    #[must_use]
    pub fn history_when(&self, schedule: &str, what: &str, holds: impl Fn(&[Told]) -> bool) -> Vec<Told> {
        eventually_blocking(&format!("of schedule {schedule}: {what}"), || {
            Some(self.history(schedule)).filter(|told| holds(told))
        })
    }

    /// Waits until the schedule has made so many jobs that have succeeded.
    ///
    /// # Panics
    /// When it does not within a minute.
    #[must_use]
    pub fn succeeded(&self, schedule: &str, jobs: usize) -> Vec<Told> {
        self.history_when(schedule, &format!("{jobs} jobs that succeeded"), |told| {
            told.iter().filter(|one| one.all["job_state"] == "succeeded").count() >= jobs
        })
    }
}

/// An instant as it is written in documents.
///
/// # Panics
/// When it is none.
#[must_use]
pub fn instant(text: &str) -> DateTime<Utc> {
    text.parse().unwrap_or_else(|e| panic!("{e}: {text}"))
}

/// Of a schedule of each second: every one from the first to the last has made a job or was skipped, once.
///
/// # Panics
/// When one is missing, comes twice, or was counted wrongly.
pub fn assert_each_second_once(told: &[Told]) {
    let mut expected = told.first().expect("something was told").from;
    for one in told {
        assert_eq!(one.from, expected, "one is missing or comes twice: {told:#?}");
        if let Some(count) = one.count {
            assert_eq!(Ok(count), ((one.until - one.from).num_seconds() + 1).try_into(), "{one:#?}");
        }
        expected = one.until + TimeDelta::seconds(1);
    }
}

/// The ids of the jobs that were made.
#[must_use]
pub fn made(told: &[Told]) -> Vec<&str> {
    told.iter().filter_map(|one| one.job.as_deref()).collect()
}

/// What was skipped for this reason.
#[must_use]
pub fn skipped<'a>(told: &'a [Told], reason: &str) -> Vec<&'a Told> {
    told.iter().filter(|one| one.skip.as_deref() == Some(reason)).collect()
}
