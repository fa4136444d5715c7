//! What a job may say besides task and payload, read from its message.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use model::bounds::DELAY_DAYS_MAX;
use model::error::Invalid;
use model::job::{JobOptions, Key, Priority, Start};
use model::name::QueueName;
use rpc::v1;

use crate::limits;

/// Reads and checks options.
///
/// # Errors
/// Names the first that does not fit, its limit and the value seen.
pub(super) fn read(options: v1::JobOptions, now: DateTime<Utc>) -> Result<JobOptions, Invalid> {
    let start = start(&options, now)?;
    let queue = match options.queue.as_str() {
        "" => QueueName::default(),
        name => name.parse()?,
    };
    let priority = match options.priority {
        0 => Priority::default(),
        number => Priority::try_from(u8::try_from(number).unwrap_or(u8::MAX))?,
    };
    let ttl = options.key_ttl_ms.map(|ms| span("key-ttl", ms)).transpose()?;
    if options.key.is_empty() && ttl.is_some() {
        return Err(Invalid::new("key-ttl", "is for a key, and there is none"));
    }
    let options = JobOptions {
        queue,
        priority,
        start,
        key: Some(options.key).filter(|text| !text.is_empty()).map(|text| Key { text, ttl }),
        max_attempts: Some(options.max_attempts).filter(|attempts| *attempts > 0),
        limits: limits::read(options.limits)?,
        expires_in: options.expires_in_ms.map(|ms| span("expires-in", ms)).transpose()?,
        tags: options.tags.into_iter().collect(),
    };
    options.check()?;
    Ok(options)
}

fn start(options: &v1::JobOptions, now: DateTime<Utc>) -> Result<Start, Invalid> {
    match (options.delay_ms, options.at) {
        (Some(_), Some(_)) => Err(Invalid::new("delay", "say either a delay or an instant, not both")),
        (Some(0), None) | (None, None) => Ok(Start::Now),
        (Some(ms), None) => Ok(Start::After(span("delay", ms)?)),
        (None, Some(at)) => {
            let at = rpc::instant("at", at)?;
            if at - now > TimeDelta::days(DELAY_DAYS_MAX) {
                return Err(Invalid::new(
                    "at",
                    format!("{at} is more than {DELAY_DAYS_MAX} days (ten years) ahead"),
                ));
            }
            Ok(Start::At(at))
        }
    }
}

/// A length of time that is no longer than a job may be delayed.
fn span(field: &'static str, ms: u64) -> Result<Duration, Invalid> {
    let most = Duration::from_secs(DELAY_DAYS_MAX.unsigned_abs() * 24 * 60 * 60);
    let length = Duration::from_millis(ms);
    if length > most {
        return Err(Invalid::new(field, format!("{ms} ms are more than {DELAY_DAYS_MAX} days (ten years)")));
    }
    Ok(length)
}

#[cfg(test)]
mod tests {
    use model::clock::{Clock, SystemClock};

    use super::*;

    #[test]
    fn what_is_left_out_takes_the_usual_value() {
        let options = read(v1::JobOptions::default(), SystemClock.now());

        assert_eq!(options, Ok(JobOptions::default()));
    }

    #[test]
    fn each_option_that_does_not_fit_is_named() {
        let now = SystemClock.now();
        let far = rpc::timestamp(now + TimeDelta::days(4_000));
        let options = v1::JobOptions::default;
        let timeout = v1::LimitOverrides { timeout_ms: Some(0), ..v1::LimitOverrides::default() };
        let cases = [
            ("priority", v1::JobOptions { priority: 10, ..options() }),
            ("priority", v1::JobOptions { priority: 300, ..options() }),
            ("queue", v1::JobOptions { queue: "a b".to_owned(), ..options() }),
            ("delay", v1::JobOptions { delay_ms: Some(1), at: Some(far), ..options() }),
            ("delay", v1::JobOptions { delay_ms: Some(u64::MAX), ..options() }),
            ("at", v1::JobOptions { at: Some(far), ..options() }),
            ("key-ttl", v1::JobOptions { key_ttl_ms: Some(1), ..options() }),
            ("key", v1::JobOptions { key: "x".repeat(256), ..options() }),
            ("max-attempts", v1::JobOptions { max_attempts: 1_001, ..options() }),
            ("timeout", v1::JobOptions { limits: Some(timeout), ..options() }),
            ("tag", v1::JobOptions { tags: [(String::new(), String::new())].into(), ..options() }),
        ];

        for (field, options) in cases {
            assert_eq!(read(options, now).expect_err(field).field, field);
        }
    }
}
