//! Schedules that cannot fire, and that hold up no other.

use chrono::TimeDelta;
use model::schedule::{
    FireKind, Pending, Schedule, ScheduleSpec, ScheduleState, SkipReason, Standing, Timing,
};

use crate::room::Room;
use crate::timed::{each_second, fired, of, once, skipped, timed};

/// One that fires, made after another that does not.
async fn sound(room: &Room) -> Schedule {
    let at = room.now().await;
    room.timed("sound", once(at), at).await
}

#[tokio::test]
async fn one_whose_time_zone_is_gone_is_disabled_alone_and_what_waits_is_passed_over() {
    let room = Room::new().await;
    room.publish("t", None).await;
    let now = room.now().await;
    let timing = Timing::Cron("0 9 * * *".to_owned());
    let spec = ScheduleSpec { timezone: "Atlantis/Poseidonis".to_owned(), ..of(timing) };
    let pending = vec![Pending { instant: now - TimeDelta::hours(1), kind: FireKind::Trigger, job: None }];
    let standing = Standing { pending, ..timed(now) };
    let schedule = room.standing("s", spec, standing).await;
    let sound = sound(&room).await;

    let _replica = room.replica().await;
    let schedule = room.becomes(&schedule, ScheduleState::Disabled).await;
    room.fires(&sound, 1).await;

    let reason = schedule.standing.reason.clone().expect("a reason");
    assert!(reason.contains("timezone") && reason.contains("Atlantis/Poseidonis"), "{reason}");
    assert_eq!((schedule.standing.next_at, schedule.standing.look_at), (Some(now), None));
    assert!(schedule.standing.pending.is_empty());
    let skips = skipped(&room.fates(&schedule).await);
    assert_eq!(skips.len(), 1);
    assert_eq!(
        (skips[0].from, skips[0].kind, skips[0].reason, skips[0].detail.as_ref()),
        (now - TimeDelta::hours(1), FireKind::Trigger, SkipReason::Disabled, Some(&reason))
    );
}

#[tokio::test]
async fn one_whose_task_is_gone_is_disabled_alone_and_says_what_it_passed_over() {
    let room = Room::new().await;
    room.publish("t", None).await;
    let at = room.now().await;
    let spec = ScheduleSpec { task: "nosuch".parse().expect("a name"), ..each_second(at) };
    let schedule = room.timed("s", spec, at).await;
    let sound = sound(&room).await;

    let replica = room.replica().await;
    let schedule = room.becomes(&schedule, ScheduleState::Disabled).await;
    room.fires(&sound, 1).await;

    let reason = schedule.standing.reason.clone().expect("a reason");
    assert!(reason.contains("nosuch") && reason.contains("not found"), "{reason}");
    let skips = skipped(&room.fates(&schedule).await);
    assert_eq!((skips[0].from, skips[0].reason), (at, SkipReason::Disabled));
    assert_eq!(skips[0].detail.as_ref(), Some(&reason));
    assert!(schedule.standing.next_at > Some(skips[0].until), "what was recorded is not recorded again");
    assert_eq!(schedule.standing.look_at, None);
    assert_eq!(replica.jobs().await.len(), 1);
}

#[tokio::test]
async fn a_payload_that_does_not_fit_any_more_is_passed_over_and_its_schedule_stays() {
    let (room, replica) = Room::with_replica().await;
    room.publish("t", Some(r#"{"required":["to"]}"#)).await;
    let at = room.now().await;
    let schedule = room.timed("s", each_second(at), at).await;

    let fates =
        room.eventually(&schedule, "two that are passed over", |fates| skipped(fates).len() >= 2).await;
    assert!(replica.jobs().await.is_empty());
    room.publish("t", None).await;
    let later = room.fires(&schedule, 1).await;

    let skips = skipped(&fates);
    assert_eq!((skips[0].from, skips[0].reason), (at, SkipReason::Refused));
    assert!(skips[0].detail.as_ref().is_some_and(|detail| detail.contains("\"to\"")), "{skips:?}");
    assert!(fired(&later)[0] > skips[1].until);
    assert_eq!(room.again(&schedule).await.standing.state, ScheduleState::Active);
}

#[tokio::test]
async fn one_whose_row_makes_no_sense_is_disabled_alone() {
    let (room, replica) = Room::with_replica().await;
    room.publish("t", None).await;
    let later = room.now().await + TimeDelta::hours(1);
    let schedule = room.timed("s", once(later), later).await;
    replica.store.broken.lock().expect("nobody panicked").push(schedule.id);
    room.comes(&schedule, room.now().await).await;
    let sound = sound(&room).await;

    let disabled = room.becomes(&schedule, ScheduleState::Disabled).await;
    room.fires(&sound, 1).await;

    assert_eq!(disabled.standing.reason.as_deref(), Some("the test says so"));
    assert!(fired(&room.fates(&schedule).await).is_empty());
}

#[tokio::test]
async fn one_whose_change_fails_again_and_again_is_disabled_alone_and_the_others_beside_it_fire() {
    let (room, replica) = Room::with_replica().await;
    room.publish("t", None).await;
    let later = room.now().await + TimeDelta::hours(1);
    let schedule = room.timed("s", once(later), later).await;
    replica.store.stuck.lock().expect("nobody panicked").push(schedule.id);
    // Many of them fall due in one look with it.
    let at = room.now().await + TimeDelta::seconds(1);
    let mut others = Vec::new();
    for number in 0..5 {
        others.push(room.timed(&format!("s{number}"), once(at), at).await);
    }
    room.comes(&schedule, at).await;

    for other in &others {
        room.fires(other, 1).await;
    }
    let disabled = room.becomes(&schedule, ScheduleState::Disabled).await;

    let reason = disabled.standing.reason.expect("a reason");
    assert!(reason.contains("the test says so"), "{reason}");
    assert_eq!(replica.jobs().await.len(), 5);
}
