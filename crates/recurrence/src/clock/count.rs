//! How many instants an expression has, without finding each: days one by one, and the times of a day by their number.

use std::ops::Range;

use chrono::{DateTime, Datelike, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, Timelike, Utc};

use super::{Clock, whole_second_from};
use crate::expression::{Expression, Field};
use crate::segment::{INSTANT_MAX, INSTANT_MIN, Segment};

impl Clock {
    /// How many instants it has from `from` on and before `before`: as many as [`Clock::forward`] finds.
    pub(crate) fn count(&self, from: DateTime<Utc>, before: DateTime<Utc>) -> u64 {
        let mut at = whole_second_from(from).clamp(INSTANT_MIN, INSTANT_MAX);
        let before = whole_second_from(before).clamp(INSTANT_MIN, INSTANT_MAX);
        let mut count = 0;
        while at < before {
            let segment = Segment::at(&self.zone, at);
            let makes_up = at == segment.from && self.names_one_in(self.made_up_for(&segment));
            // What is made up for and what is named at the same instant are one.
            let made_up = u64::from(makes_up);
            let named_from = segment.civil(at) + TimeDelta::seconds(made_up.cast_signed());
            let named = named_from.max(self.counts_from(&segment))..segment.civil(segment.until.min(before));
            count += made_up + self.expression.count(named);
            at = segment.until;
        }
        count
    }

    fn names_one_in(&self, range: Option<Range<NaiveDateTime>>) -> bool {
        range
            .is_some_and(|range| self.civil.first_from(range.start).is_some_and(|time| range.contains(&time)))
    }
}

impl Expression {
    /// How many civil times it names.
    fn count(&self, range: Range<NaiveDateTime>) -> u64 {
        if range.is_empty() {
            return 0;
        }
        let (first, last) = (range.start.date(), range.end.date());
        let days = first.iter_days().take_while(|day| *day <= last).filter(|day| self.names(*day));
        let times = days.map(|day| {
            let all = size(&self.hour, u32::MAX) * self.times_of_hour();
            let until = if day == last { self.times_before(range.end.time()) } else { all };
            let before = if day == first { self.times_before(range.start.time()) } else { 0 };
            until - before
        });
        times.sum()
    }

    fn names(&self, day: NaiveDate) -> bool {
        let date = has(&self.day, day.day());
        let weekday = has(&self.weekday, day.weekday().num_days_from_sunday());
        let fits = if self.both_days() { date && weekday } else { date || weekday };
        fits && has(&self.month, day.month())
    }

    fn times_of_hour(&self) -> u64 {
        size(&self.minute, u32::MAX) * size(&self.second, u32::MAX)
    }

    /// How many times of a day it names that come before this one.
    fn times_before(&self, time: NaiveTime) -> u64 {
        let mut times = size(&self.hour, time.hour()) * self.times_of_hour();
        if has(&self.hour, time.hour()) {
            times += size(&self.minute, time.minute()) * size(&self.second, u32::MAX);
            if has(&self.minute, time.minute()) {
                times += size(&self.second, time.second());
            }
        }
        times
    }
}

fn has(field: &Field, value: u32) -> bool {
    u8::try_from(value).is_ok_and(|value| field.has(value))
}

/// How many values a field takes that are smaller than `below`.
fn size(field: &Field, below: u32) -> u64 {
    field.values().take_while(|value| u32::from(*value) < below).fold(0, |count, _| count + 1)
}

#[cfg(test)]
mod tests {
    use model::schedule::{DstGap, DstOverlap, ScheduleSpec, Timing};

    use super::*;
    use crate::Recurrence;

    const EXPRESSIONS: [&str; 9] = [
        "* * * * *",
        "*/7 */3 * * *",
        "30 1,2 * * *",
        "0 0 1 * 1",
        "0 0 */2 * 1",
        "15 2 * * 0",
        "*/25 10 * 3,4,10 * *",
        "5,50 0-59 * * * 6",
        "0 0 29 2 *",
    ];

    /// Zones, and days around which their clocks change, forward and back.
    const CHANGES: [(&str, &str); 6] = [
        ("Europe/Lisbon", "2026-03-28T00:00:00Z"),
        ("Europe/Lisbon", "2026-10-24T00:00:00Z"),
        ("Australia/Lord_Howe", "2026-04-04T00:00:00Z"),
        ("Australia/Lord_Howe", "2026-10-03T00:00:00Z"),
        ("Africa/Cairo", "2026-04-23T00:00:00Z"),
        ("Pacific/Apia", "2011-12-29T00:00:00Z"),
    ];

    fn recurrences(timezone: &str, cron: &str) -> Vec<Recurrence> {
        let spec = ScheduleSpec {
            timezone: timezone.to_owned(),
            ..ScheduleSpec::new("report".parse().expect("a task"), Timing::Cron(cron.to_owned()))
        };
        let policies =
            DstGap::ALL.iter().flat_map(|gap| DstOverlap::ALL.iter().map(move |overlap| (*gap, *overlap)));
        let specs =
            policies.map(|(dst_gap, dst_overlap)| ScheduleSpec { dst_gap, dst_overlap, ..spec.clone() });
        specs.map(|spec| Recurrence::of(&spec).expect("it is well formed")).collect()
    }

    #[test]
    fn as_many_are_counted_as_there_are() {
        // Ends of all kinds: on a time that is named, between two, in the gap, and in the middle of a second.
        let ends_ms =
            [0, 1, 3_600_000, 93_599_999, 93_600_000, 95_400_000, 97_200_500, 172_800_000, 259_199_000];
        for (timezone, start) in CHANGES {
            let start: DateTime<Utc> = start.parse().expect("an instant");
            for recurrence in EXPRESSIONS.iter().flat_map(|cron| recurrences(timezone, cron)) {
                let all: Vec<DateTime<Utc>> = recurrence.between(start, start + TimeDelta::days(3)).collect();
                for (index, from_ms) in ends_ms.iter().enumerate() {
                    for until_ms in &ends_ms[index..] {
                        let from = start + TimeDelta::milliseconds(*from_ms);
                        let before = start + TimeDelta::milliseconds(*until_ms);
                        let found = all.iter().filter(|at| (from..before).contains(at)).count();

                        let counted = recurrence.count(from, before);

                        assert_eq!(counted, found as u64, "{recurrence:?} from {from} before {before}");
                    }
                }
            }
        }
    }

    #[test]
    fn years_of_seconds_are_counted() {
        let from = "2025-01-01T00:00:00Z".parse().expect("an instant");
        let before = "2035-01-01T00:00:00Z".parse().expect("an instant");

        for recurrence in recurrences("Europe/Lisbon", "* * * * * *") {
            assert_eq!(recurrence.count(from, before), 3_652 * 86_400);
        }
    }
}
