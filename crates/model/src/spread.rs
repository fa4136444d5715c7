//! Spreads retries over time, so that what failed together does not come back together.
//!
//! Jitter alone spreads over half a back-off: of five thousand jobs that fail at once, all would come back within half a
//! second, upon what just failed under them. So whoever decides on retries keeps book of those that wait, by task and by
//! second, and a second that is full passes on to the next one:
//!
//! ```text
//!   5,000 jobs of one task fail at once
//!   without   │5000
//!   with      │250│250│250│250│250│250│ … for 20 seconds
//! ```
//!
//! A second is full when it holds a twentieth of all that wait, so there are never more than twenty full ones, and no
//! retry is put off by more than that.

use std::collections::{BTreeMap, HashMap};
use std::hash::Hash;
use std::time::Duration;

use rand::Rng;

/// Retries of one task that a second takes however few wait: fifty more short jobs are no burden to anybody, and
/// what fails singly keeps the wait it was given.
pub const SECOND_MIN: u64 = 50;

/// A second takes one in so many of the retries of a task that wait: whatever instant a span of a second begins at, it
/// holds no more than a tenth of them.
pub const SECOND_SHARE: u64 = 20;

/// Seconds in the book at the most, those of all tasks together: a few MiB. Beyond that retries keep the waits they were
/// given.
const SECONDS_MAX: usize = 1 << 16;

/// The retries that wait, by task (or whatever `K` tells apart) and second.
#[derive(Debug)]
pub struct Spread<K> {
    books: HashMap<K, Book>,
    /// Seconds in all books.
    seconds: usize,
    /// The second it was last tidied in.
    tidied: u64,
}

/// The retries of one task that wait.
#[derive(Debug, Default)]
struct Book {
    /// How many in each second.
    taken: BTreeMap<u64, u64>,
    /// How many in all.
    waiting: u64,
}

impl<K> Default for Spread<K> {
    fn default() -> Self {
        Self { books: HashMap::new(), seconds: 0, tidied: 0 }
    }
}

impl<K: Eq + Hash> Spread<K> {
    /// Enters a retry of `task` that is to wait for `wait`, and tells how long it waits instead: as long, unless that
    /// second is full; never less, and about twenty seconds more at the most. `now` is counted from any instant, always
    /// the same one, and does not go back.
    pub fn place(&mut self, task: K, now: Duration, wait: Duration, rng: &mut impl Rng) -> Duration {
        self.tidy(now.as_secs());
        let has_room = self.seconds < SECONDS_MAX;
        let book = self.books.entry(task).or_default();
        let most = ((book.waiting + 1) / SECOND_SHARE).max(SECOND_MIN);
        let wanted = now.saturating_add(wait).as_secs();
        let is_full = |second: &u64| book.taken.get(second).is_some_and(|taken| *taken >= most);
        let second = (wanted..=u64::MAX).find(|second| !is_full(second)).unwrap_or(wanted);
        if has_room || book.taken.contains_key(&second) {
            let taken = book.taken.entry(second).or_insert(0);
            self.seconds += usize::from(*taken == 0);
            *taken += 1;
            book.waiting += 1;
        }
        if second == wanted {
            return wait;
        }
        let within = Duration::from_nanos(rng.random_range(0..1_000_000_000));
        Duration::from_secs(second).saturating_add(within).saturating_sub(now)
    }

