//! What instants come to that meet runs which still go.

use chrono::{DateTime, Utc};
use model::id::JobId;
use model::schedule::{FireKind, Overlap, PENDING_MAX, Pending, Schedule, Skip, SkipReason};

use super::{RUNS_MAX, Run, jitter};

/// What has been decided so far.
#[derive(Debug)]
pub(super) struct Decisions<'a> {
    schedule: &'a Schedule,
    /// Whether a run goes: one that had not ended, or one that was decided on here.
    is_busy: bool,
    /// Whether the instant before was skipped.
    goes_on_skipping: bool,
    pub(super) runs: Vec<Run>,
    pub(super) skips: Vec<Skip>,
    pub(super) cancel: Vec<JobId>,
    pub(super) pending: Vec<Pending>,
}

impl<'a> Decisions<'a> {
    /// None yet.
    pub(super) fn of(schedule: &'a Schedule) -> Self {
        Self {
            schedule,
            is_busy: !schedule.standing.open.is_empty(),
            goes_on_skipping: false,
            runs: Vec::new(),
            skips: Vec::new(),
            cancel: Vec::new(),
            pending: schedule.standing.pending.clone(),
        }
    }

    /// Decides on what waits and on instants of the clock, in their order. Tells the first that is left over when they
    /// are too many for one plan.
    pub(super) fn decide(&mut self, due: &[DateTime<Utc>]) -> Option<DateTime<Utc>> {
        let overlap = self.schedule.spec.overlap;
        if let (Overlap::Cancel, Some((last, earlier))) = (overlap, due.split_last()) {
            // What waits goes on waiting: its run would be cancelled at once.
            earlier.iter().for_each(|instant| self.skip(*instant, SkipReason::Overlap));
            self.cancel.clone_from(&self.schedule.standing.open);
            self.fire(of_the_clock(*last));
            return None;
        }
        if !self.is_busy && !self.pending.is_empty() {
            let first = self.pending.remove(0);
            self.fire(first);
        }
        for instant in due {
            if self.runs.len() >= RUNS_MAX {
                return Some(*instant);
            }
            self.meet(*instant, overlap);
        }
        None
    }

    fn meet(&mut self, instant: DateTime<Utc>, overlap: Overlap) {
        match overlap {
            Overlap::Skip if self.is_busy => self.skip(instant, SkipReason::Overlap),
            Overlap::Queue if self.is_busy => self.wait(instant),
            Overlap::Skip | Overlap::Queue | Overlap::Cancel | Overlap::Allow => {
                self.fire(of_the_clock(instant));
            }
        }
    }

    fn fire(&mut self, Pending { instant, kind, job }: Pending) {
        let spec = &self.schedule.spec;
        let jitter_ms = if kind == FireKind::Clock { spec.jitter_ms } else { 0 };
        let start_at = jitter::start_at(self.schedule.id, instant, jitter_ms);
        self.runs.push(Run { instant, kind, start_at, job });
        self.is_busy = true;
        self.goes_on_skipping = false;
    }

    fn wait(&mut self, instant: DateTime<Utc>) {
        if self.pending.len() >= PENDING_MAX {
            self.skip(instant, SkipReason::QueueFull);
            return;
        }
        self.pending.push(of_the_clock(instant));
        self.goes_on_skipping = false;
    }

    /// Instants that are skipped one after the other, for one reason, are one skip.
    fn skip(&mut self, instant: DateTime<Utc>, reason: SkipReason) {
        match self.skips.last_mut() {
            Some(skip) if self.goes_on_skipping && skip.reason == reason => {
                skip.until = instant;
                skip.count = skip.count.map(|count| count.saturating_add(1));
            }
            _ => self.skips.push(Skip {
                from: instant,
                until: instant,
                count: Some(1),
                kind: FireKind::Clock,
                reason,
                detail: None,
            }),
        }
        self.goes_on_skipping = true;
    }
}

fn of_the_clock(instant: DateTime<Utc>) -> Pending {
    Pending { instant, kind: FireKind::Clock, job: None }
}
