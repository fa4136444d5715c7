//! One field of an expression.

use super::{hints, refused};
use crate::Refused;
use crate::expression::{Field, FieldName, Part};

/// Reads a field.
///
/// # Errors
/// Names the field and the part, what is wrong with it and what to write instead.
pub(super) fn parse(name: FieldName, text: &str) -> Result<Field, Refused> {
    if let Some(refused) = hints::foreign(name, text) {
        return Err(refused);
    }
    if text == "?" && name.is_of_days() {
        return Ok(Field::new(name, vec![all(name)]));
    }
    if text.split(',').any(str::is_empty) {
        let rest: Vec<&str> = text.split(',').filter(|part| !part.is_empty()).collect();
        let hint = if rest.is_empty() { "write a value, or * for all".to_owned() } else { rest.join(",") };
        let hint = if rest.is_empty() { hint } else { format!("write {hint}") };
        return Err(refused(format!("{name} {text:?}: nothing stands beside a comma")).hint(hint));
    }
    let parts = text.split(',').map(|text| part(name, text)).collect::<Result<_, _>>()?;
    Ok(Field::new(name, parts))
}

fn all(name: FieldName) -> Part {
    Part { from: name.min(), to: name.last(), step: 1, star: true, stepped: false }
}

fn part(name: FieldName, text: &str) -> Result<Part, Refused> {
    let (range, step_text) = match text.split_once('/') {
        Some((range, step)) => (range, Some(step)),
        None => (text, None),
    };
    let mut part = if range == "*" { all(name) } else { values(name, text, range)? };
    let Some(step_text) = step_text else { return Ok(part) };
    if !part.star && !range.contains('-') {
        let hint = format!("write {range}-{}/{step_text}, or */{step_text}", name.last());
        return Err(refused(format!("{name} {text:?}: a step needs a range before it")).hint(hint));
    }
    part.step = step(name, text, step_text)?;
    part.stepped = true;
    Ok(part)
}

/// A value or a range.
fn values(name: FieldName, text: &str, range: &str) -> Result<Part, Refused> {
    let Some((from_text, to_text)) = range.split_once('-') else {
        let value = value(name, text, range)?;
        return Ok(Part { from: value, to: value, step: 1, star: false, stepped: false });
    };
    let (from, to) = (value(name, text, from_text)?, value(name, text, to_text)?);
    if from <= to {
        return Ok(Part { from, to, step: 1, star: false, stepped: false });
    }
    let hint = match (name, to) {
        (FieldName::Weekday, 0) if from == 7 => "write 0".to_owned(),
        (FieldName::Weekday, 0) => format!("as the end of a range Sunday is 7: write {from}-7"),
        _ => format!("write {from}-{},{}-{to}", name.last().max(from), name.min()),
    };
    Err(refused(format!("{name} {text:?}: the range runs backwards")).hint(hint))
}

/// A number or a name. `text` is the part it stands in.
fn value(name: FieldName, text: &str, value: &str) -> Result<u8, Refused> {
    let (min, max) = (name.min(), name.max());
    if value.is_empty() {
        let problem = format!("{name} {text:?}: a value is missing");
        return Err(refused(problem).hint(format!("write {min} to {max}, a range as in {min}-{max}, or *")));
    }
    if value.bytes().all(|byte| byte.is_ascii_digit()) {
        // What does not fit a u32 is beyond any limit too.
        let number: u32 = value.parse().unwrap_or(u32::MAX);
        return u8::try_from(number).ok().filter(|number| (min..=max).contains(number)).ok_or_else(|| {
            let refused = refused(format!("{name} {text:?}: {value} is not between {min} and {max}"));
            match hints::instead_of(name, number) {
                Some(hint) => refused.hint(hint),
                None => refused.hint(format!("write {min} to {max}")),
            }
        });
    }
    let place = name.names().iter().position(|known| known.eq_ignore_ascii_case(value));
    match place.and_then(|place| u8::try_from(place).ok()) {
        Some(place) => Ok(min + place),
        None => Err(hints::no_value(name, text, value)),
    }
}

fn step(name: FieldName, text: &str, step: &str) -> Result<u8, Refused> {
    let max = name.max();
    let number = step.bytes().all(|byte| byte.is_ascii_digit()).then(|| step.parse::<u8>().ok());
    match number {
        Some(Some(number)) if (1..=max).contains(&number) => Ok(number),
        Some(_) if !step.is_empty() => {
            let problem = format!("{name} {text:?}: the step {step} is not between 1 and {max}");
            Err(refused(problem).hint(hints::instead_of_step(name, step)))
        }
        _ => {
            let problem = format!("{name} {text:?}: {step:?} is no step");
            Err(refused(problem).hint(format!("write a number from 1 to {max} after the /")))
        }
    }
}