    /// Forgets the seconds before `now`: what stood in them waits no more.
    fn tidy(&mut self, now: u64) {
        if now <= self.tidied {
            return;
        }
        self.tidied = now;
        let mut left = 0;
        self.books.retain(|_, book| {
            book.taken = book.taken.split_off(&now);
            book.waiting = book.taken.values().sum();
            left += book.taken.len();
            !book.taken.is_empty()
        });
        self.seconds = left;
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand::rngs::StdRng;

    use super::*;
    use crate::retry::{BACKOFF_MAX, backoff};

    const NOW: Duration = Duration::from_millis(1_000_700);

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    /// Where as many retries come to lie that are decided on at `NOW`, sorted.
    fn placed(count: usize, wait: impl Fn(&mut StdRng) -> Duration) -> Vec<Duration> {
        let mut rng = StdRng::seed_from_u64(7);
        let mut spread = Spread::default();
        let place = |_| {
            let wait = wait(&mut rng);
            let placed = spread.place("t", NOW, wait, &mut rng);
            assert!(placed >= wait && placed <= wait + seconds(21), "{placed:?} of {wait:?}");
            placed
        };
        let mut placed: Vec<Duration> = (0..count).map(place).collect();
        placed.sort_unstable();
        placed
    }

    /// The most that any span of a second holds, wherever it begins.
    fn fullest(placed: &[Duration]) -> usize {
        let within = |(n, from)| placed[n..].partition_point(|at| *at < from + seconds(1));
        placed.iter().copied().enumerate().map(within).max().unwrap_or(0)
    }

    #[test]
    fn of_five_thousand_that_fail_at_once_no_second_holds_more_than_a_tenth() {
        for failures in [0, 1, 5, 99] {
            let placed = placed(5_000, |rng| backoff(failures, rng));

            assert!(fullest(&placed) <= 500, "{failures}: {}", fullest(&placed));
        }
    }

    #[test]
    fn what_failed_together_is_back_within_twenty_seconds_of_its_wait() {
        let placed = placed(5_000, |_| seconds(3));

        let (first, last) = (placed[0], placed[4_999]);
        assert!(first == seconds(3) && last > seconds(20) && last < seconds(24), "{first:?} {last:?}");
    }

    #[test]
    fn a_lone_failure_keeps_the_wait_it_was_given() {
        let mut rng = StdRng::seed_from_u64(7);
        let mut spread = Spread::default();

        for failures in 0..100 {
            let wait = backoff(failures, &mut rng);
            let now = NOW + seconds(u64::from(failures) * 7_200);
            assert_eq!(spread.place("t", now, wait, &mut rng), wait);
        }
    }

    #[test]
    fn few_failures_are_not_put_off() {
        let waits = placed(50, |_| seconds(60));

        assert_eq!(waits, vec![seconds(60); 50]);
    }

    #[test]
    fn no_retry_comes_earlier_than_it_may() {
        let placed = placed(1_000, |_| seconds(60));

        assert_eq!(placed[0], seconds(60));
    }

    #[test]
    fn the_ceiling_is_exceeded_by_the_spread_alone() {
        let placed = placed(5_000, |_| BACKOFF_MAX);

        assert!(*placed.last().expect("some") <= BACKOFF_MAX + seconds(21));
    }

    #[test]
    fn tasks_do_not_wait_for_each_other() {
        let mut rng = StdRng::seed_from_u64(7);
        let mut spread = Spread::default();
        for _ in 0..5_000 {
            spread.place("crowded", NOW, seconds(1), &mut rng);
        }

        assert_eq!(spread.place("other", NOW, seconds(1), &mut rng), seconds(1));
        assert!(spread.place("crowded", NOW, seconds(1), &mut rng) > seconds(1));
    }

    #[test]
    fn what_came_due_waits_no_more() {
        let mut rng = StdRng::seed_from_u64(7);
        let mut spread = Spread::default();
        for _ in 0..5_000 {
            spread.place("t", NOW, seconds(1), &mut rng);
        }

        let later = NOW + seconds(100);
        assert_eq!(spread.place("t", later, seconds(1), &mut rng), seconds(1));
        assert_eq!((spread.seconds, spread.books["t"].waiting), (1, 1));
    }

    #[test]
    fn the_book_stays_small_whatever_is_asked_for() {
        let mut rng = StdRng::seed_from_u64(7);
        let mut spread = Spread::default();

        for n in 0..200_000_u64 {
            let wait = seconds(n % 70_000);
            assert!(spread.place(n % 3, NOW, wait, &mut rng) >= wait);
        }
        assert!(spread.seconds <= SECONDS_MAX, "{}", spread.seconds);
        assert_eq!(spread.place(9, NOW, Duration::MAX, &mut rng), Duration::MAX);
        spread.place(1, NOW + seconds(1_000_000), seconds(1), &mut rng);
        assert_eq!((spread.seconds, spread.books.len()), (1, 1), "what is over is forgotten");
    }
}
