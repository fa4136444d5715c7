//! How long after its instant a job starts.

use chrono::{DateTime, TimeDelta, Utc};
use model::id::ScheduleId;
use model::schedule::JITTER_MS_MAX;

/// When the job for `instant` may start: up to `jitter_ms` later. It is the same whoever asks and however often, so that
/// a leader that follows another, and a preview, say the same; schedules of one instant are spread.
pub(super) fn start_at(schedule: ScheduleId, instant: DateTime<Utc>, jitter_ms: u64) -> DateTime<Utc> {
    let hash = mix(mix(schedule.0.cast_unsigned()) ^ instant.timestamp_millis().cast_unsigned());
    let within_ms = hash % (jitter_ms.min(JITTER_MS_MAX) + 1);
    instant + TimeDelta::milliseconds(within_ms.cast_signed())
}

/// Spreads numbers that lie close together evenly over all (the last step of SplitMix64). Written out here, since the
/// standard library does not promise that its hashes stay the same.
pub(super) fn mix(number: u64) -> u64 {
    let mut mixed = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}
