//! Schedules: when a task is to run by itself, and what happens when that is not as simple as it sounds.
//!
//! What the words of a schedule mean for the clock (which instants it names) is worked out by the crate `recurrence`.

use std::collections::BTreeMap;

use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Deserialize, Serialize};

use crate::bounds::{DELAY_DAYS_MAX, SCHEDULE_NOTE_BYTES_MAX};
use crate::error::Invalid;
use crate::id::{JobId, ScheduleId};
use crate::job::{JobOptions, JobState, Priority, Start};
use crate::json::Json;
use crate::limits::LimitOverrides;
use crate::name::{Namespace, QueueName, ScheduleName};
use crate::task::TaskRef;
use crate::words::words;

/// Where a payload shall have the instant that its job was made for: as `"{{scheduled_for}}"`, or inside a longer text.
pub const SCHEDULED_FOR: &str = "{{scheduled_for}}";

/// An instant that is handled later than this is a missed one, unless the schedule says otherwise: longer than any change
/// of leaders takes, so that no instant is missed by one; shorter than people wait.
pub const MISSED_AFTER_MS_DEFAULT: u64 = 60_000;

/// The shortest such time, a second: what is due is looked for ten times a second, and a busy database may take some
/// hundred milliseconds, so that with less nearly every instant would be missed.
pub const MISSED_AFTER_MS_MIN: u64 = 1_000;

/// The longest such time, an hour: what came due in it is made up for one by one.
pub const MISSED_AFTER_MS_MAX: u64 = 60 * 60 * 1000;

/// Instants that `--missed all` makes up for at the most, the latest ones: a month of daily runs, four days of hourly
/// ones. More would be a storm.
pub const MISSED_ALL_MAX: usize = 100;

/// Instants that wait for a run to end at the most (`--overlap queue`).
pub const PENDING_MAX: usize = 100;

/// Runs of a schedule that are remembered as going on, the latest: only `--overlap allow` lets there be more than a few.
pub const OPEN_MAX: usize = 100;

/// The longest jitter, a day.
pub const JITTER_MS_MAX: u64 = 24 * 60 * 60 * 1000;

/// The shortest period, a second: what is due is looked for ten times a second.
pub const PERIOD_MS_MIN: u64 = 1_000;

words!(
    /// What becomes of a fixed time that does not exist because clocks go forward over it.
    DstGap, "dst-gap", {
        /// It fires once, right after the gap.
        After = "after",
        /// It does not fire that day.
        Skip = "skip",
    }
);

words!(
    /// What becomes of a fixed time that comes twice because clocks go back.
    DstOverlap, "dst-overlap", {
        /// It fires the first time.
        First = "first",
        /// It fires both times.
        Both = "both",
    }
);

words!(
    /// What becomes of instants that passed while nothing was up.
    Missed, "missed", {
        /// They are passed over.
        Skip = "skip",
        /// The latest one fires.
        Last = "last",
        /// All fire, the latest [`MISSED_ALL_MAX`] of them.
        All = "all",
    }
);

words!(
    /// What happens when a schedule fires while a run of it still goes.
    Overlap, "overlap", {
        /// The instant is passed over.
        Skip = "skip",
        /// It runs when that run has ended.
        Queue = "queue",
        /// That run is cancelled, and this one starts.
        Cancel = "cancel",
        /// They run side by side.
        Allow = "allow",
    }
);

words!(
    /// Why an instant made no job.
    SkipReason, "skip reason", {
        /// Nothing was up in time.
        Missed = "missed",
        /// A run still went on.
        Overlap = "overlap",
        /// Too many waited for a run to end.
        QueueFull = "queue_full",
        /// The schedule was paused.
        Paused = "paused",
        /// The schedule was disabled.
        Disabled = "disabled",
        /// Its job would not have been taken: the payload does not fit the task any more, or a limit.
        Refused = "refused",
    }
);

words!(
    /// What made a job of a schedule.
    FireKind, "kind", {
        /// The clock.
        Clock = "clock",
        /// Somebody, by hand.
        Trigger = "trigger",
        /// Somebody, for a time that has passed.
        Backfill = "backfill",
    }
);

impl FireKind {
    /// Whether the next instants meet its runs (see [`Overlap`]). Those of a backfill they do not: what somebody makes up
    /// for in great numbers must not be what the clock skips, waits for or cancels.
    #[must_use]
    pub fn overlaps(self) -> bool {
        self != Self::Backfill
    }
}

words!(
    /// Whether a schedule fires.
    ScheduleState, "state", {
        /// It fires.
        Active = "active",
        /// Somebody paused it.
        Paused = "paused",
        /// It cannot fire, for the reason that stands with it.
        Disabled = "disabled",
        /// No instant is left.
        Finished = "finished",
    }
);

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
            expires_in: self.expires_in_ms.map(std::time::Duration::from_millis),
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

/// The payload of the job for `instant`: as the schedule has it, with the instant where [`SCHEDULED_FOR`] stands.
#[must_use]
pub fn payload_for(payload: &Json, instant: DateTime<Utc>) -> Json {
    let text = payload.as_str();
    if !text.contains(SCHEDULED_FOR) {
        return payload.clone();
    }
    // Braces stand so close together in texts only, and an instant has nothing that a text would have to escape.
    let instant = instant.to_rfc3339_opts(SecondsFormat::AutoSi, true);
    Json::trusted(text.replace(SCHEDULED_FOR, &instant).into_bytes())
}

