//! Instants of one distance.

use chrono::{DateTime, TimeDelta, Utc};
use model::schedule::PERIOD_MS_MIN;

use crate::Refused;

/// `anchor`, `anchor + period`, and so on, or without the anchor.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Every {
    pub(crate) period: TimeDelta,
    anchor: DateTime<Utc>,
    /// The first instant is so many periods after the anchor: 0 or 1.
    first: i64,
}

impl Every {
    /// Every `period_ms`, the anchor itself too if it `counts`.
    ///
    /// # Errors
    /// When the period is no period.
    pub(crate) fn new(period_ms: u64, anchor: DateTime<Utc>, counts: bool) -> Result<Self, Refused> {
        let period = i64::try_from(period_ms).ok().and_then(TimeDelta::try_milliseconds);
        match period.filter(|_| period_ms >= PERIOD_MS_MIN) {
            Some(period) => Ok(Self { period, anchor, first: i64::from(!counts) }),
            None => Err(Refused::new("every", format!("{period_ms} ms are no period of at least 1 second"))),
        }
    }

    /// Its instants from `from` on and before `before`.
    pub(crate) fn forward(
        self,
        from: DateTime<Utc>,
        before: DateTime<Utc>,
    ) -> impl Iterator<Item = DateTime<Utc>> {
        let first = self.periods_until(from).max(self.first);
        (first..).map_while(move |periods| self.instant(periods)).take_while(move |instant| *instant < before)
    }

    /// Its instants before `before` and from `from` on, the latest first.
    pub(crate) fn backward(
        self,
        from: DateTime<Utc>,
        before: DateTime<Utc>,
    ) -> impl Iterator<Item = DateTime<Utc>> {
        let end = self.periods_until(before);
        (self.first..end)
            .rev()
            .map_while(move |periods| self.instant(periods))
            .take_while(move |instant| *instant >= from)
    }

    /// How many instants it has from `from` on and before `before`.
    pub(crate) fn count(self, from: DateTime<Utc>, before: DateTime<Utc>) -> u64 {
        let ends = (self.forward(from, before).next(), self.backward(from, before).next());
        let (Some(first), Some(last)) = ends else { return 0 };
        let periods = (last - first).num_milliseconds() / self.period.num_milliseconds();
        periods.unsigned_abs() + 1
    }

    /// How many periods after the anchor its first instant from `at` on is, were there no first one.
    fn periods_until(self, at: DateTime<Utc>) -> i64 {
        let period_ms = self.period.num_milliseconds();
        let passed = at - self.anchor;
        let periods = passed.num_milliseconds().div_euclid(period_ms);
        // Both the division and the milliseconds rounded down, or up where the time is negative.
        let candidates = [periods - 1, periods, periods + 1];
        candidates
            .into_iter()
            .find(|periods| self.instant(*periods).is_none_or(|instant| instant >= at))
            .unwrap_or(periods + 1)
    }

    fn instant(self, periods: i64) -> Option<DateTime<Utc>> {
        let after_ms = self.period.num_milliseconds().checked_mul(periods)?;
        self.anchor.checked_add_signed(TimeDelta::try_milliseconds(after_ms)?)
    }
}
