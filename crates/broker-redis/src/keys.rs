//! How things are called and written in Redis.

use broker::Reference;
use model::id::JobId;
use model::name::QueueKey;
use uuid::Uuid;

/// Keeps the urgencies apart: no due time in milliseconds is longer than this before the year 2286. Nine
/// times as much, and as many milliseconds, is still exact in a double.
const URGENCY: f64 = 1e13;

/// The names of our keys.
#[derive(Debug)]
pub(crate) struct Keys {
    prefix: String,
}

impl Keys {
    pub(crate) fn new(prefix: String) -> Self {
        Self { prefix }
    }

    /// The set of the queues' names.
    pub(crate) fn queues(&self) -> String {
        format!("{}queues", self.prefix)
    }

    /// The sorted set of one queue.
    pub(crate) fn queue(&self, queue: &QueueKey) -> String {
        format!("{}queue:{queue}", self.prefix)
    }

    pub(crate) fn generation(&self) -> String {
        format!("{}generation", self.prefix)
    }

    /// The channel of the wake-ups.
    pub(crate) fn signals(&self) -> String {
        format!("{}signals", self.prefix)
    }
}

/// The queue that is written `NAMESPACE/QUEUE`.
pub(crate) fn read_queue(text: &[u8]) -> Option<QueueKey> {
    let (namespace, queue) = std::str::from_utf8(text).ok()?.split_once('/')?;
    Some(QueueKey { namespace: namespace.parse().ok()?, queue: queue.parse().ok()? })
}

/// What orders references: the least leaves first.
#[expect(clippy::cast_precision_loss, reason = "what is clamped is exact in a double")]
pub(crate) fn score(reference: &Reference) -> f64 {
    let due_ms = reference.run_at.timestamp_millis().clamp(0, 9_999_999_999_999);
    f64::from(reference.priority.get()) * URGENCY + due_ms as f64
}

pub(crate) fn member(job: JobId) -> [u8; 16] {
    *job.0.as_bytes()
}

pub(crate) fn read_member(bytes: &[u8]) -> Option<JobId> {
    Uuid::from_slice(bytes).ok().map(JobId)
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, TimeDelta, Utc};
    use model::job::Priority;

    use super::*;

    fn at(priority: u8, run_at: DateTime<Utc>) -> f64 {
        score(&Reference {
            job: JobId(Uuid::nil()),
            queue: read_queue(b"default/q").expect("a queue"),
            priority: Priority::try_from(priority).expect("a priority"),
            run_at,
        })
    }

    #[test]
    fn the_score_tells_every_millisecond_apart_at_every_urgency() {
        let late = DateTime::from_timestamp_millis(9_999_999_999_998).expect("an instant");
        for priority in 1..=9 {
            assert!(at(priority, late) < at(priority, late + TimeDelta::milliseconds(1)));
        }
        for priority in 1..=8 {
            assert!(at(priority, DateTime::<Utc>::MAX_UTC) < at(priority + 1, DateTime::<Utc>::MIN_UTC));
        }
    }

    #[test]
    fn only_a_queue_s_name_is_read_as_one() {
        let queue = read_queue(b"my-team/q.1").expect("a queue");
        assert_eq!(queue.to_string(), "my-team/q.1");

        for junk in [&b""[..], b"q", b"/q", b"a/", b"a/b/c", b"a/b c", b"\xff/\xfe", &[b'x'; 100]] {
            assert_eq!(read_queue(junk), None, "{junk:?}");
        }
    }
}
