//! What a schedule says, in plain words, as short as a column of a list wants it.
//!
//! The words are those of a person who reads the expression out, not of its grammar: `*/7` of minutes is told as the nine
//! minutes that it names, because it is not "every 7 minutes" over the full hour.

mod days;
mod list;
#[cfg(test)]
mod tests;
mod time;

use chrono::{DateTime, SecondsFormat, Timelike, Utc};

use crate::Recurrence;
use crate::expression::Expression;
use crate::recurrence::When;
use list::amount;
pub(crate) use list::joined;

/// What it says.
pub(crate) fn of(recurrence: &Recurrence) -> String {
    match &recurrence.when {
        When::Cron(clock) => cron(&clock.expression, recurrence.zone.iana_name().unwrap_or("UTC")),
        When::Every(every) => period(every.period.num_milliseconds().unsigned_abs()),
        When::At(at) => once(*at),
    }
}

/// A cron expression that is read in this zone: `at 09:30 on weekdays, Europe/Lisbon`.
fn cron(expression: &Expression, timezone: &str) -> String {
    let (time, lists_times) = time::of(expression);
    let days = days::of(expression);
    let on = match (days.on, lists_times) {
        (Some(on), _) => format!(" {on}"),
        (None, true) => " every day".to_owned(),
        (None, false) => String::new(),
    };
    let months = days.months.map(|months| format!(" {months}")).unwrap_or_default();
    let zone = if timezone == "UTC" { String::new() } else { format!(", {timezone}") };
    format!("{time}{on}{months}{zone}")
}

/// A period: `every 6 hours`. A day is told as 24 hours, since the clock may read otherwise after it.
fn period(period_ms: u64) -> String {
    let parts = duration(period_ms);
    match parts.as_slice() {
        [one] => format!("every {}", one.strip_prefix("1 ").unwrap_or(one)),
        several => format!("every {}", several.join(" ")),
    }
}

/// A length of time, by its units: `1 hour`, `30 minutes`.
pub(crate) fn duration(ms: u64) -> Vec<String> {
    const MINUTE: u64 = 60 * 1_000;
    const HOUR: u64 = 60 * MINUTE;
    const DAY: u64 = 24 * HOUR;
    if ms >= 2 * DAY && ms.is_multiple_of(DAY) {
        return vec![amount(ms / DAY, "day")];
    }
    let (hours, minutes, rest_ms) = (ms / HOUR, ms % HOUR / MINUTE, ms % MINUTE);
    let hours = (hours > 0).then(|| amount(hours, "hour"));
    let minutes = (minutes > 0).then(|| amount(minutes, "minute"));
    let seconds = (rest_ms > 0).then(|| seconds(rest_ms));
    [hours, minutes, seconds].into_iter().flatten().collect()
}

fn seconds(ms: u64) -> String {
    let (whole, thousandths) = (ms / 1_000, ms % 1_000);
    if thousandths == 0 {
        return amount(whole, "second");
    }
    let thousandths = format!("{thousandths:03}");
    format!("{whole}.{} seconds", thousandths.trim_end_matches('0'))
}

/// One instant: `once at 2026-12-01 09:00 UTC`.
fn once(at: DateTime<Utc>) -> String {
    let text = if at.nanosecond() > 0 {
        at.to_rfc3339_opts(SecondsFormat::AutoSi, true).replace('T', " ").trim_end_matches('Z').to_owned()
    } else if at.second() > 0 {
        at.format("%Y-%m-%d %H:%M:%S").to_string()
    } else {
        at.format("%Y-%m-%d %H:%M").to_string()
    };
    format!("once at {text} UTC")
}
