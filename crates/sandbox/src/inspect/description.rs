//! Checks what a component says of its tasks.

use std::collections::BTreeSet;

use model::bounds::{ATTEMPTS_MAX, SCHEMA_BYTES_MAX};
use model::error::storable_text;
use model::limits::{FuelChoice, LimitOverrides, Limits, PLATFORM_MAX};
use model::name::TaskName;
use model::task::TaskDescription;

use super::policy::refuse;
use crate::bindings::exports::jobs::task::guest::Description;
use crate::inspection::{Refusal, RefusalKind};

/// Checks every description and that no name stands twice.
pub(super) fn check_all(said: Vec<Description>) -> Result<Vec<TaskDescription>, Refusal> {
    let mut names = BTreeSet::new();
    let mut tasks = Vec::with_capacity(said.len());
    for description in said {
        let task = check(description)?;
        if !names.insert(task.name.clone()) {
            return Err(malformed(format!("describes the task {:?} twice", task.name.as_str())));
        }
        tasks.push(task);
    }
    Ok(tasks)
}

fn check(said: Description) -> Result<TaskDescription, Refusal> {
    let name: TaskName = said
        .name
        .parse()
        .map_err(|invalid| malformed(format!("describes a task with a bad name: {invalid}")))?;
    let seen = said.description.len();
    if seen > SCHEMA_BYTES_MAX {
        return Err(refuse(format!(
            "the description of task {name} has {seen} bytes; allowed are {SCHEMA_BYTES_MAX}"
        )));
    }
    for (which, schema) in [("input", &said.input_schema), ("output", &said.output_schema)] {
        if let Some(schema) = schema {
            check_schema(&name, which, schema)?;
        }
    }
    let limits = LimitOverrides {
        fuel: said.limits.fuel.map(FuelChoice::Units),
        memory_bytes: said.limits.memory_bytes,
        timeout_ms: said.limits.timeout_ms,
        ..LimitOverrides::default()
    };
    Limits::default()
        .with(&limits)
        .check(&PLATFORM_MAX, "the platform's")
        .map_err(|invalid| refuse(format!("task {name} asks for limits it cannot have: {invalid}")))?;
    if let Some(attempts) = said.max_attempts.filter(|attempts| !(1..=ATTEMPTS_MAX).contains(attempts)) {
        return Err(refuse(format!(
            "task {name} asks for {attempts} attempts; allowed are 1 to {ATTEMPTS_MAX}"
        )));
    }
    Ok(TaskDescription {
        name,
        description: storable_text(&said.description, SCHEMA_BYTES_MAX),
        input_schema: said.input_schema,
        output_schema: said.output_schema,
        limits,
        max_attempts: said.max_attempts,
    })
}

/// A schema refers to nothing outside itself: the library has no resolver that would fetch it.
fn check_schema(task: &TaskName, which: &str, schema: &str) -> Result<(), Refusal> {
    let bad = |why: String| malformed(format!("the {which} schema of task {task} {why}"));
    let seen = schema.len();
    if seen > SCHEMA_BYTES_MAX {
        return Err(refuse(format!(
            "the {which} schema of task {task} has {seen} bytes; allowed are {SCHEMA_BYTES_MAX}"
        )));
    }
    if schema.contains('\0') {
        return Err(bad("has a NUL".to_owned()));
    }
    let value: serde_json::Value =
        serde_json::from_str(schema).map_err(|error| bad(format!("is not JSON: {error}")))?;
    if !value.is_object() && !value.is_boolean() {
        return Err(bad("is not a JSON Schema: it is neither an object nor true or false".to_owned()));
    }
    jsonschema::meta::validate(&value).map_err(|error| bad(format!("is not a JSON Schema: {error}")))?;
    jsonschema::validator_for(&value).map_err(|error| bad(format!("cannot be used: {error}")))?;
    Ok(())
}

fn malformed(message: impl AsRef<str>) -> Refusal {
    Refusal { kind: RefusalKind::Malformed, message: storable_text(message.as_ref(), 1_000), hint: None }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bindings::exports::jobs::task::guest;

    fn said(name: &str) -> Description {
        Description {
            name: name.to_owned(),
            description: "a\0b".to_owned(),
            input_schema: Some(r#"{"type": "object", "required": ["to"]}"#.to_owned()),
            output_schema: None,
            limits: guest::Limits { fuel: Some(5), memory_bytes: None, timeout_ms: None },
            max_attempts: Some(3),
        }
    }

    #[test]
    fn a_description_becomes_a_task() {
        let tasks = check_all(vec![said("report")]).expect("it is fine");

        assert_eq!(tasks[0].name.as_str(), "report");
        assert_eq!(tasks[0].description, "a\u{fffd}b");
        assert_eq!(tasks[0].limits.fuel, Some(FuelChoice::Units(5)));
    }

    #[test]
    fn each_fault_of_a_description_is_named() {
        let schema = |schema: &str| Description { input_schema: Some(schema.to_owned()), ..said("t") };
        let limits = guest::Limits { fuel: Some(0), memory_bytes: None, timeout_ms: None };
        let cases = [
            (vec![said("a b")], "bad name"),
            (vec![said("t"), said("t")], "twice"),
            (vec![schema("{")], "not JSON"),
            (vec![schema("5")], "not a JSON Schema"),
            (vec![schema(r#"{"type": "strange"}"#)], "not a JSON Schema"),
            (vec![schema(r#"{"$ref": "http://127.0.0.1:1/x.json"}"#)], "cannot be used"),
            (vec![schema(r#"{"$ref": "file:///etc/passwd"}"#)], "cannot be used"),
            (vec![Description { limits, ..said("t") }], "fuel"),
            (vec![Description { max_attempts: Some(0), ..said("t") }], "attempts"),
        ];

        for (said, expected) in cases {
            let refusal = check_all(said).expect_err(expected);
            assert!(refusal.message.contains(expected), "{refusal}");
        }
    }
}
