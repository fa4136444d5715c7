//! Payloads held against the input schema of their task, in the same words wherever that is done.

use jsonschema::Validator;
use model::bounds::SCHEMA_BYTES_MAX;
use model::error::storable_text;
use model::json::Json;
use serde_json::Value;

/// How many violations an error names.
const VIOLATIONS_MAX: usize = 5;

/// Longest text of one violation in an error; it may quote the payload.
const VIOLATION_BYTES_MAX: usize = 300;

/// A compiled JSON Schema.
#[derive(Debug)]
pub struct Schema(Validator);

impl Schema {
    /// Compiles a schema; it refers to nothing outside itself. It takes time: not for a thread that others wait for.
    ///
    /// # Errors
    /// Says what is wrong with it, to be put after its name.
    pub fn compile(schema: &str) -> Result<Self, String> {
        if schema.len() > SCHEMA_BYTES_MAX {
            return Err(format!("has {} bytes; allowed are {SCHEMA_BYTES_MAX}", schema.len()));
        }
        let value: Value = serde_json::from_str(schema).map_err(|error| format!("is not JSON: {error}"))?;
        jsonschema::meta::validate(&value).map_err(|error| format!("is not a JSON Schema: {error}"))?;
        jsonschema::validator_for(&value).map(Self).map_err(|error| format!("cannot be used: {error}"))
    }

    /// Checks a payload.
    ///
    /// # Errors
    /// Names the path of what does not fit.
    pub fn check(&self, payload: &Json) -> Result<(), String> {
        let value: Value = serde_json::from_slice(payload.as_bytes())
            .map_err(|error| format!("payload: cannot be checked against the schema: {error}"))?;
        let mut violations = self.0.iter_errors(&value);
        let named: Vec<String> = violations
            .by_ref()
            .take(VIOLATIONS_MAX)
            .map(|violation| {
                let path = violation.instance_path().as_str();
                let at = if path.is_empty() { "payload".to_owned() } else { format!("payload at {path}") };
                format!("{at}: {}", storable_text(&violation.to_string(), VIOLATION_BYTES_MAX))
            })
            .collect();
        if named.is_empty() {
            return Ok(());
        }
        let more = if violations.next().is_some() { "; and more" } else { "" };
        Err(format!("{}{more}", named.join("; ")))
    }
}
