//! A leader whose clock is wrong.

use std::time::Duration;

use chrono::{SubsecRound as _, TimeDelta};
use history::{Hit, now_us};
use model::clock::{Clock as _, SystemClock};
use rpc::v1;

use super::fates::{Fates, note_lateness, require_all_fired};
use super::made::{Made, ask, each_second, quick, until_caught_up, until_fired};
use crate::calls::NAMESPACE;
use crate::settle::Settled;
use crate::stages::faketime::{NEAR_S, OFFS, is_off, leads, restart};
use crate::trial::Trial;

/// The one whose clock is wrong.
const WRONG: usize = 0;

/// A schedule that goes by another clock misses its instants by more than this.
const MISSED_AFTER_MS: u64 = 10_000;

/// When a single instant comes after it was asked for.
const SOON: TimeDelta = TimeDelta::seconds(2);

pub(super) fn off(trial: &mut Trial) {
    let (mut made, mut once) = (Made::none(), Vec::new());
    let spec = quick(trial);
    let strict = v1::ScheduleSpec {
        missed: "skip".to_owned(),
        missed_after_ms: Some(MISSED_AFTER_MS),
        ..spec.clone()
    };
    made.make(trial, WRONG, "cron", 0..5, &each_second(&strict));
    made.make_spread(trial, WRONG, "every", 0..5, &strict);
    until_fired(trial, 1);

    let rounds = trial.times(OFFS.len(), 1);
    // The short form has the farthest only.
    for (round, (off, seconds)) in OFFS.iter().rev().take(rounds).enumerate() {
        let fault = trial.fault(&format!("the clock of the leader is {off} off"), Hit::Nobody);
        restart(trial.field.scheduler(WRONG), Some(off));
        is_off(trial, |trial| trial.field.scheduler(WRONG), *seconds);
        leads(trial, WRONG);
        // What it is asked for goes by the database's clock as well.
        let every = v1::ScheduleSpec { every_ms: Some(1_000), ..strict.clone() };
        made.make_one(trial, WRONG, &format!("strange-{round}"), &every, false);
        let (name, at) = (format!("once-{round}"), SystemClock.now().trunc_subsecs(3) + SOON);
        let single = v1::ScheduleSpec { at: Some(rpc::timestamp(at)), ..spec.clone() };
        made.make_one(trial, WRONG, &name, &single, false);
        once.push((name, at));
        trial.pause(Duration::from_secs(if rounds > 1 { 8 } else { 3 }));
        times_are_right(trial);
        restart(trial.field.scheduler(WRONG), None);
        until_caught_up(trial);
        trial.over(fault);
    }

    let least = made.instants_min();
    let settled = made.settle(trial);
    for (begin, least) in [("cron-", least), ("every-", least), ("strange-", 1)] {
        let names: Vec<_> = made.names().iter().filter(|name| name.starts_with(begin)).cloned().collect();
        require_all_fired(trial, &settled, &names, least);
    }
    for (name, at) in &once {
        fired_once(trial, &settled, name, at.timestamp_micros());
    }
    note_lateness(trial, &settled);
}

/// What people are told of a schedule by the one whose clock is wrong.
fn times_are_right(trial: &mut Trial) {
    let request = v1::GetScheduleRequest {
        namespace: NAMESPACE.to_owned(),
        name: "cron-0".to_owned(),
        ..v1::GetScheduleRequest::default()
    };
    let told = ask(trial, &[WRONG], async |mut client| client.schedules.get_schedule(request.clone()).await);
    let now_s = now_us() / 1_000_000;
    let near = |at: Option<&rpc::Timestamp>| at.is_some_and(|at| (at.seconds - now_s).abs() < NEAR_S);
    let times =
        [told.next_at.as_ref(), told.last_at.as_ref(), told.created_at.as_ref(), told.upcoming.first()];
    trial.require(times.into_iter().all(near), format!("times that people are told are off: {times:?}"));
}

/// It fired at its one instant, and that was all.
fn fired_once(trial: &mut Trial, settled: &Settled, name: &str, at_us: i64) {
    let fates = Fates::of(settled, name);
    let fired: Vec<_> = fates.fired().map(|fire| fire.instant_us).collect();
    let skipped = fates.skipped().count();
    trial.require(
        fired == [at_us] && skipped == 0,
        format!("{name} is for {at_us}, fired for {fired:?} and skipped {skipped}"),
    );
}
