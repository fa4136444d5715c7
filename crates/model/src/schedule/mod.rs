//! Schedules: when a task is to run by itself, and what happens when that is not as simple as it sounds.
//!
//! What the words of a schedule mean for the clock (which instants it names) is worked out by the crate `recurrence`.

mod choice;
mod spec;

use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Deserialize, Serialize};

use crate::id::{JobId, ScheduleId};
use crate::job::JobState;
use crate::json::Json;
use crate::name::{Namespace, ScheduleName};

pub use choice::{DstGap, DstOverlap, FireKind, Missed, Overlap, ScheduleState, SkipReason};
pub use spec::{RunOptions, ScheduleSpec, Timing};

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

    #[test]
    fn a_payload_gets_its_instant_where_it_asks_for_it() {
        let payload = Json::trusted(br#"{"day":"{{scheduled_for}}","n":{"a":{}}}"#.to_vec());
        let plain = Json::trusted(b"{}".to_vec());
        let at = instant("2026-11-01T05:30:00Z");

        assert_eq!(payload_for(&payload, at).as_str(), r#"{"day":"2026-11-01T05:30:00Z","n":{"a":{}}}"#);
        assert_eq!(payload_for(&plain, at), plain);
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
}
