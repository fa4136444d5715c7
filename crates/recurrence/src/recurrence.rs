//! The instants that a schedule names.

use chrono::{DateTime, NaiveDate, Utc};
use model::schedule::{ScheduleSpec, Timing};

use crate::Refused;

/// Reads what `--cron` takes: a cron expression, or `@every 6h`, whose periods are counted from `anchor`. Checked in full
/// but for the time zone.
///
/// # Errors
/// Names the field of the expression, what is wrong with it and what to write instead.
pub fn timing(_cron: &str, _anchor: DateTime<Utc>) -> Result<Timing, Refused> {
    unimplemented!()
}

/// The instants of a schedule.
#[derive(Debug, Clone)]
pub struct Recurrence;

impl Recurrence {
    /// Reads a spec: its timing, zone and policies of daylight saving, its start and its end.
    ///
    /// # Errors
    /// A malformed expression, one that never fires, an unknown zone.
    pub fn of(_spec: &ScheduleSpec) -> Result<Self, Refused> {
        unimplemented!()
    }

    /// The first instant after `at`.
    #[must_use]
    pub fn after(&self, _at: DateTime<Utc>) -> Option<DateTime<Utc>> {
        unimplemented!()
    }

    /// The instants from `from` on and before `before`, in their order.
    pub fn between(
        &self,
        _from: DateTime<Utc>,
        _before: DateTime<Utc>,
    ) -> impl Iterator<Item = DateTime<Utc>> + '_ {
        std::iter::empty()
    }

    /// The last instants, at most `most` of them, from `from` on and before `before`, in their order. Costs what it tells,
    /// however many there are.
    #[must_use]
    pub fn last(&self, _from: DateTime<Utc>, _before: DateTime<Utc>, _most: usize) -> Vec<DateTime<Utc>> {
        unimplemented!()
    }

    /// What it says, in plain words: `at 09:30 on weekdays, Europe/Lisbon`.
    #[must_use]
    pub fn describe(&self) -> String {
        unimplemented!()
    }

    /// Days from `from` on and before `before` on which clocks change and it therefore fires otherwise than on others.
    #[must_use]
    pub fn anomalies(&self, _from: DateTime<Utc>, _before: DateTime<Utc>) -> Vec<Anomaly> {
        unimplemented!()
    }
}

/// A day on which a schedule fires otherwise than on others, because clocks change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Anomaly {
    /// The day, in the schedule's zone.
    pub day: NaiveDate,
    /// When clocks change.
    pub change_at: DateTime<Utc>,
    /// By how much, in seconds: forward is positive.
    pub shift_s: i32,
    /// What that means for the schedule, in plain words: `02:30 does not exist; it fires at 03:00`.
    pub effect: String,
    /// The instants of the schedule on that day.
    pub fires: Vec<DateTime<Utc>>,
}
