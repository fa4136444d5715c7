//! Instants that passed while nobody led.

use chrono::{DateTime, TimeDelta, Utc};
use model::schedule::{
    Fate, FireKind, Missed, Schedule, ScheduleSpec, ScheduleState, Skip, SkipReason, Timing,
};
use testkit::eventually::eventually;

use crate::room::Room;
use crate::timed::{each_second, every, fired, of, seconds, skipped};

const HOUR_MS: u64 = 60 * 60 * 1000;

/// A schedule of each hour, whose last five instants nobody handled; and these instants, the last half an hour ago.
async fn hourly(room: &Room, missed: Missed) -> (Schedule, Vec<DateTime<Utc>>) {
    let last = room.now().await - TimeDelta::minutes(30);
    let instants: Vec<_> = (0..5).rev().map(|hours| last - TimeDelta::hours(hours)).collect();
    let spec = ScheduleSpec { missed, ..every(HOUR_MS, instants[0]) };
    (room.timed(missed.as_str(), spec, instants[0]).await, instants)
}

/// What became of them once they are decided, and what comes next.
async fn decided(room: &Room, schedule: &Schedule) -> (Vec<Fate>, Option<DateTime<Utc>>) {
    let next_at = eventually("the decision", || async {
        Some(room.again(schedule).await.standing.next_at)
            .filter(|next_at| *next_at != schedule.standing.next_at)
    })
    .await;
    (room.fates(schedule).await, next_at)
}

/// One row of so many that were missed.
fn missed(from: DateTime<Utc>, until: DateTime<Utc>, count: u32) -> Skip {
    let (count, kind, reason) = (Some(count), FireKind::Clock, SkipReason::Missed);
    Skip { from, until, count, kind, reason, detail: None }
}

#[tokio::test]
async fn missed_instants_are_made_up_for_as_the_schedule_says() {
    let room = Room::new().await;
    room.publish("t", None).await;
    let (skip, of_skip) = hourly(&room, Missed::Skip).await;
    let (last, of_last) = hourly(&room, Missed::Last).await;
    let (all, of_all) = hourly(&room, Missed::All).await;

    let replica = room.replica().await;
    let (skip, skip_next) = decided(&room, &skip).await;
    let (last, last_next) = decided(&room, &last).await;
    let (all, all_next) = decided(&room, &all).await;

    assert!(fired(&skip).is_empty());
    assert_eq!(skipped(&skip), [missed(of_skip[0], of_skip[4], 5)]);
    assert_eq!(fired(&last), [of_last[4]]);
    assert_eq!(skipped(&last), [missed(of_last[0], of_last[3], 4)]);
    assert_eq!(fired(&all), of_all);
    assert!(skipped(&all).is_empty());
    for (next_at, instants) in [(skip_next, of_skip), (last_next, of_last), (all_next, of_all)] {
        assert_eq!(next_at, Some(instants[4] + TimeDelta::hours(1)));
    }
    assert_eq!(replica.jobs().await.len(), 6);
}

#[tokio::test]
async fn instants_that_are_late_and_not_missed_all_fire_whatever_the_policy() {
    let room = Room::new().await;
    room.publish("t", None).await;
    let from = room.now().await - TimeDelta::seconds(20);
    let spec = ScheduleSpec { missed: Missed::Skip, missed_after_ms: HOUR_MS, ..each_second(from) };
    let schedule = room.timed("s", spec, from).await;

    let _replica = room.replica().await;
    let fates = room.fires(&schedule, 21).await;

    let instants = fired(&fates);
    assert_eq!(instants, seconds(from, i64::try_from(instants.len()).expect("a few")));
    assert!(skipped(&fates).is_empty());
}

#[tokio::test]
async fn an_instant_that_is_none_any_more_does_not_fire_and_the_next_one_is_found() {
    let (room, replica) = Room::with_replica().await;
    room.publish("t", None).await;
    // As after new rules of a time zone: it was worked out to be now, and is at New Year.
    let now = room.now().await;
    let schedule = room.timed("s", of(Timing::Cron("0 0 1 1 *".to_owned())), now).await;

    let (fates, next_at) = decided(&room, &schedule).await;

    assert!(fates.is_empty() && replica.jobs().await.is_empty(), "{fates:?}");
    let next_at = next_at.expect("there is always a New Year");
    assert!(next_at > now && next_at.to_rfc3339().contains("-01-01T00:00:00"), "{next_at}");
    let schedule = room.again(&schedule).await;
    assert_eq!((schedule.standing.state, schedule.standing.look_at), (ScheduleState::Active, Some(next_at)));
}
