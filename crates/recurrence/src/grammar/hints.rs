//! What people mean when they write what an expression does not have.

use super::{EXAMPLE, MACROS, refused};
use crate::Refused;
use crate::expression::FieldName;

/// A text with a time zone before the expression, as some systems have it.
pub(super) fn zone_before(text: &str) -> Option<Refused> {
    let has_one = text.starts_with("CRON_TZ=") || text.starts_with("TZ=");
    has_one.then(|| {
        refused("a time zone stands in the expression")
            .hint("leave it out here and give it as the schedule's time zone (--timezone)")
    })
}

/// A text that has not five or six fields.
pub(super) fn wrong_count(count: usize) -> Refused {
    let fields = if count == 1 { "field" } else { "fields" };
    let problem = format!("{count} {fields}; there are 5, or 6 with seconds first");
    let hint = match count {
        7 => "leave the year out; a start and an end (--start, --end) bound a schedule",
        _ => EXAMPLE,
    };
    refused(problem).hint(hint)
}

/// A name with an @ that stands for nothing.
pub(super) fn unknown_macro(text: &str) -> Refused {
    let word = text.split_ascii_whitespace().next().unwrap_or(text);
    let names = MACROS.map(|(name, _)| name).join(", ");
    let hint = match word.to_ascii_lowercase().as_str() {
        "@every" if word == "@every" => "write a duration after it, as in @every 6h".to_owned(),
        "@every" => "write @every 6h, in small letters".to_owned(),
        "@reboot" => "schedules outlive restarts; name a time, or trigger the schedule by hand".to_owned(),
        lower if MACROS.iter().any(|(name, _)| *name == lower) => format!("write {lower} and nothing else"),
        _ => format!("there are {names} and @every 6h"),
    };
    refused(format!("{word:?} is no name of an expression, or not written so")).hint(hint)
}

/// A field with a letter or a sign that other systems give a meaning to.
pub(super) fn foreign(name: FieldName, text: &str) -> Option<Refused> {
    let has_name_of = |other: FieldName| {
        let words = || text.split(|c: char| !c.is_ascii_alphabetic());
        words().any(|word| other.names().iter().any(|known| known.eq_ignore_ascii_case(word)))
    };
    let refuse =
        |problem: String, hint: String| Some(refused(format!("{name} {text:?}: {problem}")).hint(hint));
    for other in [FieldName::Month, FieldName::Weekday] {
        if other != name && has_name_of(other) {
            let order = "the order is [second] minute, hour, day of month, month, day of week";
            return refuse(format!("this is the name of a {other}"), order.to_owned());
        }
    }
    if text.contains('#') {
        return refuse(
            "# (the nth such day of a month) is not supported".to_owned(),
            "name the day of week alone, and let the task look whether it is the one".to_owned(),
        );
    }
    let upper = text.to_ascii_uppercase();
    let is_letter_form = |letter: char| {
        upper.contains(letter)
            && upper.chars().all(|c| c.is_ascii_digit() || matches!(c, 'L' | 'W' | ',' | '-'))
    };
    if is_letter_form('L') {
        return refuse(
            "L (the last day) is not supported".to_owned(),
            "name the first day of the next month, as in \"0 0 1 * *\", or 28 for one that each month has"
                .to_owned(),
        );
    }
    if is_letter_form('W') {
        return refuse(
            "W (the nearest weekday) is not supported".to_owned(),
            "name days of the week, as in 1-5".to_owned(),
        );
    }
    if upper == "H" || upper.starts_with("H/") || upper.starts_with("H(") || text.contains('~') {
        return refuse(
            "a value that the system chooses is not supported".to_owned(),
            "name the value; a jitter (--jitter) spreads the runs of many schedules".to_owned(),
        );
    }
    if text.contains('?') && !(text == "?" && name.is_of_days()) {
        return refuse(
            "? stands alone, for any day of month or day of week".to_owned(),
            format!("write {}", text.replace('?', "*")),
        );
    }
    None
}

/// What is neither a number nor a name of this field.
pub(super) fn no_value(name: FieldName, text: &str, value: &str) -> Refused {
    let (min, max) = (name.min(), name.max());
    let names = name.names();
    let lower = value.to_ascii_lowercase();
    let hint = match (names.first(), names.last(), names.iter().find(|known| lower.starts_with(**known))) {
        (_, _, Some(short)) => format!("names have three letters: write {short}"),
        (Some(first), Some(last), None) => {
            format!("write {min} to {max}, or a name in three letters ({first} to {last})")
        }
        _ if value.contains('*') => "write * alone, or with a step as in */5".to_owned(),
        _ => format!("write {min} to {max}, a range as in {min}-{max}, a step as in */5, or *"),
    };
    let names = if names.is_empty() { "no number" } else { "neither a number nor a name" };
    refused(format!("{name} {text:?}: {value:?} is {names}")).hint(hint)
}

/// What to write instead of a number that is beyond the limits.
pub(super) fn instead_of(name: FieldName, number: u32) -> Option<String> {
    match (name, number) {
        (FieldName::Hour, 24) => Some("midnight is hour 0 of the day that begins with it".to_owned()),
        (FieldName::Minute | FieldName::Second, 60) => Some("write 0".to_owned()),
        (FieldName::Day | FieldName::Month, 0) => Some("the first is 1".to_owned()),
        _ => None,
    }
}

/// What to write instead of such a step.
pub(super) fn instead_of_step(name: FieldName, step: &str) -> String {
    let max = name.max();
    if step.bytes().all(|byte| byte == b'0') {
        return format!("write a step of 1 to {max}");
    }
    match name {
        FieldName::Minute | FieldName::Second | FieldName::Hour => {
            let every = match name {
                FieldName::Second => "s",
                FieldName::Minute => "m",
                _ => "h",
            };
            format!("a step does not reach beyond its field: write {}, or @every {step}{every}", name.min())
        }
        _ => format!("a step does not reach beyond its field: write {}", name.min()),
    }
}
