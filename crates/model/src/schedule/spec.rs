//! What a schedule is, as people say it.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{
    DstGap, DstOverlap, JITTER_MS_MAX, MISSED_AFTER_MS_DEFAULT, MISSED_AFTER_MS_MAX, MISSED_AFTER_MS_MIN,
    Missed, Overlap, PERIOD_MS_MIN,
};
use crate::bounds::{DELAY_DAYS_MAX, SCHEDULE_NOTE_BYTES_MAX};
use crate::error::Invalid;
use crate::job::{JobOptions, Priority, Start};
use crate::limits::LimitOverrides;
use crate::name::QueueName;
use crate::task::TaskRef;

/// When.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Timing {
    /// A cron expression of five fields, or six with seconds first.
    Cron(String),
    /// Again and again.
    Every {
        /// How long from one instant to the next, in milliseconds.
        period_ms: u64,
        /// The instant that the others are counted from; it is not one itself unless the schedule starts with it.
        anchor: DateTime<Utc>,
    },
    /// Once.
    At(DateTime<Utc>),
}

/// What the jobs of a schedule say besides task and payload.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct RunOptions {
    /// The queue they wait in.
    pub queue: QueueName,
    /// How urgent they are.
    pub priority: Priority,
    /// How often each may be tried; none: as the task says.
    pub max_attempts: Option<u32>,
    /// Limits of each attempt that are lower than the version's.
    pub limits: LimitOverrides,
    /// Not worth starting any more after this long, in milliseconds.
    pub expires_in_ms: Option<u64>,
    /// For finding them again.
    pub tags: BTreeMap<String, String>,
}

impl RunOptions {
    /// The options of a job.
    #[must_use]
    pub fn job_options(&self, start: Start) -> JobOptions {
        JobOptions {
            queue: self.queue.clone(),
            priority: self.priority,
            start,
            key: None,
            max_attempts: self.max_attempts,
            limits: self.limits.clone(),
            expires_in: self.expires_in_ms.map(Duration::from_millis),
            tags: self.tags.clone(),
        }
    }
}

/// What a schedule is, as people say it. Kept as JSON: a new field needs a default.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScheduleSpec {
    /// The task, resolved anew at each instant.
    pub task: TaskRef,
    /// When.
    pub timing: Timing,
    /// The IANA time zone that a cron expression is read in.
    pub timezone: String,
    /// See [`DstGap`].
    pub dst_gap: DstGap,
    /// See [`DstOverlap`].
    pub dst_overlap: DstOverlap,
    /// See [`Missed`].
    pub missed: Missed,
    /// How late an instant may be handled and is not yet missed, in milliseconds.
    pub missed_after_ms: u64,
    /// See [`Overlap`].
    pub overlap: Overlap,
    /// Each job starts up to this long after its instant, always the same for one instant, in milliseconds.
    pub jitter_ms: u64,
    /// No instant before this one.
    pub starts_at: Option<DateTime<Utc>>,
    /// No instant at this one or later.
    pub ends_at: Option<DateTime<Utc>>,
    /// What its jobs say.
    pub run: RunOptions,
    /// For people.
    pub note: String,
}

impl ScheduleSpec {
    /// One with the usual policies.
    #[must_use]
    pub fn new(task: TaskRef, timing: Timing) -> Self {
        Self {
            task,
            timing,
            timezone: "UTC".to_owned(),
            dst_gap: DstGap::After,
            dst_overlap: DstOverlap::First,
            missed: Missed::Last,
            missed_after_ms: MISSED_AFTER_MS_DEFAULT,
            overlap: Overlap::Allow,
            jitter_ms: 0,
            starts_at: None,
            ends_at: None,
            run: RunOptions::default(),
            note: String::new(),
        }
    }

    /// Checks what needs neither a calendar nor a store.
    ///
    /// # Errors
    /// Names the first field that does not fit, its limit and the value seen.
    pub fn check(&self) -> Result<(), Invalid> {
        let longest_ms = DELAY_DAYS_MAX.unsigned_abs() * 24 * 60 * 60 * 1000;
        if let Timing::Every { period_ms, .. } = self.timing
            && !(PERIOD_MS_MIN..=longest_ms).contains(&period_ms)
        {
            let problem =
                format!("{period_ms} ms are not between 1 second and {DELAY_DAYS_MAX} days (ten years)");
            return Err(Invalid::new("every", problem));
        }
        if !(MISSED_AFTER_MS_MIN..=MISSED_AFTER_MS_MAX).contains(&self.missed_after_ms) {
            let problem = format!("{} ms are not between 1 second and 1 hour", self.missed_after_ms);
            return Err(Invalid::new("missed-after", problem));
        }
        if self.jitter_ms > JITTER_MS_MAX {
            return Err(Invalid::new(
                "jitter",
                format!("{} ms are more than the limit of 1 day", self.jitter_ms),
            ));
        }
        if let (Some(starts_at), Some(ends_at)) = (self.starts_at, self.ends_at)
            && ends_at <= starts_at
        {
            return Err(Invalid::new("end", format!("{ends_at} is not after the start, {starts_at}")));
        }
        let note = self.note.len();
        if note > SCHEDULE_NOTE_BYTES_MAX || self.note.contains('\0') {
            let problem = format!("{note} bytes; allowed are {SCHEDULE_NOTE_BYTES_MAX}, none of them NUL");
            return Err(Invalid::new("note", problem));
        }
        self.check_expiry(longest_ms)?;
        self.run.job_options(Start::Now).check()
    }

