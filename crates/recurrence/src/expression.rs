//! A cron expression that was read: which values each of its fields takes, and how that was said.

use std::fmt;

/// The fields of an expression, in their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FieldName {
    Second,
    Minute,
    Hour,
    Day,
    Month,
    Weekday,
}

const MONTHS: [&str; 12] =
    ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];

const WEEKDAYS: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

impl FieldName {
    /// All six, in the order in which they stand.
    pub(crate) const ALL: [Self; 6] =
        [Self::Second, Self::Minute, Self::Hour, Self::Day, Self::Month, Self::Weekday];

    /// The smallest value.
    pub(crate) fn min(self) -> u8 {
        match self {
            Self::Day | Self::Month => 1,
            Self::Second | Self::Minute | Self::Hour | Self::Weekday => 0,
        }
    }

    /// The largest value that may be written. Of days of the week it is 7, a second name of Sunday.
    pub(crate) fn max(self) -> u8 {
        match self {
            Self::Second | Self::Minute => 59,
            Self::Hour => 23,
            Self::Day => 31,
            Self::Month => 12,
            Self::Weekday => 7,
        }
    }

    /// The largest value that `*` stands for.
    pub(crate) fn last(self) -> u8 {
        if self == Self::Weekday { 6 } else { self.max() }
    }

    /// The names of its values, the first of them for [`Self::min`].
    pub(crate) fn names(self) -> &'static [&'static str] {
        match self {
            Self::Month => &MONTHS,
            Self::Weekday => &WEEKDAYS,
            Self::Second | Self::Minute | Self::Hour | Self::Day => &[],
        }
    }

    /// Whether it says which days.
    pub(crate) fn is_of_days(self) -> bool {
        matches!(self, Self::Day | Self::Weekday)
    }
}

impl fmt::Display for FieldName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Second => "second",
            Self::Minute => "minute",
            Self::Hour => "hour",
            Self::Day => "day of month",
            Self::Month => "month",
            Self::Weekday => "day of week",
        })
    }
}

/// One part of a field, between commas: a value, a range, or all values, perhaps with a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Part {
    /// The first value.
    pub(crate) from: u8,
    /// The last value that may be taken; the same as `from` where there is one. A day of the week may be 7 here.
    pub(crate) to: u8,
    /// From each value to the next; 1 where none is written.
    pub(crate) step: u8,
    /// It was written as `*` or `?`.
    pub(crate) star: bool,
    /// A step was written.
    pub(crate) stepped: bool,
}

impl Part {
    /// Its values; of a day of the week 7, not 0, where Sunday was written so.
    pub(crate) fn values(self) -> impl Iterator<Item = u8> {
        (self.from..=self.to).step_by(usize::from(self.step))
    }
}

/// A field that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Field {
    /// Which.
    pub(crate) name: FieldName,
    /// Its parts, as written; at least one.
    pub(crate) parts: Vec<Part>,
    /// Bit n: it takes the value n. Sunday is 0.
    bits: u64,
}

impl Field {
    /// A field of these parts, which lie within its limits.
    pub(crate) fn new(name: FieldName, parts: Vec<Part>) -> Self {
        let modulus = if name == FieldName::Weekday { 7 } else { u8::MAX };
        let bits =
            parts.iter().flat_map(|part| part.values()).fold(0, |bits, value| bits | 1 << (value % modulus));
        Self { name, parts, bits }
    }

    /// The second of an expression that says none.
    pub(crate) fn zero_second() -> Self {
        Self::new(FieldName::Second, vec![Part { from: 0, to: 0, step: 1, star: false, stepped: false }])
    }

    /// Its values, each once, in ascending order; Sunday is 0.
    pub(crate) fn values(&self) -> impl Iterator<Item = u8> + '_ {
        (self.name.min()..=self.name.last()).filter(|value| self.has(*value))
    }

    /// Whether it takes this value; Sunday is 0.
    pub(crate) fn has(&self, value: u8) -> bool {
        self.bits & (1 << value) != 0
    }

    /// Whether it takes every value there is.
    pub(crate) fn is_all(&self) -> bool {
        (self.name.min()..=self.name.last()).all(|value| self.has(value))
    }

    /// Whether its text begins with `*` or `?`. Of the two fields of days such a one does not restrict by itself: a day
    /// has to fit both.
    pub(crate) fn begins_with_star(&self) -> bool {
        self.parts.first().is_some_and(|part| part.star)
    }

    /// Whether its text has a `*` or a step.
    fn has_star_or_step(&self) -> bool {
        self.parts.iter().any(|part| part.star || part.stepped)
    }
}

/// An expression that was read, and that names some day that exists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Expression {
    /// `0` where it has five fields.
    pub(crate) second: Field,
    pub(crate) minute: Field,
    pub(crate) hour: Field,
    pub(crate) day: Field,
    pub(crate) month: Field,
    pub(crate) weekday: Field,
    /// Whether it was written with six fields.
    pub(crate) has_seconds: bool,
}

impl Expression {
    /// Whether it follows the clock: it fires whenever the clock of its zone reads what it says, in an hour that comes
    /// twice both times. Others name fixed times, to which the policies of daylight saving apply.
    pub(crate) fn follows_clock(&self) -> bool {
        [&self.second, &self.minute, &self.hour].into_iter().any(Field::has_star_or_step)
    }

    /// Whether a day has to fit both fields of days; otherwise one is enough (the rule of Vixie's cron).
    pub(crate) fn both_days(&self) -> bool {
        self.day.begins_with_star() || self.weekday.begins_with_star()
    }

    /// Whether some year has a day for it. Each date, 29 February too, falls on each day of the week in some year.
    pub(crate) fn names_a_day(&self) -> bool {
        const DAYS_MAX: [u8; 12] = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
        let some_date = (1..=12u8)
            .zip(DAYS_MAX)
            .any(|(month, days)| self.month.has(month) && (1..=days).any(|day| self.day.has(day)));
        some_date || !self.both_days()
    }
}
