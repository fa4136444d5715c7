//! Which of the instants that have come may still fire.

use chrono::{DateTime, TimeDelta, Utc};
use model::schedule::{
    FireKind, MISSED_AFTER_MS_MAX, MISSED_ALL_MAX, Missed, ScheduleSpec, Skip, SkipReason,
};

use crate::Recurrence;

/// The instants that have come.
#[derive(Debug, Default)]
pub(super) struct Due {
    /// Those that fire if no run is in the way, in their order: at most [`MISSED_ALL_MAX`] and those of an hour.
    pub(super) instants: Vec<DateTime<Utc>>,
    /// Those that were missed and are not made up for.
    pub(super) missed: Option<Skip>,
}

/// The instants from `from` to `now`.
pub(super) fn due(
    spec: &ScheduleSpec,
    recurrence: &Recurrence,
    from: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Due {
    let missed_after_ms = spec.missed_after_ms.min(MISSED_AFTER_MS_MAX).cast_signed();
    let late_from = (now - TimeDelta::milliseconds(missed_after_ms)).max(from);
    let mut due = missed(spec.missed, recurrence, from, late_from);
    due.instants.extend(recurrence.between(late_from, now + TimeDelta::nanoseconds(1)));
    due
}

/// The missed instants: from `from` on and before `before`.
fn missed(policy: Missed, recurrence: &Recurrence, from: DateTime<Utc>, before: DateTime<Utc>) -> Due {
    if from >= before {
        return Due::default();
    }
    let most = match policy {
        Missed::Skip => 0,
        Missed::Last => 1,
        Missed::All => MISSED_ALL_MAX,
    };
    // One more than fires: the last that does not.
    let mut latest = recurrence.last(from, before, most + 1);
    if latest.len() <= most {
        return Due { instants: latest, missed: None };
    }
    let made_up = latest.split_off(1);
    let passed_over = latest.first().map(|until| skip(recurrence, from, *until));
    Due { instants: made_up, missed: passed_over }
}

/// The instants from `from` to `until`, which is one of them.
fn skip(recurrence: &Recurrence, from: DateTime<Utc>, until: DateTime<Utc>) -> Skip {
    let count = recurrence.count(from, until + TimeDelta::nanoseconds(1));
    Skip {
        from: recurrence.between(from, until).next().unwrap_or(until),
        until,
        count: Skip::counted(count),
        kind: FireKind::Clock,
        reason: SkipReason::Missed,
        detail: None,
    }
}
