//! What makes two submits of one idempotency key the same job.

use std::collections::BTreeMap;

use model::id::Digest;
use model::job::{NewJob, Priority, Start};
use model::name::TaskName;
use serde::Serialize;

use super::limit_columns;

/// What makes two submits of one key the same job: task, payload and options, but neither the id nor the
/// version that the task happened to resolve to.
///
/// It is stored with the key, so it must not change from release to release: what is new is left out where it is not
/// used.
#[must_use]
pub fn content(task: &TaskName, job: &NewJob) -> Digest {
    #[derive(Serialize)]
    struct Head<'a> {
        task: &'a TaskName,
        queue: &'a str,
        priority: Priority,
        start: String,
        max_attempts: Option<u32>,
        timeout_us: Option<i128>,
        expires_in_us: Option<u128>,
        tags: &'a BTreeMap<String, String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        limits: Option<String>,
    }
    let options = &job.options;
    let start = match options.start {
        Start::Now => "now".to_owned(),
        Start::After(wait) => format!("after {}", wait.as_micros()),
        Start::At(at) => format!("at {}", at.timestamp_micros()),
    };
    let (timeout_ms, limits) = limit_columns(&options.limits);
    let head = Head {
        task,
        queue: options.queue.as_str(),
        priority: options.priority,
        start,
        max_attempts: options.max_attempts,
        timeout_us: timeout_ms.map(|ms| i128::from(ms) * 1000),
        expires_in_us: options.expires_in.map(|wait| wait.as_micros()),
        tags: &options.tags,
        limits,
    };
    let mut bytes = serde_json::to_vec(&head).expect("plain fields become JSON");
    bytes.extend_from_slice(job.payload.as_bytes());
    Digest::of(&bytes)
}

#[cfg(test)]
mod tests {
    use model::id::{JobId, VersionId};
    use model::job::JobOptions;
    use model::json::Json;
    use model::limits::LimitOverrides;
    use model::name::Namespace;

    use super::*;

    fn content_of(limits: LimitOverrides) -> String {
        let job = NewJob {
            id: JobId(uuid::Uuid::nil()),
            namespace: Namespace::default(),
            version: VersionId(1),
            payload: Json::check("payload", b"{\"n\":1}".to_vec(), 100).expect("good JSON"),
            max_attempts: 5,
            options: JobOptions { limits, ..JobOptions::default() },
        };
        content(&"work".parse().expect("a good name"), &job).to_string()
    }

    #[test]
    fn a_job_of_an_older_release_still_stands_for_its_key() {
        let plain = content_of(LimitOverrides::default());
        let hasty = content_of(LimitOverrides { timeout_ms: Some(1500), ..LimitOverrides::default() });

        assert_eq!(plain, "412c7e858df233bb9589c66b638fa540e839faae57f7e922fdf9c082aa57aaee");
        assert_eq!(hasty, "3c57292bf137bb7a6fa2a421c6b1ea97224bde6aa9b0935a4d02512b058be47a");
    }

    #[test]
    fn every_limit_counts() {
        let small = LimitOverrides { memory_bytes: Some(1 << 20), ..LimitOverrides::default() };
        let other = LimitOverrides { memory_bytes: Some(2 << 20), ..LimitOverrides::default() };

        let contents = [content_of(LimitOverrides::default()), content_of(small), content_of(other)];

        assert_ne!(contents[0], contents[1]);
        assert_ne!(contents[1], contents[2]);
    }
}
