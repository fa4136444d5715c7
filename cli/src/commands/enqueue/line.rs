//! One line of a batch: `{"payload": …}` and any option of `enqueue` by name.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use model::error::Invalid;
use model::job::{JobOptions, Priority};
use model::json::Json;
use model::name::QueueName;
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use super::options::checked;
use crate::args::written::{Count, Fuel, Size, Span};
use crate::args::{JobFlags, LimitFlags, RunFlags, values};
use crate::commands::payload;

/// What a line may say. Names are those of the flags; `_` does for `-`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Line {
    // A payload of `null` is a payload.
    #[serde(default, deserialize_with = "present")]
    payload: Option<Box<RawValue>>,
    queue: Option<QueueName>,
    priority: Option<Priority>,
    delay: Option<Span>,
    at: Option<DateTime<Utc>>,
    key: Option<String>,
    #[serde(alias = "key_ttl")]
    key_ttl: Option<Span>,
    #[serde(alias = "max_attempts")]
    max_attempts: Option<u32>,
    #[serde(alias = "expires_in")]
    expires_in: Option<Span>,
    #[serde(alias = "tags")]
    tag: Option<Tags>,
    fuel: Option<Fuel>,
    memory: Option<Size>,
    #[serde(alias = "table_elements")]
    table_elements: Option<Count>,
    timeout: Option<Span>,
    #[serde(alias = "max_output")]
    max_output: Option<Size>,
    #[serde(alias = "max_log")]
    max_log: Option<Size>,
    #[serde(alias = "max_files")]
    max_files: Option<Size>,
    #[serde(alias = "host_calls")]
    host_calls: Option<Count>,
    #[serde(alias = "http_requests")]
    http_requests: Option<Count>,
    #[serde(alias = "http_bytes")]
    http_bytes: Option<Size>,
}

impl Line {
    fn limits(&self) -> LimitFlags {
        LimitFlags {
            fuel: self.fuel.map(Into::into),
            memory: self.memory.map(Into::into),
            table_elements: self.table_elements.map(Into::into),
            timeout: self.timeout.map(Into::into),
            max_output: self.max_output.map(Into::into),
            max_log: self.max_log.map(Into::into),
            max_files: self.max_files.map(Into::into),
            host_calls: self.host_calls.map(Into::into),
            http_requests: self.http_requests.map(Into::into),
            http_bytes: self.http_bytes.map(Into::into),
        }
    }
}

/// Tags as an object, or as a list of `KEY=VALUE`.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Tags {
    Object(BTreeMap<String, String>),
    List(Vec<String>),
}

fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Box<RawValue>>, D::Error> {
    Box::<RawValue>::deserialize(deserializer).map(Some)
}

/// Reads a line; what it does not say is as `flags` say. `flags` carry no key: it would be that of every line.
pub(super) fn read(bytes: &[u8], flags: &JobFlags) -> Result<(Json, JobOptions), Invalid> {
    let line: Line =
        serde_json::from_slice(bytes).map_err(|error| Invalid::new("line", error.to_string()))?;
    let limits = line.limits().or(&flags.run.limits);
    let payload = match line.payload {
        Some(raw) => payload::check(raw.get().as_bytes().to_vec())?,
        None => Json::default(),
    };
    let says_when = line.delay.is_some() || line.at.is_some();
    let run = RunFlags {
        queue: line.queue.or_else(|| flags.run.queue.clone()),
        priority: line.priority.map(Priority::get).or(flags.run.priority),
        max_attempts: line.max_attempts.or(flags.run.max_attempts),
        expires_in: line.expires_in.map(|span| span.0).or(flags.run.expires_in),
        tags: tags(line.tag, flags)?,
        limits,
    };
    let merged = JobFlags {
        delay: line.delay.map(|span| span.0).or(flags.delay.filter(|_| !says_when)),
        at: line.at.or(flags.at.filter(|_| !says_when)),
        key_ttl: line.key_ttl.map(|span| span.0).or(flags.key_ttl.filter(|_| line.key.is_some())),
        key: line.key,
        run,
    };
    Ok((payload, checked(&merged)?))
}

