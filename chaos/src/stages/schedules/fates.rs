//! What became of the instants of a schedule, judged beyond what the checker asks of all of them.

use std::time::Duration;

use history::{Fire, Job, Kind};

use crate::settle::Settled;
use crate::trial::Trial;

/// What became of the instants of one schedule, in their order.
pub(super) struct Fates<'a> {
    settled: &'a Settled,
    name: &'a str,
    all: Vec<&'a Fire>,
}

impl<'a> Fates<'a> {
    pub(super) fn of(settled: &'a Settled, name: &'a str) -> Self {
        let mut all: Vec<_> = settled.truth.fires.iter().filter(|fire| fire.schedule == name).collect();
        all.sort_by_key(|fire| fire.instant_us);
        Self { settled, name, all }
    }

    /// Those that made a job.
    pub(super) fn fired(&self) -> impl Iterator<Item = &'a Fire> {
        self.all.iter().copied().filter(|fire| fire.job.is_some())
    }

    /// Those that made none.
    pub(super) fn skipped(&self) -> impl Iterator<Item = &'a Fire> {
        self.all.iter().copied().filter(|fire| fire.job.is_none())
    }

    /// The jobs, in the order of their instants.
    pub(super) fn jobs(&self) -> impl Iterator<Item = &'a Job> {
        self.fired().filter_map(|fire| self.settled.job(fire.job.as_deref()?))
    }

    /// The checker knows how many instants it owed, and they are at least so many: else it would have judged nothing.
    pub(super) fn require_judged(&self, trial: &mut Trial, least: usize) {
        let owed = self.settled.truth.schedules.iter().find(|schedule| schedule.name == self.name);
        let owed = owed.map_or(0, |owed| (owed.last_us - owed.first_us) / owed.period_us.max(1) + 1);
        let enough = usize::try_from(owed).is_ok_and(|owed| owed >= least);
        let name = self.name;
        trial.require(enough, format!("{name} owed {owed} instants, and had {least}"));
    }

    /// No instant was passed over, but for `reason`.
    pub(super) fn require_none_skipped_but(&self, trial: &mut Trial, reason: &str) {
        let others: Vec<_> = self
            .skipped()
            .filter(|skip| skip.reason.as_deref() != Some(reason))
            .map(|skip| format!("{} ({:?})", skip.instant_us, skip.reason))
            .collect();
        trial.require(others.is_empty(), format!("{} skipped {}", self.name, others.join(", ")));
    }

    /// All its jobs have succeeded.
    pub(super) fn require_succeeded(&self, trial: &mut Trial) {
        let others = self.jobs().filter(|job| job.state != "succeeded").count();
        trial.require(others == 0, format!("{others} jobs of {} did not succeed", self.name));
    }
}

/// Each of these schedules, of each second, fired at all its instants, of which it had at least so many, and its jobs
/// succeeded.
pub(super) fn require_all_fired(trial: &mut Trial, settled: &Settled, names: &[String], least: usize) {
    for name in names {
        let fates = Fates::of(settled, name);
        fates.require_judged(trial, least);
        // Those that still waited for a run were passed over by the pause at the end.
        fates.require_none_skipped_but(trial, "paused");
        fates.require_succeeded(trial);
    }
}

/// Tells how late jobs were made, and returns how late the last one was. That none was early, the checker sees to.
pub(super) fn note_lateness(trial: &mut Trial, settled: &Settled) -> Duration {
    let clock = settled.truth.fires.iter().filter(|fire| fire.kind == Kind::Clock && fire.job.is_some());
    let mut late_us: Vec<i64> = clock.filter_map(|fire| Some(fire.recorded_us? - fire.instant_us)).collect();
    late_us.sort_unstable();
    let Some(last) = late_us.len().checked_sub(1) else { return Duration::ZERO };
    let at =
        |percent: usize| Duration::from_micros(u64::try_from(late_us[last * percent / 100]).unwrap_or(0));
    trial.note(format!(
        "{} instants fired, late by {:.2?} (half of them), {:.2?} (99 of 100), {:.2?} (the last)",
        late_us.len(),
        at(50),
        at(99),
        at(100)
    ));
    at(100)
}