/// An instant that waits for a run to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pending {
    /// The instant.
    pub instant: DateTime<Utc>,
    /// What it came from.
    pub kind: FireKind,
    /// The id that its job shall get; none: a fresh one. So a trigger that is told to wait, and is made again because that
    /// answer was lost, is known again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job: Option<JobId>,
}

/// Where a schedule stands: all of it that changes by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// Whether it fires.
    pub state: ScheduleState,
    /// Why it is disabled.
    pub reason: Option<String>,
    /// The next instant of the clock that is not decided yet; none: there is none, or it does not fire. While it is paused or
    /// disabled, the first that it does not fire at.
    pub next_at: Option<DateTime<Utc>>,
    /// When the leader has to look at it again; none: not at all.
    pub look_at: Option<DateTime<Utc>>,
    /// Instants that wait for a run to end, in their order.
    pub pending: Vec<Pending>,
    /// Runs that had not ended, oldest first; without those of backfills ([`FireKind::overlaps`]).
    pub open: Vec<JobId>,
}

/// An instant, or several, that made no job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Skip {
    /// The first.
    pub from: DateTime<Utc>,
    /// The last; the same when there is one.
    pub until: DateTime<Utc>,
    /// How many there are; none: more than were counted.
    pub count: Option<u32>,
    /// What they came from.
    pub kind: FireKind,
    /// Why.
    pub reason: SkipReason,
    /// More about it.
    pub detail: Option<String>,
}

impl Skip {
    /// So many instants as [`Skip::count`] has them. The databases keep a number of 31 bits: each second of 68 years.
    #[must_use]
    pub fn counted(instants: u64) -> Option<u32> {
        i32::try_from(instants).ok().and_then(|count| u32::try_from(count).ok())
    }
}

/// A schedule in full.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schedule {
    /// Its id; never used again.
    pub id: ScheduleId,
    /// Where it lives.
    pub namespace: Namespace,
    /// Its name there.
    pub name: ScheduleName,
    /// What it is.
    pub spec: ScheduleSpec,
    /// What its task gets; see [`payload_for`].
    pub payload: Json,
    /// Counts its changes: a change is made only to what was looked at.
    pub seq: i64,
    /// Where it stands. `open` has those runs only that have not ended yet.
    pub standing: Standing,
    /// Its latest instant that made a job.
    pub last: Option<LastFire>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When somebody changed what it is.
    pub updated_at: DateTime<Utc>,
}

/// A schedule's latest instant that made a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LastFire {
    /// The instant.
    pub instant: DateTime<Utc>,
    /// The job.
    pub job: JobId,
    /// When it was made.
    pub fired_at: DateTime<Utc>,
}

/// What became of an instant, for its history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fate {
    /// It made a job.
    Fired {
        /// The instant.
        instant: DateTime<Utc>,
        /// What it came from.
        kind: FireKind,
        /// The job.
        job: JobId,
        /// Where the job stands.
        state: JobState,
        /// When it was made.
        fired_at: DateTime<Utc>,
    },
    /// It made none.
    Skipped {
        /// Which, and why.
        skip: Skip,
        /// When that was recorded.
        skipped_at: DateTime<Utc>,
    },
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
    fn a_payload_gets_its_instant_where_it_asks_for_it() {
        let payload = Json::trusted(br#"{"day":"{{scheduled_for}}","n":{"a":{}}}"#.to_vec());
        let plain = Json::trusted(b"{}".to_vec());
        let at = instant("2026-11-01T05:30:00Z");

        assert_eq!(payload_for(&payload, at).as_str(), r#"{"day":"2026-11-01T05:30:00Z","n":{"a":{}}}"#);
        assert_eq!(payload_for(&plain, at), plain);
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
    fn what_waits_says_which_job_it_becomes_only_when_that_was_said() {
        let plain = r#"{"instant":"2026-11-01T05:30:00Z","kind":"clock"}"#;
        let said = r#"{"instant":"2026-11-01T05:30:00Z","kind":"trigger","job":"019ae000-0000-7000-8000-000000000001"}"#;

        for (json, has_job) in [(plain, false), (said, true)] {
            let pending: Pending = serde_json::from_str(json).expect("its JSON");

            assert_eq!(pending.job.is_some(), has_job);
            assert_eq!(serde_json::to_string(&pending).expect("plain fields"), json);
        }
    }

    #[test]
    fn more_instants_than_a_database_can_count_are_not_counted() {
        let most = i32::MAX.unsigned_abs();

        assert_eq!((Skip::counted(0), Skip::counted(most.into())), (Some(0), Some(most)));
        assert_eq!((Skip::counted(u64::from(most) + 1), Skip::counted(u64::MAX)), (None, None));
    }

    #[test]
    fn a_spec_is_read_back_from_its_json() {
        let spec = spec(Timing::At(instant("2026-11-01T05:30:00Z")));

        let json = serde_json::to_string(&spec).expect("plain fields");

        assert_eq!(serde_json::from_str::<ScheduleSpec>(&json).expect("it was just written"), spec);
    }
}
