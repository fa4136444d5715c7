//! What the calendar here tells of a schedule.

use chrono::{DateTime, TimeDelta, Utc};
use recurrence::{Recurrence, Zone};
use rpc::v1;

use super::spec;
use crate::show::schedule_fires::Told;
use crate::show::time::instant;

/// How far ahead changes of clocks are told: in a year each comes once.
const AHEAD: TimeDelta = TimeDelta::days(366);

/// Changes of clocks that are told of what is to come.
const CHANGES_MAX: usize = 4;

/// What is to come of a schedule: its instants as the server says them, and what changes of clocks will mean. These are
/// worked out here; when the database of zones here does not know its zone, they are left out and times are UTC.
pub(super) fn of(schedule: &v1::Schedule, now: DateTime<Utc>) -> Told {
    let spec = schedule.spec.as_ref().and_then(|spec| spec::read(spec, now).ok());
    let recurrence = spec.as_ref().and_then(|spec| Recurrence::of(spec).ok());
    let fires: Vec<_> = schedule.upcoming.iter().filter_map(instant).collect();
    // The clock here may be ahead of the database's.
    let from = fires.first().map_or(now, |first| now.min(*first));
    let anomalies = recurrence.map(|recurrence| recurrence.anomalies(from, from + AHEAD)).unwrap_or_default();
    let timezone = spec.map_or_else(String::new, |spec| spec.timezone);
    Told {
        zone: Zone::named(&timezone).unwrap_or_else(Zone::utc),
        timezone,
        description: schedule.description.clone(),
        fires,
        anomalies: anomalies.into_iter().take(CHANGES_MAX).collect(),
        year: None,
    }
}
