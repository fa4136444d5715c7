//! What schedules owe: which instants something must have become of, worked out without the code that fires them.

use chrono::{DateTime, Utc};
use history::Schedule;
use model::schedule::{FireKind, Pending, ScheduleSpec, Timing};
use serde::Deserialize;

const SECOND_US: i64 = 1_000_000;

/// A schedule as `truth.sql` tells it.
#[derive(Debug, Deserialize)]
pub(crate) struct Kept {
    name: String,
    /// A [`ScheduleSpec`] as JSON, unless a stage spoilt it.
    spec: String,
    /// A list of [`Pending`] as JSON.
    pending: Option<String>,
    updated_us: i64,
    /// The first instant that is not decided; none: there is none.
    next_us: Option<i64>,
}

impl Kept {
    /// The instants that it owes since then. None when its timing has no period that is plain to see, or nobody can say
    /// up to where.
    pub(crate) fn owed(self, since_us: i64) -> Option<Schedule> {
        let spec: ScheduleSpec = serde_json::from_str(&self.spec).ok()?;
        let pending: Vec<Pending> =
            self.pending.map_or(Some(Vec::new()), |it| serde_json::from_str(&it).ok())?;
        let (period_us, origin_us) = period(&spec.timing)?;
        let starts_us = spec.starts_at.map(micros);
        // What came within a second of its making may have come before it.
        let mut after_us = since_us.max(self.updated_us + SECOND_US);
        after_us = starts_us.map_or(after_us, |starts_us| after_us.max(starts_us - 1));
        if let Timing::Every { .. } = spec.timing {
            // The anchor itself is an instant only of a schedule that starts with it.
            after_us = after_us.max(origin_us - i64::from(starts_us == Some(origin_us)));
        }
        let waits = pending.iter().filter(|it| it.kind == FireKind::Clock).map(|it| micros(it.instant));
        let undecided = [self.next_us, spec.ends_at.map(micros), waits.min()];
        let before_us = undecided.into_iter().flatten().min()?;
        let periods = (after_us - origin_us).div_euclid(period_us) + 1;
        let first_us = origin_us + periods * period_us;
        Some(Schedule { name: self.name, first_us, last_us: before_us - 1, period_us })
    }
}

/// From one instant to the next, and one that all are counted from.
fn period(timing: &Timing) -> Option<(i64, i64)> {
    match timing {
        Timing::Every { period_ms, anchor } => {
            Some((i64::try_from(*period_ms).ok()?.checked_mul(1_000)?, micros(*anchor)))
        }
        Timing::Cron(expression) => {
            let seconds = match expression.split_whitespace().collect::<Vec<_>>()[..] {
                ["*", "*", "*", "*", "*"] => 60,
                ["*", "*", "*", "*", "*", "*"] => 1,
                [step, "*", "*", "*", "*", "*"] => {
                    step.strip_prefix("*/")?.parse().ok().filter(|step| *step > 0 && 60 % step == 0)?
                }
                _ => return None,
            };
            Some((seconds * SECOND_US, 0))
        }
        Timing::At(_) => None,
    }
}

fn micros(at: DateTime<Utc>) -> i64 {
    at.timestamp_micros()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec(timing: Timing) -> ScheduleSpec {
        ScheduleSpec::new("t".parse().expect("a task"), timing)
    }

    fn kept(spec: &ScheduleSpec) -> Kept {
        let (spec, next_us) = (serde_json::to_string(spec).expect("JSON"), Some(20 * SECOND_US));
        Kept { name: "s".to_owned(), spec, pending: None, updated_us: SECOND_US / 2, next_us }
    }

    fn at(second: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(second, 0).expect("an instant")
    }

    /// First and last, in whole seconds, and the period.
    fn owed(kept: Kept) -> Option<(i64, i64, i64)> {
        let owed = kept.owed(0)?;
        Some((owed.first_us / SECOND_US, owed.last_us / SECOND_US, owed.period_us / SECOND_US))
    }

    #[test]
    fn cron_of_seconds_and_minutes_has_a_period() {
        let cron = |text: &str| owed(kept(&spec(Timing::Cron(text.to_owned()))));

        assert_eq!(cron("* * * * * *"), Some((2, 19, 1)));
        assert_eq!(cron("*/5 * * * * *"), Some((5, 19, 5)));
        assert_eq!(cron("* * * * *"), Some((60, 19, 60)));
        assert_eq!([cron("*/7 * * * * *"), cron("0 9 * * *"), cron("*/0 * * * * *")], [None; 3]);
    }

    #[test]
    fn a_period_is_counted_from_its_anchor() {
        let every = spec(Timing::Every { period_ms: 3_000, anchor: at(10) });
        let from_its_start = ScheduleSpec { starts_at: Some(at(10)), ..every.clone() };

        assert_eq!(owed(kept(&every)), Some((13, 19, 3)));
        assert_eq!(owed(kept(&from_its_start)), Some((10, 19, 3)));
    }

    #[test]
    fn what_waits_and_what_comes_later_is_not_owed() {
        let each_second = spec(Timing::Cron("* * * * * *".to_owned()));
        let pending = r#"[{"instant": "1970-01-01T00:00:09Z", "kind": "clock"}]"#;
        let waiting = Kept { pending: Some(pending.to_owned()), ..kept(&each_second) };
        let ended = ScheduleSpec { ends_at: Some(at(7)), ..each_second };
        let ended = Kept { next_us: None, ..kept(&ended) };

        assert_eq!((owed(waiting), owed(ended)), (Some((2, 8, 1)), Some((2, 6, 1))));
    }

    #[test]
    fn nothing_is_known_of_what_was_spoilt() {
        let each_second = spec(Timing::Cron("* * * * * *".to_owned()));

        assert_eq!(owed(Kept { spec: "{".to_owned(), ..kept(&each_second) }), None);
    }
}
