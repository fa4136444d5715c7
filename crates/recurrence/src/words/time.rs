//! The time of day of an expression, as words.

use super::list::{Shape, each, joined, numbers, ordinal, runs};
use crate::expression::Expression;

/// Times of day that are told one by one at the most.
const TIMES_MAX: usize = 6;

/// Stretches of hours that are told as times; more are told as the numbers of hours.
const STRETCHES_MAX: usize = 4;

/// The time of day, and whether it is a list of times, which each day has.
pub(super) fn of(expression: &Expression) -> (String, bool) {
    let seconds: Vec<u8> = expression.second.values().collect();
    let has_seconds = seconds != [0];
    let (second, minute, hour) =
        (Shape::of(&expression.second), Shape::of(&expression.minute), Shape::of(&expression.hour));
    if let (Some(hours), Some(minutes)) = (listed(&hour), listed(&minute)) {
        if let Some(seconds) = listed(&second)
            && hours.len() * minutes.len() * seconds.len() <= TIMES_MAX
        {
            let times = times(hours, minutes, seconds, has_seconds);
            return (format!("at {}", joined(&times, "and")), true);
        }
        if has_seconds && hours.len() * minutes.len() <= TIMES_MAX {
            let times = times(hours, minutes, &[0], false);
            return (format!("{} of {}", at(&second, "second"), joined(&times, "and")), false);
        }
    }
    let words =
        if has_seconds { with_seconds(&second, &minute, &hour) } else { without_seconds(&minute, &hour) };
    (words, false)
}

/// The values of a field that names a few one by one.
fn listed(shape: &Shape) -> Option<&[u8]> {
    match shape {
        Shape::Values(values) => Some(values),
        Shape::All | Shape::Each(_) | Shape::Range { .. } => None,
    }
}

fn times(hours: &[u8], minutes: &[u8], seconds: &[u8], has_seconds: bool) -> Vec<String> {
    let mut times = Vec::new();
    for hour in hours {
        for minute in minutes {
            for second in seconds {
                let second = if has_seconds { format!(":{second:02}") } else { String::new() };
                times.push(format!("{hour:02}:{minute:02}{second}"));
            }
        }
    }
    times
}

fn without_seconds(minute: &Shape, hour: &Shape) -> String {
    if let Shape::Values(minutes) = minute
        && let [minute] = minutes.as_slice()
        && let Some(words) = of_one_minute(*minute, hour)
    {
        return words;
    }
    if let (Shape::Range { from, to, step }, Shape::Values(hours)) = (minute, hour)
        && let [hour] = hours.as_slice()
    {
        return format!("{} from {hour:02}:{from:02} to {hour:02}:{to:02}", each(*step, "minute"));
    }
    let every_hour = if goes_on(minute) { "" } else { " of every hour" };
    format!("{}{}", at(minute, "minute"), of_hours(hour, every_hour))
}

/// Once an hour.
fn of_one_minute(minute: u8, hour: &Shape) -> Option<String> {
    match hour {
        Shape::All if minute == 0 => Some("every hour".to_owned()),
        Shape::Each(step) if minute == 0 => Some(each(*step, "hour")),
        Shape::Each(step) => Some(format!("{} at minute {minute}", each(*step, "hour"))),
        Shape::Range { from, to, step } => {
            Some(format!("{} from {from:02}:{minute:02} to {to:02}:{minute:02}", each(*step, "hour")))
        }
        Shape::All | Shape::Values(_) => None,
    }
}

fn with_seconds(second: &Shape, minute: &Shape, hour: &Shape) -> String {
    let seconds = at(second, "second");
    let (minutes, every_hour) = match minute {
        Shape::All if goes_on(second) => (String::new(), ""),
        Shape::All => (" of every minute".to_owned(), ""),
        Shape::Each(step) => (format!(" of every {} minute", ordinal(*step)), ""),
        Shape::Range { from, to, step: 1 } => (format!(" of minutes {from} to {to}"), " of every hour"),
        Shape::Range { from, to, step } => {
            (format!(" of every {} minute from {from} to {to}", ordinal(*step)), " of every hour")
        }
        Shape::Values(values) => (format!(" of {}", named("minute", values)), " of every hour"),
    };
    format!("{seconds}{minutes}{}", of_hours(hour, every_hour))
}

/// Whether it is told as something that goes on without end.
fn goes_on(shape: &Shape) -> bool {
    matches!(shape, Shape::All | Shape::Each(_))
}

/// `every minute`, `every 5 minutes`, `every 2 minutes from minute 10 to 40`, `at minutes 0 and 15`.
fn at(shape: &Shape, unit: &str) -> String {
    match shape {
        Shape::All => each(1, unit),
        Shape::Each(step) => each(*step, unit),
        Shape::Range { from, to, step } => format!("{} from {unit} {from} to {to}", each(*step, unit)),
        Shape::Values(values) => format!("at {}", named(unit, values)),
    }
}

fn named(unit: &str, values: &[u8]) -> String {
    if values.len() == 1 {
        format!("{unit} {}", numbers(values))
    } else {
        format!("{unit}s {}", numbers(values))
    }
}

/// In which hours; `every_hour` where it is all of them.
fn of_hours(hour: &Shape, every_hour: &str) -> String {
    let stretch = |(from, to): &(u8, u8)| format!("{from:02}:00 to {to:02}:59");
    match hour {
        Shape::All => every_hour.to_owned(),
        Shape::Each(step) => format!(" of every {} hour", ordinal(*step)),
        Shape::Range { from, to, step: 1 } => format!(" from {}", stretch(&(*from, *to))),
        Shape::Range { from, to, step } => format!(" of every {} hour from {from} to {to}", ordinal(*step)),
        Shape::Values(values) => {
            let stretches = runs(values);
            if stretches.len() > STRETCHES_MAX {
                return format!(" of hours {}", numbers(values));
            }
            format!(" from {}", joined(&stretches.iter().map(stretch).collect::<Vec<_>>(), "and"))
        }
    }
}
