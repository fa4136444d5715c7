//! Schedules that nobody looked at for longer than they allow.

use std::collections::BTreeSet;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use history::{Fire, Hit, now_us};
use model::clock::{Clock as _, SystemClock};
use model::schedule::MISSED_ALL_MAX;
use rpc::v1;

use super::fates::{Fates, require_all_fired};
use super::made::{Made, each_second, quick, until_caught_up, until_fired};
use crate::settle::Settled;
use crate::trial::Trial;

const SECOND_US: i64 = 1_000_000;

/// From when on an instant counts as missed.
const MISSED_AFTER: Duration = Duration::from_secs(3);

/// How long after schedulers went down single instants come.
const SOON: TimeDelta = TimeDelta::seconds(3);

/// The policies, and how many missed instants each makes up for.
const POLICIES: [(&str, usize); 3] = [("skip", 0), ("last", 1), ("all", MISSED_ALL_MAX)];

/// Nobody looked at schedules of this name for ten minutes: they are put back by hand, for nobody waits so long here.
const LONG: &str = "long";
const PUT_BACK: &str = "update schedules set state = 'active', next_at = next_at - interval '10 min',
                        look_at = next_at - interval '10 min' where name like 'long-%' and deleted_at is null";

pub(super) fn all_down(trial: &mut Trial) {
    let mut made = Made::none();
    let usual = quick(trial);
    // An outage like this makes nobody miss anything who does not say so.
    let patient = v1::ScheduleSpec { missed: "skip".to_owned(), ..each_second(&usual) };
    made.make_one(trial, 0, "patient", &patient, false);
    let impatient = v1::ScheduleSpec { missed_after_ms: Some(ms(MISSED_AFTER)), ..usual };
    for (policy, _) in POLICIES {
        let spec = v1::ScheduleSpec { missed: policy.to_owned(), ..each_second(&impatient) };
        made.make_one(trial, 0, &format!("short-{policy}"), &spec, false);
        // It has never fired before the ten minutes.
        made.make_one(trial, 0, &format!("{LONG}-{policy}"), &spec, true);
    }
    until_fired(trial, 2);
    let at = SystemClock.now() + SOON;
    for (policy, _) in POLICIES {
        let at = Some(rpc::timestamp(at));
        let spec = v1::ScheduleSpec { missed: policy.to_owned(), at, ..impatient.clone() };
        made.make_one(trial, 0, &format!("once-{policy}"), &spec, false);
    }

    let back_us = trial.during("all schedulers killed", Hit::Nobody, |trial| outage(trial, at));
    until_caught_up(trial);
    trial.pause(Duration::from_secs(2));
    let states = trial
        .field
        .query("select distinct state from schedules where name like 'once-%' and deleted_at is null");
    trial.require(states == ["finished"], format!("schedules of one instant that has passed are {states:?}"));
    let miscounted = "select count(*) from schedule_skips where reason = 'missed'
                      and count is distinct from extract(epoch from until_instant - from_instant)::integer + 1";
    let miscounted = trial.field.number(miscounted);
    trial.require(miscounted == 0, format!("{miscounted} ranges of missed instants are miscounted"));

    let least = made.instants_min();
    let settled = made.settle(trial);
    judge(trial, &settled, back_us, least);
    for (policy, most) in POLICIES {
        let name = format!("once-{policy}");
        let fates = Fates::of(&settled, &name);
        let (fired, missed) = (fates.fired().count(), missed(&fates).len());
        let right = (fired, missed) == (most.min(1), 1 - most.min(1));
        trial.require(right, format!("{name} fired {fired} times and missed {missed} instants"));
    }
}

/// Everybody is down until after the single instant was missed. Tells when that was over.
fn outage(trial: &mut Trial, at: DateTime<Utc>) -> i64 {
    for scheduler in trial.field.schedulers() {
        scheduler.kill();
    }
    trial.require(SystemClock.now() < at, "too slow: the single instant came before the outage");
    trial.field.postgres().execute(PUT_BACK);
    let margin = Duration::from_secs(if trial.times(1, 0) == 1 { 20 } else { 1 });
    let more = (at - SystemClock.now()).to_std().unwrap_or_default();
    trial.pause(more + MISSED_AFTER + margin);
    let back_us = now_us();
    trial.field.start_all();
    back_us
}

fn judge(trial: &mut Trial, settled: &Settled, back_us: i64, least: usize) {
    require_all_fired(trial, settled, &["patient".to_owned()], least);
    // All of them were looked at in one go: the last missed instant is the same for all.
    let skipped = Fates::of(settled, "short-skip");
    let [range] = missed(&skipped)[..] else {
        let count = missed(&skipped).len();
        return trial.require(false, format!("short-skip missed {count} ranges of instants"));
    };
    let (last_us, recorded_us) = (last_of(range), range.recorded_us.unwrap_or(0));
    let limit_us = i64::try_from(MISSED_AFTER.as_micros()).unwrap_or(i64::MAX);
    trial.require(last_us + limit_us < recorded_us, "an instant was missed before its time was over");
    trial.require(last_us + SECOND_US + limit_us >= back_us, "an instant fired that had been missed");
    for (policy, most) in POLICIES {
        let short = Fates::of(settled, &format!("short-{policy}")).fired().count();
        trial.require(short > 0, format!("short-{policy} never fired"));
        made_up_for(trial, settled, &format!("short-{policy}"), most, last_us);
        made_up_for(trial, settled, &format!("{LONG}-{policy}"), most, last_us);
    }
}

/// Of the missed instants the latest fired, `most` of them, and those before are one range; `last_us` is the last.
fn made_up_for(trial: &mut Trial, settled: &Settled, name: &str, most: usize, last_us: i64) {
    let fates = Fates::of(settled, name);
    fates.require_judged(trial, 1);
    fates.require_none_skipped_but(trial, "missed");
    fates.require_succeeded(trial);
    let ranges = missed(&fates);
    let until_us = last_us - i64::try_from(most).unwrap_or(i64::MAX) * SECOND_US;
    let fired: BTreeSet<_> = fates.fired().map(|fire| fire.instant_us).collect();
    let seen: Vec<_> = ranges.iter().map(|range| (range.instant_us, last_of(range))).collect();
    // What came since the oldest that is told, and is not in the range, has fired: the checker looks for gaps.
    let right = match seen[..] {
        [] => fired.first().is_some_and(|first_us| *first_us > until_us),
        [(first_us, range_until_us)] => {
            let made_up = (1..).map(|n| until_us + n * SECOND_US).take(most);
            first_us <= until_us
                && range_until_us == until_us
                && made_up.into_iter().all(|at| fired.contains(&at))
        }
        _ => false,
    };
    trial.require(
        right,
        format!(
            "{name} missed {seen:?}; it makes up for {most} up to {last_us}, and fired {} times",
            fired.len()
        ),
    );
}

/// The ranges of instants that were missed.
fn missed<'a>(fates: &Fates<'a>) -> Vec<&'a Fire> {
    fates.skipped().filter(|skip| skip.reason.as_deref() == Some("missed")).collect()
}

fn last_of(skip: &Fire) -> i64 {
    skip.until_us.unwrap_or(skip.instant_us)
}

fn ms(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
