//! Stretches of time in which the clock of a zone runs evenly: between two changes of its offset from UTC.
//!
//! ```text
//! instants   ──────┬───────────────────────┬──────────────┬─────
//!                  │ segment               │ the next     │
//! civil      …1:59 │ 3:00 ──────────▶ 1:59 │ 1:00 ──▶ …
//!              gap ┘ 2:00 to 3:00          └ overlap: 1:00 to 2:00 come twice
//! ```

use chrono::{DateTime, FixedOffset, NaiveDateTime, Offset as _, TimeDelta, Utc};
use jiff::Timestamp;
use jiff::tz::TimeZone;

/// The first instant that is looked at: rules of clocks are younger.
pub(crate) const INSTANT_MIN: DateTime<Utc> = instant_at(-62_135_000_000);

/// The first instant that is not looked at any more, in the year 4900: croner ends at 5000.
pub(crate) const INSTANT_MAX: DateTime<Utc> = instant_at(92_460_000_000);

/// Clocks were never changed by more than this, a day.
const SHIFT_MAX: TimeDelta = TimeDelta::hours(25);

const fn instant_at(seconds: i64) -> DateTime<Utc> {
    match DateTime::from_timestamp(seconds, 0) {
        Some(instant) => instant,
        None => DateTime::UNIX_EPOCH,
    }
}

/// A stretch of time with one offset.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Segment {
    /// Its first instant.
    pub(crate) from: DateTime<Utc>,
    /// The first instant after it.
    pub(crate) until: DateTime<Utc>,
    /// What the clock is ahead of UTC in it.
    offset: TimeDelta,
    /// The first civil time that no clock had shown before it began.
    pub(crate) unseen_from: NaiveDateTime,
}

impl Segment {
    /// The one that `instant` lies in, which lies between [`INSTANT_MIN`] and [`INSTANT_MAX`].
    pub(crate) fn at(zone: &TimeZone, instant: DateTime<Utc>) -> Self {
        let offset = offset_at(zone, instant);
        let before = changes_until(zone, instant).next();
        let from = before.map_or(INSTANT_MIN, |change| change.at);
        let until = changes_after(zone, instant).find(|at| *at > instant).unwrap_or(INSTANT_MAX);
        let passed = changes_until(zone, instant)
            .take_while(|change| from - change.at <= SHIFT_MAX)
            .map(|change| (change.at + change.offset_before).naive_utc())
            .max();
        let first = (from + offset).naive_utc();
        Self { from, until, offset, unseen_from: passed.unwrap_or(first) }
    }

    /// What the clock reads at `instant`.
    pub(crate) fn civil(&self, instant: DateTime<Utc>) -> NaiveDateTime {
        (instant + self.offset).naive_utc()
    }

    /// When the clock reads `civil`.
    pub(crate) fn instant(&self, civil: NaiveDateTime) -> DateTime<Utc> {
        civil.and_utc() - self.offset
    }

    /// The first civil time in it.
    pub(crate) fn first(&self) -> NaiveDateTime {
        self.civil(self.from)
    }
}

/// A change of a clock's offset from UTC.
struct Change {
    at: DateTime<Utc>,
    offset_before: TimeDelta,
}

/// The changes at `instant` and before, latest first. Where only the name of the time changes, none is seen.
fn changes_until(zone: &TimeZone, instant: DateTime<Utc>) -> impl Iterator<Item = Change> + '_ {
    let begin = timestamp(instant + TimeDelta::seconds(1));
    zone.preceding(begin)
        .map_while(move |transition| {
            let at = chrono(transition.timestamp())?;
            let offset_before = offset_at(zone, at - TimeDelta::seconds(1));
            let offset = TimeDelta::seconds(i64::from(transition.offset().seconds()));
            Some((Change { at, offset_before }, offset))
        })
        .filter(|(change, offset)| change.offset_before != *offset)
        .map(|(change, _)| change)
}

/// The changes after `instant`.
fn changes_after(zone: &TimeZone, instant: DateTime<Utc>) -> impl Iterator<Item = DateTime<Utc>> + '_ {
    let mut offset = offset_at(zone, instant);
    zone.following(timestamp(instant))
        .map_while(|transition| {
            Some((
                chrono(transition.timestamp())?,
                TimeDelta::seconds(i64::from(transition.offset().seconds())),
            ))
        })
        .filter(move |(_, after)| std::mem::replace(&mut offset, *after) != *after)
        .map(|(at, _)| at)
}

/// What a clock in `zone` reads at an instant.
pub(crate) fn local(zone: &TimeZone, instant: DateTime<Utc>) -> DateTime<FixedOffset> {
    let offset = FixedOffset::east_opt(zone.to_offset(timestamp(instant)).seconds());
    // Offsets are hours, and those of `FixedOffset` reach a day.
    instant.with_timezone(&offset.unwrap_or_else(|| Utc.fix()))
}

fn offset_at(zone: &TimeZone, instant: DateTime<Utc>) -> TimeDelta {
    TimeDelta::seconds(i64::from(zone.to_offset(timestamp(instant)).seconds()))
}

/// The same instant, in jiff's words; it lies far within what jiff can say.
fn timestamp(instant: DateTime<Utc>) -> Timestamp {
    Timestamp::from_second(instant.timestamp()).unwrap_or(Timestamp::MAX)
}

/// The same instant, in chrono's words; none outside of what is looked at.
fn chrono(timestamp: Timestamp) -> Option<DateTime<Utc>> {
    let instant = DateTime::from_timestamp(timestamp.as_second(), 0)?;
    (INSTANT_MIN..INSTANT_MAX).contains(&instant).then_some(instant)
}