fn tags(line: Option<Tags>, flags: &JobFlags) -> Result<Vec<(String, String)>, Invalid> {
    let mut all = flags.run.tags.clone();
    match line {
        None => {}
        Some(Tags::Object(tags)) => all.extend(tags),
        Some(Tags::List(tags)) => {
            for tag in tags {
                all.push(values::pair(&tag).map_err(|problem| Invalid::new("tag", problem))?);
            }
        }
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use model::job::Start;
    use model::limits::{FuelChoice, LimitOverrides};

    use super::*;

    fn good(line: &str, flags: &JobFlags) -> (Json, JobOptions) {
        read(line.as_bytes(), flags).expect(line)
    }

    #[test]
    fn a_line_says_any_option_by_its_name() {
        let line = r#"{"payload": {"n": 1e400}, "queue": "q", "priority": 2, "delay": "5m", "key": "k", "key-ttl": "1h",
            "max_attempts": 3, "timeout": "2s", "expires-in": "7d", "tag": {"a": "b"}}"#;

        let (payload, options) = good(line, &JobFlags::default());

        assert_eq!(payload.as_bytes(), br#"{"n": 1e400}"#);
        assert_eq!((options.queue.as_str(), options.priority.get()), ("q", 2));
        assert_eq!(options.start, Start::After(Duration::from_secs(300)));
        assert_eq!(
            options.key.map(|key| (key.text, key.ttl)),
            Some(("k".to_owned(), Some(Duration::from_secs(3600))))
        );
        assert_eq!((options.max_attempts, options.limits.timeout_ms), (Some(3), Some(2_000)));
        assert_eq!(options.tags.get("a").map(String::as_str), Some("b"));
    }

    #[test]
    fn a_line_lowers_any_limit_and_leaves_the_others_to_the_flags() {
        let line = r#"{"fuel": 1, "memory": "2MiB", "table-elements": 3, "max_output": "4KiB", "max-log": 5, "max-files": 6,
            "host_calls": 7, "http-requests": 8, "http_bytes": "9KiB"}"#;
        let limits = LimitFlags {
            fuel: Some(FuelChoice::Units(100)),
            timeout: Some(Duration::from_secs(1)),
            ..LimitFlags::default()
        };
        let run = RunFlags { limits, ..RunFlags::default() };
        let flags = JobFlags { run, ..JobFlags::default() };

        let (_, options) = good(line, &flags);

        let expected = LimitOverrides {
            fuel: Some(FuelChoice::Units(1)),
            memory_bytes: Some(2 << 20),
            table_elements: Some(3),
            timeout_ms: Some(1_000),
            output_bytes: Some(4 << 10),
            log_bytes: Some(5),
            file_bytes: Some(6),
            host_calls: Some(7),
            http_requests: Some(8),
            http_bytes: Some(9 << 10),
        };
        assert_eq!(options.limits, expected);
    }

    #[test]
    fn a_line_wins_over_the_flags() {
        let run = RunFlags {
            queue: Some("flag".parse().expect("a name")),
            priority: Some(9),
            tags: vec![("a".to_owned(), "flag".to_owned()), ("b".to_owned(), "flag".to_owned())],
            ..RunFlags::default()
        };
        let flags = JobFlags { delay: Some(Duration::from_secs(1)), run, ..JobFlags::default() };

        let (_, options) =
            good(r#"{"priority": 1, "at": "2030-01-01T00:00:00+02:00", "tag": ["a=line"]}"#, &flags);

        assert_eq!((options.queue.as_str(), options.priority.get()), ("flag", 1));
        assert!(matches!(options.start, Start::At(at) if at.to_rfc3339() == "2029-12-31T22:00:00+00:00"));
        assert_eq!(options.tags.into_values().collect::<Vec<_>>(), ["line", "flag"]);
    }

    #[test]
    fn no_payload_is_an_empty_object_and_null_is_null() {
        assert_eq!(good("{}", &JobFlags::default()).0.as_bytes(), b"{}");
        assert_eq!(good(r#"{"payload": null}"#, &JobFlags::default()).0.as_bytes(), b"null");
    }

    #[test]
    fn what_is_not_known_or_does_not_fit_is_named() {
        let cases = [
            (r#"{"paylod": {}}"#, "paylod"),
            (r#"{"priority": 10}"#, "10"),
            (r#"{"delay": "soon"}"#, "soon"),
            (r#"{"memory": "big"}"#, "big"),
            (r#"{"host-calls": 1.5}"#, "1.5"),
            (r#"{"max-outptu": 1}"#, "max-outptu"),
            (r#"{"payload": {"#, "EOF"),
            (r#"{"key-ttl": "1s"}"#, "key-ttl"),
            ("[]", "line"),
        ];

        for (line, expected) in cases {
            let refusal = read(line.as_bytes(), &JobFlags::default()).expect_err(line).to_string();
            assert!(refusal.contains(expected), "{line}: {refusal}");
        }
    }
}
