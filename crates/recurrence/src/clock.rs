//! The instants of a cron expression in a time zone.
//!
//! Civil times become instants one stretch of even time after the other. Of an expression that follows the clock, each
//! instant counts at which the clock reads what it says. One that names fixed times is held to the two policies at the
//! stretch's beginning: what the clock jumped over, and what it shows a second time.

mod count;

use std::ops::Range;

use chrono::{DateTime, Months, NaiveDateTime, SubsecRound, TimeDelta, Utc};
use jiff::tz::TimeZone;
use model::schedule::{DstGap, DstOverlap};

use crate::civil::Civil;
use crate::expression::Expression;
use crate::segment::{INSTANT_MAX, INSTANT_MIN, Segment};

/// How far an instant is looked for, a hundred years: days that exist come at least once in 40, and at worst some of them
/// fall into gaps.
const HORIZON: Months = Months::new(100 * 12);

/// A cron expression in a zone.
#[derive(Debug, Clone)]
pub(crate) struct Clock {
    pub(crate) expression: Expression,
    pub(crate) civil: Civil,
    pub(crate) zone: TimeZone,
    pub(crate) gap: DstGap,
    pub(crate) overlap: DstOverlap,
}

impl Clock {
    /// Its instants from `from` on and before `before`.
    pub(crate) fn forward(&self, from: DateTime<Utc>, before: DateTime<Utc>) -> Forward<'_> {
        let from = whole_second_from(from).clamp(INSTANT_MIN, INSTANT_MAX);
        Forward { clock: self, at: from, before: before.min(INSTANT_MAX), segment: None, empty: None }
    }

    /// Its instants before `before` and from `from` on, the latest first.
    pub(crate) fn backward(&self, from: DateTime<Utc>, before: DateTime<Utc>) -> Backward<'_> {
        let before = whole_second_from(before).clamp(INSTANT_MIN, INSTANT_MAX);
        Backward { clock: self, before, from: from.max(INSTANT_MIN), segment: None, empty: None }
    }

    /// The first civil time of a stretch that may count.
    fn counts_from(&self, segment: &Segment) -> NaiveDateTime {
        if self.expression.follows_clock() || self.overlap == DstOverlap::Both {
            segment.first()
        } else {
            segment.first().max(segment.unseen_from)
        }
    }

    /// The civil times that no clock shows because the stretch begins later; only where that makes it fire at once.
    fn made_up_for(&self, segment: &Segment) -> Option<Range<NaiveDateTime>> {
        let applies = !self.expression.follows_clock() && self.gap == DstGap::After;
        let gap = segment.unseen_from..segment.first();
        (applies && !gap.is_empty()).then_some(gap)
    }
}

/// This instant, or the next whole second.
fn whole_second_from(instant: DateTime<Utc>) -> DateTime<Utc> {
    let begun = instant.trunc_subsecs(0);
    if begun == instant { begun } else { begun.checked_add_signed(TimeDelta::seconds(1)).unwrap_or(begun) }
}

/// Whether `inner` is known to lie in `outer`.
fn lies_in(inner: &Range<NaiveDateTime>, outer: Option<&Range<NaiveDateTime>>) -> bool {
    outer.is_some_and(|outer| outer.start <= inner.start && inner.end <= outer.end)
}

/// Instants in their order.
pub(crate) struct Forward<'a> {
    clock: &'a Clock,
    /// What comes before is done.
    at: DateTime<Utc>,
    before: DateTime<Utc>,
    segment: Option<Segment>,
    /// Civil times of which none is named, found out by the last search.
    empty: Option<Range<NaiveDateTime>>,
}

impl Forward<'_> {
    /// The first civil time in `range`.
    fn first_in(&mut self, range: Range<NaiveDateTime>) -> Option<NaiveDateTime> {
        if range.is_empty() || lies_in(&range, self.empty.as_ref()) {
            return None;
        }
        let found = self.clock.civil.first_from(range.start);
        self.empty = Some(range.start..found.unwrap_or(NaiveDateTime::MAX));
        found.filter(|found| range.contains(found))
    }

    /// The first instant from `self.at` on in a stretch that this one lies in.
    fn first_of(&mut self, segment: &Segment) -> Option<DateTime<Utc>> {
        if self.at == segment.from
            && let Some(gap) = self.clock.made_up_for(segment)
            && self.first_in(gap).is_some()
        {
            return Some(segment.from);
        }
        let from = segment.civil(self.at).max(self.clock.counts_from(segment));
        self.first_in(from..segment.civil(segment.until)).map(|civil| segment.instant(civil))
    }
}

impl Iterator for Forward<'_> {
    type Item = DateTime<Utc>;

    fn next(&mut self) -> Option<DateTime<Utc>> {
        let horizon =
            self.at.checked_add_months(HORIZON).map_or(self.before, |horizon| horizon.min(self.before));
        while self.at < horizon {
            let segment = match self.segment {
                Some(segment) if self.at < segment.until => segment,
                _ => *self.segment.insert(Segment::at(&self.clock.zone, self.at)),
            };
            if let Some(found) = self.first_of(&segment) {
                self.at = found + TimeDelta::seconds(1);
                return Some(found).filter(|found| *found < self.before);
            }
            self.at = segment.until;
        }
        None
    }
}

/// Instants, the latest first.
pub(crate) struct Backward<'a> {
    clock: &'a Clock,
    /// This one and what comes after is done.
    before: DateTime<Utc>,
    from: DateTime<Utc>,
    segment: Option<Segment>,
    /// Civil times of which none is named, found out by the last search.
    empty: Option<Range<NaiveDateTime>>,
}

impl Backward<'_> {
    /// The last civil time in `range`.
    fn last_in(&mut self, range: Range<NaiveDateTime>) -> Option<NaiveDateTime> {
        if range.is_empty() || lies_in(&range, self.empty.as_ref()) {
            return None;
        }
        let found = self.clock.civil.last_before(range.end);
        let after_it = found.map_or(NaiveDateTime::MIN, |found| found + TimeDelta::seconds(1));
        self.empty = Some(after_it..range.end);
        found.filter(|found| range.contains(found))
    }

    /// The last instant before `self.before` in a stretch that the one before lies in.
    fn last_of(&mut self, segment: &Segment) -> Option<DateTime<Utc>> {
        let until = segment.civil(self.before.min(segment.until));
        if let Some(civil) = self.last_in(self.clock.counts_from(segment)..until) {
            return Some(segment.instant(civil));
        }
        let gap = self.clock.made_up_for(segment)?;
        self.last_in(gap).map(|_| segment.from)
    }
}

impl Iterator for Backward<'_> {
    type Item = DateTime<Utc>;

    fn next(&mut self) -> Option<DateTime<Utc>> {
        let horizon =
            self.before.checked_sub_months(HORIZON).map_or(self.from, |horizon| horizon.max(self.from));
        while self.before > horizon {
            let last = self.before - TimeDelta::seconds(1);
            let segment = match self.segment {
                Some(segment) if segment.from <= last => segment,
                _ => *self.segment.insert(Segment::at(&self.clock.zone, last)),
            };
            if let Some(found) = self.last_of(&segment) {
                self.before = found;
                return Some(found).filter(|found| *found >= self.from);
            }
            self.before = segment.from;
        }
        None
    }
}
