//! What others put between our keys: dropped, and said once in a while.

use std::sync::Mutex;
use std::time::{Duration, Instant};

/// Between two lines in the log, however much comes.
const QUIET: Duration = Duration::from_secs(60);

/// Counts what was dropped.
#[derive(Debug, Default)]
pub(crate) struct Junk(Mutex<Seen>);

#[derive(Debug, Default)]
struct Seen {
    said: Option<Instant>,
    since: u64,
}

impl Junk {
    /// `count` things were dropped that are no `what`.
    pub(crate) fn dropped(&self, count: usize, what: &'static str) {
        if let Some(count) = self.count(count as u64) {
            tracing::warn!(
                count,
                "dropped what is no {what} of ours from Redis; does somebody share our prefix?"
            );
        }
    }

    /// How many to speak of now; none while it is too early to speak again.
    fn count(&self, count: u64) -> Option<u64> {
        let mut seen = self.0.lock().expect("no one panics while counting");
        seen.since += count;
        if seen.since == 0 || seen.said.is_some_and(|said| said.elapsed() < QUIET) {
            return None;
        }
        seen.said = Some(Instant::now());
        Some(std::mem::take(&mut seen.since))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn much_junk_is_one_line() {
        let junk = Junk::default();

        assert_eq!(junk.count(0), None);
        assert_eq!(junk.count(3), Some(3));
        for _ in 0..1000 {
            assert_eq!(junk.count(5), None);
        }

        junk.0.lock().expect("lock").said = Instant::now().checked_sub(QUIET);
        assert_eq!(junk.count(1), Some(5001));
    }
}
