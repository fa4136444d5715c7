//! Pause and resume.

use model::schedule::{FireKind, Pending, ScheduleState, Timing};
use rpc::{Code, v1};

use super::{YEARLY, at, every, instant, spec};
use crate::room::Room;

#[tokio::test]
async fn pause_holds_a_schedule_and_may_be_said_twice() {
    let (room, replica) = Room::with_replica().await;
    room.publish("t", None).await;
    let made = replica.created("s", spec(YEARLY)).await;

    let first = replica.pause("s").await.expect("it is there");
    let second = replica.pause("s").await.expect("it is there");

    assert_eq!((first.state.as_str(), first.next_at), ("paused", None));
    assert_eq!((second.seq, second.state.as_str()), (first.seq, "paused"));
    let stored = room.stored("s").await.standing;
    assert_eq!((stored.next_at.map(rpc::timestamp), stored.look_at), (made.next_at, None));
}

#[tokio::test]
async fn what_waits_for_a_run_to_end_is_passed_over_by_a_pause() {
    let (room, replica) = Room::with_replica().await;
    room.publish("t", None).await;
    replica.created("s", spec(YEARLY)).await;
    replica.trigger("s", "").await.expect("it fires");
    let waits = replica.trigger("s", "queue").await.expect("it waits");

    let paused = replica.pause("s").await.expect("it is there");

    assert_eq!((waits.outcome.as_str(), paused.pending), ("queued", 0));
    let history = replica.history("s").await;
    let skipped = history.iter().find(|fate| fate.job.is_empty()).expect("it is recorded");
    assert_eq!((skipped.skip.as_str(), skipped.kind.as_str()), ("paused", "trigger"));
    assert_eq!(skipped.instant, waits.instant);
}

#[tokio::test]
async fn what_came_during_a_pause_is_passed_over_in_one_range() {
    let (room, replica) = Room::with_replica().await;
    room.publish("t", None).await;
    let anchored = v1::ScheduleSpec { anchor: at("2020-01-01T00:00:00Z"), ..every(3_600_000) };
    let made = replica.created("s", anchored).await;
    replica.pause("s").await.expect("it is there");
    let next = rpc::instant("next_at", made.next_at.expect("it is active")).expect("an instant");
    let from = next - chrono::TimeDelta::hours(5);
    room.stand("s", |standing| standing.next_at = Some(from)).await;

    let resumed = replica.resume("s").await.expect("it is there");
    let again = replica.resume("s").await.expect("it is there");

    assert_eq!((resumed.state.as_str(), again.state.as_str()), ("active", "active"));
    assert_eq!(resumed.next_at, made.next_at);
    let history = replica.history("s").await;
    assert_eq!(history.len(), 1, "{history:?}");
    assert_eq!((history[0].skip.as_str(), history[0].count), ("paused", Some(5)));
    let until = next - chrono::TimeDelta::hours(1);
    assert_eq!(
        (history[0].instant, history[0].until),
        (Some(rpc::timestamp(from)), Some(rpc::timestamp(until)))
    );
    assert!(replica.jobs().await.is_empty());
}

#[tokio::test]
async fn instants_of_years_are_counted() {
    let (room, replica) = Room::with_replica().await;
    room.publish("t", None).await;
    replica.created("s", v1::ScheduleSpec { anchor: at("2019-01-01T00:00:00Z"), ..every(60_000) }).await;
    replica.pause("s").await.expect("it is there");
    room.stand("s", |standing| standing.next_at = Some(instant("2020-01-01T00:00:00Z"))).await;

    replica.resume("s").await.expect("it is there");

    let history = replica.history("s").await;
    let range = history.last().expect("one range");
    assert_eq!(range.instant, at("2020-01-01T00:00:00Z"));
    let minutes = range.until.map(|until| (until.seconds - instant("2020-01-01T00:00:00Z").timestamp()) / 60);
    assert_eq!(range.count.map(i64::from), minutes.map(|minutes| minutes + 1));
}