    /// A job counts its expiry from when it is made, and may start only after its jitter.
    fn check_expiry(&self, longest_ms: u64) -> Result<(), Invalid> {
        let problem = match self.run.expires_in_ms {
            Some(ms) if ms > longest_ms => format!("{ms} ms are more than {DELAY_DAYS_MAX} days (ten years)"),
            Some(ms) if self.jitter_ms > 0 && ms <= self.jitter_ms => format!(
                "{ms} ms are not more than the jitter of {} ms: jobs would expire before they start",
                self.jitter_ms
            ),
            _ => return Ok(()),
        };
        Err(Invalid::new("expires-in", problem))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn instant(text: &str) -> DateTime<Utc> {
        text.parse().expect("an instant")
    }

    fn spec(timing: Timing) -> ScheduleSpec {
        ScheduleSpec::new("t".parse().expect("a task"), timing)
    }

    #[test]
    fn each_field_that_does_not_fit_is_named() {
        let usual = || spec(Timing::Cron("* * * * *".to_owned()));
        let anchor = instant("2026-01-01T00:00:00Z");
        let cases = [
            ("every", spec(Timing::Every { period_ms: 999, anchor })),
            ("every", spec(Timing::Every { period_ms: u64::MAX, anchor })),
            ("missed-after", ScheduleSpec { missed_after_ms: MISSED_AFTER_MS_MAX + 1, ..usual() }),
            ("missed-after", ScheduleSpec { missed_after_ms: MISSED_AFTER_MS_MIN - 1, ..usual() }),
            ("jitter", ScheduleSpec { jitter_ms: JITTER_MS_MAX + 1, ..usual() }),
            ("end", ScheduleSpec { starts_at: Some(anchor), ends_at: Some(anchor), ..usual() }),
            ("note", ScheduleSpec { note: "x".repeat(SCHEDULE_NOTE_BYTES_MAX + 1), ..usual() }),
            (
                "expires-in",
                ScheduleSpec {
                    run: RunOptions { expires_in_ms: Some(u64::MAX), ..RunOptions::default() },
                    ..usual()
                },
            ),
            (
                "max-attempts",
                ScheduleSpec {
                    run: RunOptions { max_attempts: Some(0), ..RunOptions::default() },
                    ..usual()
                },
            ),
        ];

        for (field, spec) in cases {
            assert_eq!(spec.check().expect_err(field).field, field);
        }
        assert_eq!(usual().check(), Ok(()));
    }

    #[test]
    fn jobs_must_not_expire_before_their_jitter_lets_them_start() {
        let spec = |jitter_ms, expires_in_ms| {
            let run = RunOptions { expires_in_ms, ..RunOptions::default() };
            let check = ScheduleSpec { jitter_ms, run, ..spec(Timing::Cron("@daily".to_owned())) }.check();
            check.map_err(|invalid| invalid.field)
        };

        assert_eq!(spec(60_000, Some(60_000)), Err("expires-in"));
        for (jitter_ms, expires_in_ms) in [(60_000, Some(60_001)), (60_000, None), (0, Some(1))] {
            assert_eq!(spec(jitter_ms, expires_in_ms), Ok(()), "{jitter_ms} {expires_in_ms:?}");
        }
    }

    #[test]
    fn the_bounds_of_missed_after_are_taken() {
        for missed_after_ms in [MISSED_AFTER_MS_MIN, MISSED_AFTER_MS_MAX] {
            let spec = ScheduleSpec { missed_after_ms, ..spec(Timing::Cron("@daily".to_owned())) };

            assert_eq!(spec.check(), Ok(()), "{missed_after_ms}");
        }
    }

    #[test]
    fn a_spec_is_read_back_from_its_json() {
        let spec = spec(Timing::At(instant("2026-11-01T05:30:00Z")));

        let json = serde_json::to_string(&spec).expect("plain fields");

        assert_eq!(serde_json::from_str::<ScheduleSpec>(&json).expect("it was just written"), spec);
    }
}
