//! The grammar of cron expressions: strict, so that what is accepted means one thing, and bounded, so that nothing
//! that is written makes anybody search.
//!
//! ```text
//! expression = [second] minute hour day-of-month month day-of-week | "@hourly" | "@daily" | …
//! field      = part *("," part) | "?" (days only)
//! part       = ("*" | value "-" value) ["/" step] | value
//! ```

mod field;
mod hints;

use crate::Refused;
use crate::expression::{Expression, Field, FieldName};

/// Longest expression, in bytes: every minute of an hour one by one takes 169.
const EXPRESSION_BYTES_MAX: usize = 256;

const EXAMPLE: &str =
    "write minute, hour, day of month, month and day of week, as in \"30 9 * * 1-5\" for 09:30 on weekdays";

/// Names of expressions, and what they stand for.
const MACROS: [(&str, &str); 7] = [
    ("@hourly", "0 * * * *"),
    ("@daily", "0 0 * * *"),
    ("@midnight", "0 0 * * *"),
    ("@weekly", "0 0 * * 0"),
    ("@monthly", "0 0 1 * *"),
    ("@yearly", "0 0 1 1 *"),
    ("@annually", "0 0 1 1 *"),
];

/// What is wrong with an expression.
fn refused(problem: impl Into<String>) -> Refused {
    Refused::new("cron", problem)
}

/// Checks that `text` is of a size and of characters that may stand in an expression, so that it may be repeated in a message.
///
/// # Errors
/// When it is not.
pub(crate) fn check_text(text: &str) -> Result<(), Refused> {
    if text.len() > EXPRESSION_BYTES_MAX {
        let problem = format!("{} bytes; allowed are {EXPRESSION_BYTES_MAX}", text.len());
        return Err(refused(problem).hint("make ranges and steps of long lists: 0-58/2"));
    }
    if let Some(strange) = text.chars().find(|c| !matches!(c, ' ' | '\t' | '!'..='~')) {
        let problem = format!("the character {strange:?} has no meaning in an expression");
        return Err(refused(problem).hint(EXAMPLE));
    }
    if text.trim().is_empty() {
        return Err(refused("an empty text").hint(EXAMPLE));
    }
    Ok(())
}

/// Reads an expression, or a name of one. `@every` is none.
///
/// # Errors
/// Names the field, what is wrong with it and what to write instead.
pub(crate) fn parse(text: &str) -> Result<Expression, Refused> {
    check_text(text)?;
    let text = expanded(text.trim())?;
    if let Some(refused) = hints::zone_before(text) {
        return Err(refused);
    }
    let texts: Vec<&str> = text.split_ascii_whitespace().collect();
    let names = match texts.len() {
        5 => &FieldName::ALL[1..],
        6 => &FieldName::ALL[..],
        count => return Err(hints::wrong_count(count)),
    };
    let mut fields = names
        .iter()
        .zip(&texts)
        .map(|(name, text)| field::parse(*name, text))
        .collect::<Result<Vec<_>, _>>()?;
    let has_seconds = fields.len() == 6;
    if !has_seconds {
        fields.insert(0, Field::zero_second());
    }
    let [second, minute, hour, day, month, weekday]: [Field; 6] =
        fields.try_into().map_err(|_| refused("not six fields"))?;
    let expression = Expression { second, minute, hour, day, month, weekday, has_seconds };
    if expression.names_a_day() {
        Ok(expression)
    } else {
        let day = texts[texts.len() - 3];
        let month = texts[texts.len() - 2];
        let problem = format!("it never fires: no month of {month:?} has a day {day:?}");
        Err(refused(problem).hint("name a day that the month has; February has 28, and 29 in leap years"))
    }
}

/// The expression in its shortest spelling: one space between fields, and what a name stands for.
///
/// # Errors
/// When there is no such name.
pub(crate) fn canonical(text: &str) -> Result<String, Refused> {
    let text = expanded(text.trim())?;
    Ok(text.split_ascii_whitespace().collect::<Vec<_>>().join(" "))
}

/// What a name stands for, and anything else as it is.
fn expanded(text: &str) -> Result<&str, Refused> {
    if !text.starts_with('@') {
        return Ok(text);
    }
    let known = MACROS.iter().find(|(name, _)| *name == text);
    known.map(|(_, meaning)| *meaning).ok_or_else(|| hints::unknown_macro(text))
}
