//! What the instants of a schedule come to.
//!
//! Of the instants that have come since the schedule was last looked at, those that are missed are thinned out first
//! (`missed`), and then each that is left meets the runs that still go (`overlap`):
//!
//! ```text
//!   next_at                       now - missed_after             now
//!      ├──────────── missed ─────────────┼──────── late ──────────┤
//!      │ skipped: one range │ made up for │ fire, one by one       │ next_at from now on
//! ```
//!
//! All of it is arithmetic on what is handed in. Whoever looks at the same schedule at the same instant decides the same,
//! and what it costs is bounded however long nobody looked.

mod jitter;
mod missed;
mod overlap;
#[cfg(test)]
mod tests;

use chrono::{DateTime, TimeDelta, Utc};
use model::id::JobId;
use model::schedule::{FireKind, Schedule, ScheduleState, Skip, Standing};

use crate::Recurrence;
use missed::Due;
use overlap::Decisions;

/// Runs of one plan at the most, so that no schedule holds up the others: what is due beyond is looked at right after them.
const RUNS_MAX: usize = 1_000;

/// How long until a schedule is looked at again while an instant waits for a run to end: people do not notice it, and
/// a schedule of each second is looked at more often anyhow.
const LOOK_AGAIN: TimeDelta = TimeDelta::milliseconds(500);

/// An instant that makes a job now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Run {
    /// The instant.
    pub instant: DateTime<Utc>,
    /// What it came from.
    pub kind: FireKind,
    /// When its job may start: the instant and its jitter.
    pub start_at: DateTime<Utc>,
    /// The id that its job gets; none: a fresh one.
    pub job: Option<JobId>,
}

/// What is to be done about a schedule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// Instants that make a job, in their order; what had waited comes first.
    pub runs: Vec<Run>,
    /// Instants that make none; several in a row, for one reason, are one.
    pub skips: Vec<Skip>,
    /// Runs to cancel first.
    pub cancel: Vec<JobId>,
    /// Where the schedule stands after that. `open` is as it was, less what is to be cancelled.
    pub standing: Standing,
}

/// What is to be done about a schedule at `now`, the database's instant. Unless it is active its clock stands still, and
/// only what waits for a run to end is looked at.
#[must_use]
pub fn plan(schedule: &Schedule, recurrence: &Recurrence, now: DateTime<Utc>) -> Plan {
    let standing = &schedule.standing;
    let is_active = standing.state == ScheduleState::Active;
    let due_from = standing.next_at.filter(|next_at| is_active && *next_at <= now);
    let due = due_from.map_or_else(Due::default, |from| missed::due(&schedule.spec, recurrence, from, now));

    let mut decisions = Decisions::of(schedule);
    decisions.skips.extend(due.missed);
    let undecided = decisions.decide(&due.instants);

    let next_at = match due_from {
        None => standing.next_at,
        Some(_) => undecided.or_else(|| recurrence.after(now)),
    };
    let Decisions { runs, skips, cancel, pending, .. } = decisions;
    let has_finished = is_active && next_at.is_none() && pending.is_empty();
    let clock_look = if undecided.is_some() { Some(now) } else { next_at.filter(|_| is_active) };
    let pending_look = (!pending.is_empty()).then(|| now + LOOK_AGAIN);
    let standing = Standing {
        state: if has_finished { ScheduleState::Finished } else { standing.state },
        reason: standing.reason.clone(),
        next_at,
        look_at: clock_look.into_iter().chain(pending_look).min(),
        open: standing.open.iter().filter(|job| !cancel.contains(job)).copied().collect(),
        pending,
    };
    Plan { runs, skips, cancel, standing }
}