#[tokio::test]
async fn resume_lets_a_disabled_one_fire_again() {
    let (room, replica) = Room::with_replica().await;
    room.publish("t", None).await;
    replica.created("s", v1::ScheduleSpec { anchor: at("2020-01-01T00:00:00Z"), ..every(86_400_000) }).await;
    let seen = room.stored("s").await;
    assert!(room.store.disable_schedule(seen.id, seen.seq, "it is so").await.expect("it answers"));
    room.stand("s", |standing| standing.next_at = Some(instant("2020-01-03T00:00:00Z"))).await;

    let before = replica.schedule("s").await.expect("it is there");
    let resumed = replica.resume("s").await.expect("it is there");

    assert_eq!(
        (before.state.as_str(), before.reason.as_str(), before.next_at),
        ("disabled", "it is so", None)
    );
    assert_eq!((resumed.state.as_str(), resumed.reason.as_str()), ("active", ""));
    assert_eq!(replica.history("s").await[0].skip, "disabled");
}

#[tokio::test]
async fn one_that_could_not_fire_is_not_resumed_and_says_why() {
    let (room, replica) = Room::with_replica().await;
    room.publish("t", None).await;
    replica.created("task", spec(YEARLY)).await;
    replica.created("zone", spec(YEARLY)).await;
    for name in ["task", "zone"] {
        let seen = room.stored(name).await;
        let mut gone = seen.spec.clone();
        if name == "task" {
            gone.task = "nosuch".parse().expect("a task");
        } else {
            gone.timezone = "Europe/Nowhere".to_owned();
        }
        let mut change = store::ScheduleChange::of(&seen);
        change.standing.state = ScheduleState::Paused;
        change.spec = Some((gone, seen.payload));
        room.store.change_schedules(vec![change]).await.expect("it answers");
    }

    let task = replica.resume("task").await.expect_err("there is no task");
    let zone = replica.resume("zone").await.expect_err("there is no zone");
    let shown = replica.schedule("zone").await.expect("it is shown all the same");

    assert_eq!((task.code, zone.code), (Code::NotFound, Code::Invalid));
    assert!(zone.message.starts_with("timezone: "), "{zone}");
    assert!(shown.description.contains("Europe/Nowhere"), "{}", shown.description);
}

#[tokio::test]
async fn one_that_has_no_instant_left_is_finished_when_it_is_resumed() {
    let (room, replica) = Room::with_replica().await;
    room.publish("t", None).await;
    replica.created("s", v1::ScheduleSpec { at: at("2199-01-01T00:00:00Z"), ..spec("") }).await;
    let seen = room.stored("s").await;
    let past = instant("2020-01-01T00:00:00Z");
    let mut change = store::ScheduleChange::of(&seen);
    let standing = &mut change.standing;
    (standing.state, standing.next_at, standing.look_at) = (ScheduleState::Paused, Some(past), None);
    change.spec =
        Some((model::schedule::ScheduleSpec { timing: Timing::At(past), ..seen.spec }, seen.payload));
    room.store.change_schedules(vec![change]).await.expect("it answers");

    let resumed = replica.resume("s").await.expect("it is there");

    assert_eq!(resumed.state, "finished");
    assert_eq!(replica.history("s").await[0].instant, Some(rpc::timestamp(past)));
}

#[tokio::test]
async fn what_waits_goes_on_waiting_when_a_schedule_is_resumed() {
    let (room, replica) = Room::with_replica().await;
    room.publish("t", None).await;
    replica.created("s", spec(YEARLY)).await;
    replica.pause("s").await.expect("it is there");
    replica.trigger("s", "").await.expect("it fires although it is paused");
    let pending = Pending { instant: instant("2020-01-03T00:00:00Z"), kind: FireKind::Trigger, job: None };
    room.stand("s", |standing| standing.pending = vec![pending]).await;

    let resumed = replica.resume("s").await.expect("it is there");

    assert_eq!((resumed.state.as_str(), resumed.pending), ("active", 1));
}
