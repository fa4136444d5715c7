//! The options of a job: from flags and lines to what travels.

use model::error::Invalid;
use model::job::{JobOptions, Key, Start};
use model::units::millis;
use rpc::v1;

use crate::args::JobFlags;

/// The options that `flags` stand for, checked as the server checks them.
pub(super) fn checked(flags: &JobFlags) -> Result<JobOptions, Invalid> {
    let start = match (flags.delay, flags.at) {
        (Some(_), Some(_)) => return Err(Invalid::new("delay", "cannot be used with at")),
        (Some(delay), None) => Start::After(delay),
        (None, Some(at)) => Start::At(at),
        (None, None) => Start::Now,
    };
    let key = match (&flags.key, flags.key_ttl) {
        (Some(text), ttl) => Some(Key { text: text.clone(), ttl }),
        (None, Some(_)) => return Err(Invalid::new("key-ttl", "needs a key")),
        (None, None) => None,
    };
    let run = &flags.run;
    let options = JobOptions {
        queue: run.queue.clone().unwrap_or_default(),
        priority: run.priority.map(TryInto::try_into).transpose()?.unwrap_or_default(),
        start,
        key,
        max_attempts: run.max_attempts,
        limits: run.limits.checked()?,
        expires_in: run.expires_in,
        tags: run.tags.iter().cloned().collect(),
    };
    options.check()?;
    Ok(options)
}

/// Options as they travel.
pub(super) fn message(options: &JobOptions) -> v1::JobOptions {
    let (delay_ms, at) = match options.start {
        Start::Now => (None, None),
        Start::After(delay) => (Some(millis(delay)), None),
        Start::At(at) => (None, Some(rpc::timestamp(at))),
    };
    v1::JobOptions {
        queue: options.queue.as_str().to_owned(),
        priority: options.priority.get().into(),
        delay_ms,
        at,
        key: options.key.as_ref().map(|key| key.text.clone()).unwrap_or_default(),
        key_ttl_ms: options.key.as_ref().and_then(|key| key.ttl).map(millis),
        max_attempts: options.max_attempts.unwrap_or_default(),
        expires_in_ms: options.expires_in.map(millis),
        tags: options.tags.clone().into_iter().collect(),
        limits: Some(options.limits.clone()).filter(|limits| !limits.is_empty()).map(Into::into),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::args::{LimitFlags, RunFlags};

    fn timeout(timeout: Duration) -> LimitFlags {
        LimitFlags { timeout: Some(timeout), ..LimitFlags::default() }
    }

    fn run(run: RunFlags) -> JobFlags {
        JobFlags { run, ..JobFlags::default() }
    }

    #[test]
    fn flags_become_what_travels() {
        let flags = JobFlags {
            delay: Some(Duration::from_secs(90)),
            key: Some("k".to_owned()),
            key_ttl: Some(Duration::from_millis(5)),
            run: RunFlags {
                priority: Some(1),
                tags: vec![("a".to_owned(), "b".to_owned())],
                ..RunFlags::default()
            },
            ..JobFlags::default()
        };

        let sent = message(&checked(&flags).expect("good flags"));

        assert_eq!((sent.queue.as_str(), sent.priority, sent.delay_ms), ("default", 1, Some(90_000)));
        assert_eq!((sent.key.as_str(), sent.key_ttl_ms), ("k", Some(5)));
        assert_eq!(sent.tags.get("a").map(String::as_str), Some("b"));
        assert_eq!((sent.max_attempts, sent.limits, sent.at), (0, None, None));
    }

    #[test]
    fn options_that_do_not_fit_are_refused_by_name() {
        let second = Some(Duration::from_secs(1));
        let cases = [
            (JobFlags { key_ttl: second, ..JobFlags::default() }, "key-ttl"),
            (JobFlags { key: Some(String::new()), ..JobFlags::default() }, "key"),
            (run(RunFlags { max_attempts: Some(1_001), ..RunFlags::default() }), "max-attempts"),
            (run(RunFlags { limits: timeout(Duration::ZERO), ..RunFlags::default() }), "timeout"),
            (run(RunFlags { tags: vec![(String::new(), String::new())], ..RunFlags::default() }), "tag"),
        ];

        for (flags, field) in cases {
            assert_eq!(checked(&flags).expect_err(field).field, field);
        }
    }
}
