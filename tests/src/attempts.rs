//! What a job's JSON says of its attempts.

use serde_json::Value;

/// How each attempt ended, oldest first; `running` for one that has not.
///
/// # Panics
/// When the job has no list of attempts.
#[must_use]
pub fn outcomes(job: &Value) -> Vec<&str> {
    let attempts = job["attempts"].as_array().expect("a list");
    attempts.iter().map(|attempt| attempt["outcome"].as_str().unwrap_or("running")).collect()
}

/// The number of the host, from 0, that runs the job's last attempt.
///
/// # Panics
/// When it has no attempt, or not on a host of a [`crate::System`].
#[must_use]
pub fn host_of(job: &Value) -> usize {
    let attempt = job["attempts"].as_array().and_then(|attempts| attempts.last()).expect("an attempt");
    let name = attempt["host"].as_str().expect("a host");
    let number: usize = name.strip_prefix("host-").and_then(|number| number.parse().ok()).expect(name);
    number - 1
}
