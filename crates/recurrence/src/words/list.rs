//! Lists, numbers and the shapes of fields, as words.

use crate::expression::Field;

/// Values of a field that are told one by one at the most. A step that does not go evenly into an hour names nine.
const LISTED_MAX: usize = 10;

/// What a field takes, as people see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Shape {
    /// Everything.
    All,
    /// It was written as a step over everything, which goes in evenly: each so many, without end.
    Each(u8),
    /// From one value to another, each so many.
    Range { from: u8, to: u8, step: u8 },
    /// These.
    Values(Vec<u8>),
}

impl Shape {
    /// The shape of a field of seconds, minutes or hours.
    pub(super) fn of(field: &Field) -> Self {
        if field.is_all() {
            return Self::All;
        }
        let span = field.name.last() + 1;
        if let [part] = field.parts.as_slice()
            && part.star
            && span.is_multiple_of(part.step)
        {
            return Self::Each(part.step);
        }
        Self::of_values(field.values().collect())
    }

    /// The shape of values in ascending order.
    pub(super) fn of_values(values: Vec<u8>) -> Self {
        let (Some(from), Some(to)) = (values.first(), values.last()) else { return Self::Values(values) };
        let step = values.get(1).map_or(1, |second| second - from);
        let is_even = values.windows(2).all(|pair| pair[1] - pair[0] == step);
        let is_long = values.len() > LISTED_MAX || (step == 1 && values.len() > 2);
        if is_even && is_long { Self::Range { from: *from, to: *to, step } } else { Self::Values(values) }
    }
}

/// `a, b and c`.
pub(crate) fn joined(words: &[String], last: &str) -> String {
    match words {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., end] => format!("{} {last} {end}", first.join(", ")),
    }
}

/// `1 to 7, 15 and 16`.
pub(super) fn numbers(values: &[u8]) -> String {
    joined(&told(values, |value| value.to_string()), "and")
}

/// Three in a row or more are told as a range.
pub(super) fn told(values: &[u8], name: impl Fn(u8) -> String) -> Vec<String> {
    let mut words = Vec::new();
    for (from, to) in runs(values) {
        if to - from >= 2 {
            words.push(format!("{} to {}", name(from), name(to)));
        } else {
            words.extend((from..=to).map(&name));
        }
    }
    words
}

/// The stretches of values without a gap: first, last.
pub(super) fn runs(values: &[u8]) -> Vec<(u8, u8)> {
    let mut runs: Vec<(u8, u8)> = Vec::new();
    for value in values {
        match runs.last_mut() {
            Some((_, last)) if *last + 1 == *value => *last = *value,
            _ => runs.push((*value, *value)),
        }
    }
    runs
}

/// `1 hour`, `2 hours`.
pub(super) fn amount(count: u64, unit: &str) -> String {
    if count == 1 { format!("1 {unit}") } else { format!("{count} {unit}s") }
}

/// `every minute`, `every 5 minutes`.
pub(super) fn each(step: u8, unit: &str) -> String {
    if step == 1 { format!("every {unit}") } else { format!("every {step} {unit}s") }
}

/// `2nd`, `11th`, `23rd`.
pub(super) fn ordinal(number: u8) -> String {
    let ending = match (number % 10, number % 100) {
        (_, 11..=13) => "th",
        (1, _) => "st",
        (2, _) => "nd",
        (3, _) => "rd",
        _ => "th",
    };
    format!("{number}{ending}")
}
