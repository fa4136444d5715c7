//! The instants that a schedule names.

use chrono::{DateTime, FixedOffset, NaiveDate, TimeDelta, Utc};
use jiff::tz::TimeZone;
use model::bounds::DELAY_DAYS_MAX;
use model::schedule::{PERIOD_MS_MIN, ScheduleSpec, Timing};
use model::units::parse_duration;

use crate::civil::Civil;
use crate::clock::Clock;
use crate::every::Every;
use crate::{Refused, anomalies, grammar, segment, words, zone};

/// What an interval begins with.
const EVERY: &str = "@every";

const PERIOD_MS_MAX: u64 = DELAY_DAYS_MAX.unsigned_abs() * 24 * 60 * 60 * 1000;

/// Reads what `--cron` takes: a cron expression, or `@every 6h`, whose periods are counted from `anchor`. Checked in full
/// but for the time zone.
///
/// # Errors
/// Names the field of the expression, what is wrong with it and what to write instead.
pub fn timing(cron: &str, anchor: DateTime<Utc>) -> Result<Timing, Refused> {
    grammar::check_text(cron)?;
    if let Some((EVERY, period)) = cron.trim().split_once([' ', '\t']) {
        return Ok(Timing::Every { period_ms: period_ms(period.trim())?, anchor });
    }
    grammar::parse(cron)?;
    Ok(Timing::Cron(grammar::canonical(cron)?))
}

fn period_ms(text: &str) -> Result<u64, Refused> {
    const EXAMPLE: &str = "write a duration as in @every 90s, @every 6h or @every 1h30m";
    let refuse = |problem: String| Refused::new("cron", format!("{EVERY}: {problem}")).hint(EXAMPLE);
    let period = parse_duration(text).map_err(|invalid| refuse(invalid.problem))?;
    let ms = u64::try_from(period.as_millis()).unwrap_or(u64::MAX);
    if period.subsec_nanos() % 1_000_000 != 0 {
        return Err(refuse(format!("{text:?} is no whole number of milliseconds")));
    }
    if !(PERIOD_MS_MIN..=PERIOD_MS_MAX).contains(&ms) {
        return Err(refuse(format!(
            "{text:?} is not between 1 second and {DELAY_DAYS_MAX} days (ten years)"
        )));
    }
    Ok(ms)
}

/// The instants of a schedule.
///
/// It keeps the rules of its time zone as they were when it was made.
#[derive(Debug, Clone)]
pub struct Recurrence {
    pub(crate) when: When,
    /// The zone it is read, and shown, in.
    pub(crate) zone: TimeZone,
    pub(crate) starts_at: Option<DateTime<Utc>>,
    pub(crate) ends_at: Option<DateTime<Utc>>,
}

/// What makes the instants.
#[derive(Debug, Clone)]
pub(crate) enum When {
    Cron(Box<Clock>),
    Every(Every),
    At(DateTime<Utc>),
}

impl Recurrence {
    /// Reads a spec: its timing, zone and policies of daylight saving, its start and its end.
    ///
    /// # Errors
    /// A malformed expression, one that never fires, an unknown zone.
    pub fn of(spec: &ScheduleSpec) -> Result<Self, Refused> {
        let zone = zone::find(&spec.timezone)?;
        let when = match &spec.timing {
            Timing::Cron(text) => {
                let expression = grammar::parse(text)?;
                let civil = Civil::new(&expression)?;
                let (gap, overlap) = (spec.dst_gap, spec.dst_overlap);
                When::Cron(Box::new(Clock { expression, civil, zone: zone.clone(), gap, overlap }))
            }
            Timing::Every { period_ms, anchor } => {
                When::Every(Every::new(*period_ms, *anchor, spec.starts_at == Some(*anchor))?)
            }
            Timing::At(at) => When::At(*at),
        };
        Ok(Self { when, zone, starts_at: spec.starts_at, ends_at: spec.ends_at })
    }

    /// The first instant after `at`.
    #[must_use]
    pub fn after(&self, at: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let from = at.checked_add_signed(TimeDelta::nanoseconds(1))?;
        self.between(from, DateTime::<Utc>::MAX_UTC).next()
    }

    /// The instants from `from` on and before `before`, in their order.
    pub fn between(
        &self,
        from: DateTime<Utc>,
        before: DateTime<Utc>,
    ) -> impl Iterator<Item = DateTime<Utc>> + '_ {
        let (from, before) = self.window(from, before);
        let instants: Box<dyn Iterator<Item = DateTime<Utc>>> = match &self.when {
            When::Cron(clock) => Box::new(clock.forward(from, before)),
            When::Every(every) => Box::new(every.forward(from, before)),
            When::At(at) => Box::new(Some(*at).filter(|at| (from..before).contains(at)).into_iter()),
        };
        instants
    }

    /// The last instants, at most `most` of them, from `from` on and before `before`, in their order. Costs what it tells,
    /// however many there are.
    #[must_use]
    pub fn last(&self, from: DateTime<Utc>, before: DateTime<Utc>, most: usize) -> Vec<DateTime<Utc>> {
        let (from, before) = self.window(from, before);
        let mut instants: Vec<_> = match &self.when {
            When::Cron(clock) => clock.backward(from, before).take(most).collect(),
            When::Every(every) => every.backward(from, before).take(most).collect(),
            When::At(at) => {
                Some(*at).filter(|at| (from..before).contains(at)).into_iter().take(most).collect()
            }
        };
        instants.reverse();
        instants
    }

    /// How many instants there are from `from` on and before `before`. Costs little, however many there are.
    #[must_use]
    pub fn count(&self, from: DateTime<Utc>, before: DateTime<Utc>) -> u64 {
        let (from, before) = self.window(from, before);
        match &self.when {
            When::Cron(clock) => clock.count(from, before),
            When::Every(every) => every.count(from, before),
            When::At(at) => u64::from((from..before).contains(at)),
        }
    }

    /// The part of a time that lies between its start and its end.
    fn window(&self, from: DateTime<Utc>, before: DateTime<Utc>) -> (DateTime<Utc>, DateTime<Utc>) {
        let from = self.starts_at.map_or(from, |starts_at| from.max(starts_at));
        let before = self.ends_at.map_or(before, |ends_at| before.min(ends_at));
        (from, before)
    }

    /// What it says, in plain words: `at 09:30 on weekdays, Europe/Lisbon`.
    #[must_use]
    pub fn describe(&self) -> String {
        words::of(self)
    }

    /// What a clock in its zone reads at an instant.
    #[must_use]
    pub fn local(&self, at: DateTime<Utc>) -> DateTime<FixedOffset> {
        segment::local(&self.zone, at)
    }

    /// Days from `from` on and before `before` on which clocks change and it therefore fires otherwise than on others.
    #[must_use]
    pub fn anomalies(&self, from: DateTime<Utc>, before: DateTime<Utc>) -> Vec<Anomaly> {
        anomalies::between(self, from, before)
    }
}

/// A day on which a schedule fires otherwise than on others, because clocks change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Anomaly {
    /// The day, in the schedule's zone.
    pub day: NaiveDate,
    /// When clocks change.
    pub change_at: DateTime<Utc>,
    /// By how much, in seconds: forward is positive.
    pub shift_s: i32,
    /// What that means for the schedule, in plain words: `02:30 does not exist; it fires at 03:00`.
    pub effect: String,
    /// The instants of the schedule on that day.
    pub fires: Vec<DateTime<Utc>>,
}
