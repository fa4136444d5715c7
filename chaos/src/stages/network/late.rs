//! A database that is far away.

use std::time::Duration;

use history::Hit;
use testkit::link::Way;

use super::steady;
use crate::load::Work;
use crate::trial::Trial;

/// How much later each packet arrives.
const LATE: Duration = Duration::from_millis(200);

/// Longer than anything takes that is to come.
const PATIENCE: Duration = Duration::from_secs(60);

pub(super) fn late(trial: &mut Trial) {
    let lasts = Duration::from_secs(trial.times(25, 5) as u64);
    let load = steady(trial, 30, Work::default());
    load.until_ended(20);
    let leads = leads(trial);

    trial.during("every packet to Postgres 200 ms late", Hit::Nobody, |trial| {
        for member in trial.field.members() {
            member.database().delay(Way::There, LATE);
        }
        let before = load.ended().unwrap_or(0);
        trial.eventually("jobs to go on", PATIENCE, |_| load.ended().is_ok_and(|ended| ended > before + 60));
        trial.pause(lasts);
        let now = self::leads(trial);
        trial.require(now == leads, format!("the lead moved: {leads:?} → {now:?}"));
        for member in trial.field.members() {
            member.pass();
        }
    });
    load.stop();

    let settled = trial.settle(load);
    let lost = settled.outcomes("lost");
    trial.require(lost == 0, format!("{lost} attempts were taken for lost, and no host lost its lease"));
}

/// Who leads, since which term.
fn leads(trial: &Trial) -> Vec<String> {
    trial.field.query("select holder, term from leader")
}
