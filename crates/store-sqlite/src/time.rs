//! Instants as the columns hold them: milliseconds since 1970, by SQLite's own clock.

use std::time::Duration;

use chrono::{DateTime, Utc};
use sqlx::SqliteConnection;
use store::Result;
use store::record::corrupt;

use crate::error::fault;

/// The last millisecond of the year 9999: later instants are cut to it, so that each can be shown.
const END_MS: i64 = 253_402_300_799_999;

/// The database's present instant.
pub(crate) async fn now(connection: &mut SqliteConnection) -> Result<i64> {
    sqlx::query_file_scalar!("sql/now.sql").fetch_one(connection).await.map_err(fault)
}

/// A stored instant as the domain's.
pub(crate) fn instant(ms: i64) -> Result<DateTime<Utc>> {
    DateTime::from_timestamp_millis(ms).ok_or_else(|| corrupt(format!("the instant {ms}")))
}

/// A length of time in milliseconds; a started one counts, so that nothing comes too early.
pub(crate) fn millis(time: Duration) -> i64 {
    i64::try_from(time.as_nanos().div_ceil(1_000_000)).unwrap_or(END_MS).min(END_MS)
}

/// The instant that comes `time` after `now`.
pub(crate) fn after(now: i64, time: Duration) -> i64 {
    now.saturating_add(millis(time)).min(END_MS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_started_millisecond_counts() {
        assert_eq!(millis(Duration::from_nanos(1_000_001)), 2);
        assert_eq!(millis(Duration::from_millis(3)), 3);
        assert_eq!(millis(Duration::ZERO), 0);
    }

    #[test]
    fn the_end_of_time_can_be_shown() {
        assert_eq!(after(1, Duration::MAX), END_MS);
        assert!(instant(END_MS).is_ok());
    }
}
