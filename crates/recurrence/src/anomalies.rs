//! Days on which clocks change and a schedule therefore fires otherwise than on others.
//!
//! Only an expression is touched by such a change, and only where it names times that the clock jumps over or shows twice;
//! a period and a single instant are not.

#[cfg(test)]
mod tests;

use std::ops::Range;

use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, Timelike, Utc};
use model::schedule::{DstGap, DstOverlap};

use crate::clock::Clock;
use crate::recurrence::When;
use crate::segment::{INSTANT_MAX, INSTANT_MIN, Segment};
use crate::zone::start_of;
use crate::{Anomaly, Recurrence, words};

/// Anomalies that are told at the most, the first: two a year for five centuries.
const ANOMALIES_MAX: usize = 1_000;

/// Instants of a day that are told at the most, the first.
const FIRES_MAX: usize = 100;

/// Times that a change touches and that are counted; each second of an hour are 3,600.
const COUNTED_MAX: usize = 10_000;

/// Times that are named one by one at the most.
const NAMED_MAX: usize = 3;

/// The days from `from` on and before `before`, by when clocks change.
pub(crate) fn between(recurrence: &Recurrence, from: DateTime<Utc>, before: DateTime<Utc>) -> Vec<Anomaly> {
    let When::Cron(clock) = &recurrence.when else { return Vec::new() };
    let from = recurrence.starts_at.map_or(from, |starts_at| from.max(starts_at)).max(INSTANT_MIN);
    let before = recurrence.ends_at.map_or(before, |ends_at| before.min(ends_at)).min(INSTANT_MAX);
    if from >= before {
        return Vec::new();
    }
    // One stretch earlier, so that a change at `from` itself is seen.
    let first = Segment::at(&clock.zone, (from - TimeDelta::seconds(1)).max(INSTANT_MIN));
    let stretches = std::iter::successors(Some(first), |stretch| {
        (stretch.until < before).then(|| Segment::at(&clock.zone, stretch.until))
    });
    let stretches: Vec<Segment> = stretches.collect();
    let anomalies = stretches.windows(2).filter(|pair| pair[1].from >= from).filter_map(|pair| {
        let change = Change::of(&pair[0], &pair[1]);
        let effect = change.effect(clock)?;
        let fires = change.fires(recurrence);
        Some(Anomaly { day: change.day(), change_at: change.at, shift_s: change.shift_s(), effect, fires })
    });
    anomalies.take(ANOMALIES_MAX).collect()
}

/// A change of a clock.
struct Change {
    at: DateTime<Utc>,
    /// What the clock would have read.
    old: NaiveDateTime,
    /// What it reads.
    new: NaiveDateTime,
    /// The first civil time that was not shown before.
    unseen_from: NaiveDateTime,
}

impl Change {
    fn of(before: &Segment, after: &Segment) -> Self {
        let at = after.from;
        Self { at, old: before.civil(at), new: after.first(), unseen_from: after.unseen_from }
    }

    fn shift(&self) -> TimeDelta {
        self.new - self.old
    }

    fn shift_s(&self) -> i32 {
        i32::try_from(self.shift().num_seconds()).unwrap_or(i32::MAX)
    }

    /// The day that the times lie on which do not exist, or come twice.
    fn day(&self) -> NaiveDate {
        self.old.min(self.new).date()
    }

    /// What it means for a schedule; none: nothing.
    fn effect(&self, clock: &Clock) -> Option<String> {
        if clock.expression.follows_clock() {
            let times = Times::of(clock, self.old.min(self.new)..self.old.max(self.new))?;
            return Some(self.of_one_that_follows(&times));
        }
        if self.old < self.new {
            let times = Times::of(clock, self.unseen_from..self.new)?;
            return Some(self.of_a_gap(&times, clock.gap));
        }
        let times = Times::of(clock, self.new..self.unseen_from)?;
        Some(of_an_overlap(&times, clock.overlap))
    }

    fn of_one_that_follows(&self, times: &Times) -> String {
        let shift = words::duration(self.shift().num_milliseconds().unsigned_abs()).join(" ");
        let (one, many, than) = if self.old < self.new {
            ("is left out", "are left out", "fewer")
        } else {
            ("comes twice", "come twice", "more")
        };
        let happens = if shift == "1 hour" { one } else { many };
        format!("follows the clock: {shift} {happens}, it fires {} {than}", times.count())
    }

    fn of_a_gap(&self, times: &Times, gap: DstGap) -> String {
        let (does, times_word) = if times.is_one() { ("does", "") } else { ("do", "once ") };
        let exist = format!("{times} {does} not exist");
        if gap == DstGap::Skip {
            return format!("{exist}; it does not fire{}", if times.is_one() { "" } else { " then" });
        }
        let other_day =
            if self.new.date() == self.day() { String::new() } else { format!(" on {}", self.new.date()) };
        format!("{exist}; it fires {times_word}at {}{other_day}", time(self.new.time()))
    }

    /// The first instants of its day.
    fn fires(&self, recurrence: &Recurrence) -> Vec<DateTime<Utc>> {
        let start = start_of(self.day(), &recurrence.zone).unwrap_or(self.at);
        let next = self.day().succ_opt().and_then(|next| start_of(next, &recurrence.zone)).unwrap_or(self.at);
        // Where the clock jumps into the next day, what it makes up for belongs to this one.
        let end = next.max(self.at + TimeDelta::seconds(1));
        recurrence.between(start, end).take(FIRES_MAX).collect()
    }
}

fn of_an_overlap(times: &Times, overlap: DstOverlap) -> String {
    let come = if times.is_one() { "comes" } else { "come" };
    let fires = match overlap {
        DstOverlap::First => "the first time only",
        DstOverlap::Both => "both times",
    };
    format!("{times} {come} twice; it fires {fires}")
}

/// The civil times of an expression that a change touches; at least one.
struct Times {
    /// The first of them.
    named: Vec<NaiveDateTime>,
    last: NaiveDateTime,
    count: usize,
}

impl Times {
    /// Those in a range; none where it names none.
    fn of(clock: &Clock, range: Range<NaiveDateTime>) -> Option<Self> {
        let next = |at: NaiveDateTime| clock.civil.first_from(at).filter(|found| range.contains(found));
        let first = next(range.start)?;
        let mut times = Self { named: Vec::new(), last: first, count: 0 };
        let all = std::iter::successors(Some(first), |time| next(*time + TimeDelta::seconds(1)));
        for time in all.take(COUNTED_MAX + 1) {
            if times.count < NAMED_MAX {
                times.named.push(time);
            }
            times.last = time;
            times.count += 1;
        }
        Some(times)
    }

    fn is_one(&self) -> bool {
        self.count == 1
    }

    /// `1 time`, `12 times`.
    fn count(&self) -> String {
        match self.count {
            1 => "1 time".to_owned(),
            count if count > COUNTED_MAX => format!("more than {COUNTED_MAX} times"),
            count => format!("{count} times"),
        }
    }
}

impl std::fmt::Display for Times {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.count > NAMED_MAX {
            let (from, to) = (self.named.first().copied().unwrap_or(self.last), self.last);
            return write!(f, "{} from {} to {}", self.count(), time(from.time()), time(to.time()));
        }
        let named: Vec<String> = self.named.iter().map(|named| time(named.time())).collect();
        f.write_str(&words::joined(&named, "and"))
    }
}

/// As a clock shows it, with seconds where there are some.
fn time(time: NaiveTime) -> String {
    let format = if time.second() == 0 { "%H:%M" } else { "%H:%M:%S" };
    time.format(format).to_string()
}
