//! Times and lengths of time as people and programs read them.

use std::time::Duration;

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use model::units::show_duration;
use prost_types::Timestamp;

use crate::args::TimeStyle;

/// How times are shown in text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Times {
    pub(crate) style: TimeStyle,
    pub(crate) now: DateTime<Utc>,
}

impl Times {
    /// An instant for people.
    pub(crate) fn at(&self, at: Option<&Timestamp>) -> String {
        let Some(at) = at.and_then(instant) else {
            return "-".to_owned();
        };
        match self.style {
            TimeStyle::Iso => exact(at),
            TimeStyle::Relative => relative(at, self.now),
        }
    }

    /// An instant of a schedule for people, where there is little room.
    pub(crate) fn of_schedule(&self, at: Option<&Timestamp>) -> Option<String> {
        let at = at.and_then(instant)?;
        Some(match self.style {
            TimeStyle::Iso => said(at),
            TimeStyle::Relative => relative(at, self.now),
        })
    }

    /// An instant of a schedule for people: which it is, and how far away.
    pub(crate) fn at_both(&self, at: DateTime<Utc>) -> String {
        match self.style {
            TimeStyle::Iso => said(at),
            TimeStyle::Relative => format!("{} ({})", said(at), relative(at, self.now)),
        }
    }
}

/// RFC 3339 in UTC, for programs.
pub(crate) fn rfc3339(at: Option<&Timestamp>) -> Option<String> {
    at.and_then(instant).map(exact)
}

/// An instant of a schedule: as its payload gets it, without a fraction of a second when there is none.
pub(crate) fn said(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::AutoSi, true)
}

/// The same for what travels.
pub(crate) fn said_of(at: Option<&Timestamp>) -> Option<String> {
    at.and_then(instant).map(said)
}

pub(crate) fn instant(at: &Timestamp) -> Option<DateTime<Utc>> {
    rpc::instant("time", *at).ok()
}

/// An instant for programs.
pub(crate) fn exact(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Micros, true)
}

pub(crate) fn relative(at: DateTime<Utc>, now: DateTime<Utc>) -> String {
    let gap = now - at;
    match gap.num_seconds() {
        -1..=0 => "now".to_owned(),
        ahead if ahead < 0 => format!("in {}", span(-gap)),
        _ => format!("{} ago", span(gap)),
    }
}

/// A length of time in its largest sensible unit.
pub(crate) fn span(length: TimeDelta) -> String {
    let seconds = length.num_seconds();
    match seconds {
        ..60 => format!("{seconds} s"),
        60..3_600 => format!("{} min", length.num_minutes()),
        3_600..172_800 => format!("{} h", length.num_hours()),
        _ => format!("{} d", length.num_days()),
    }
}

/// Milliseconds: `0.42ms`, `15ms`, `1m 30s`.
pub(crate) fn milliseconds(ms: f64) -> String {
    match ms {
        ..10.0 => format!("{ms:.2}ms"),
        10.0..1_000.0 => format!("{ms:.0}ms"),
        _ => show_duration(Duration::try_from_secs_f64(ms / 1_000.0).unwrap_or(Duration::MAX)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_relative_unless_exact_ones_are_wanted() {
        let now = DateTime::UNIX_EPOCH + TimeDelta::days(100);
        let at = rpc::timestamp(now - TimeDelta::minutes(3));
        let shown = |style| Times { style, now }.at(Some(&at));

        assert_eq!(shown(TimeStyle::Relative), "3 min ago");
        assert_eq!(shown(TimeStyle::Iso), "1970-04-10T23:57:00.000000Z");
        assert_eq!(relative(now + TimeDelta::hours(2), now), "in 2 h");
        assert_eq!(relative(now, now), "now");
        assert_eq!(Times { style: TimeStyle::Iso, now }.at(None), "-");
    }

    #[test]
    fn short_times_keep_their_digits() {
        assert_eq!(milliseconds(0.42), "0.42ms");
        assert_eq!(milliseconds(15.4), "15ms");
        assert_eq!(milliseconds(90_000.0), "1m 30s");
    }
}
