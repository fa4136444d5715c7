//! The days of an expression, as words.

use super::list::{Shape, joined, numbers, ordinal, told};
use crate::expression::Expression;

const WEEKDAYS: [&str; 7] = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// On which days, in which months.
pub(super) struct Days {
    /// `on weekdays`; none: on each.
    pub(super) on: Option<String>,
    /// `in June`; none: in each, or it stands with the days.
    pub(super) months: Option<String>,
}

/// The days of an expression.
pub(super) fn of(expression: &Expression) -> Days {
    let months = (!expression.month.is_all()).then(|| months(expression));
    let in_months = || months.as_ref().map(|months| format!("in {months}"));
    let of_months = || months.clone().unwrap_or_else(|| "the month".to_owned());
    let (any_day, any_weekday) = (expression.day.is_all(), expression.weekday.is_all());
    // Where either is enough, one that takes all days leaves nothing to the other.
    let all_days = if expression.both_days() { any_day && any_weekday } else { any_day || any_weekday };
    if all_days {
        return Days { on: None, months: in_months() };
    }
    let weekdays = weekdays(expression);
    let dates = dates(expression);
    if any_day {
        return Days { on: Some(format!("on {}", on_weekdays(&weekdays))), months: in_months() };
    }
    if any_weekday {
        return Days { on: Some(format!("on {dates} of {}", of_months())), months: None };
    }
    if expression.both_days() {
        let are = if dates.starts_with("days") { "are" } else { "is" };
        let on = format!("on {dates} of {} that {are} a {}", of_months(), one_of(&weekdays));
        return Days { on: Some(on), months: None };
    }
    let on = format!("on {} and on {dates}", on_weekdays(&weekdays));
    match in_months() {
        Some(months) => Days { on: Some(format!("{on},")), months: Some(months) },
        None => Days { on: Some(format!("{on} of the month")), months: None },
    }
}

/// `day 1`, `days 1 to 7`, `every 2nd day`.
fn dates(expression: &Expression) -> String {
    let values: Vec<u8> = expression.day.values().collect();
    match Shape::of_values(values.clone()) {
        Shape::Range { from, to, step } if step > 1 => {
            let day = format!("every {} day", ordinal(step));
            if from == 1 && to + step > 31 { day } else { format!("{day} from {from} to {to}") }
        }
        _ if values.len() == 1 => format!("day {}", numbers(&values)),
        _ => format!("days {}", numbers(&values)),
    }
}

/// Monday is 0.
fn weekdays(expression: &Expression) -> Vec<u8> {
    (0..7).filter(|day| expression.weekday.has((day + 1) % 7)).collect()
}

fn on_weekdays(weekdays: &[u8]) -> String {
    match weekdays {
        [0, 1, 2, 3, 4] => "weekdays".to_owned(),
        [5, 6] => "weekends".to_owned(),
        _ => joined(&told(weekdays, weekday), "and"),
    }
}

/// What such a day is.
fn one_of(weekdays: &[u8]) -> String {
    match weekdays {
        [0, 1, 2, 3, 4] => "weekday".to_owned(),
        _ => joined(&weekdays.iter().copied().map(weekday).collect::<Vec<_>>(), "or"),
    }
}

fn weekday(day: u8) -> String {
    WEEKDAYS[usize::from(day % 7)].to_owned()
}

fn months(expression: &Expression) -> String {
    let values: Vec<u8> = expression.month.values().collect();
    joined(&told(&values, |month| MONTHS[usize::from((month + 11) % 12)].to_owned()), "and")
}
