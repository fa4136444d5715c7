//! Update and delete.

use model::schedule::{FireKind, Pending, ScheduleState, Timing};
use rpc::{Code, v1};
use testkit::eventually::eventually;

use super::{YEARLY, at, every, instant, spec};
use crate::room::Room;

#[tokio::test]
async fn an_update_puts_another_content_in_the_place_of_the_whole() {
    let (room, replica) = Room::with_replica().await;
    room.publish("t", None).await;
    let seen = replica.created("s", v1::ScheduleSpec { note: "old".to_owned(), ..spec(YEARLY) }).await;

    let now = replica.update(&seen, v1::ScheduleSpec { jitter_ms: 5, ..spec("0 0 1 7 *") }).await;

    let now = now.expect("it is the one that was looked at");
    let said = now.spec.expect("it has one");
    assert_eq!((said.cron.as_str(), said.jitter_ms, said.note.as_str()), ("0 0 1 7 *", 5, ""));
    assert!(now.seq > seen.seq && now.next_at != seen.next_at);
    let stored = room.stored("s").await.standing;
    assert_eq!((stored.look_at, stored.state), (stored.next_at, ScheduleState::Active));
}

#[tokio::test]
async fn an_update_of_what_is_not_there_any_more_is_a_conflict() {
    let (room, replica) = Room::with_replica().await;
    room.publish("t", None).await;
    let seen = replica.created("s", spec(YEARLY)).await;
    replica.update(&seen, spec("0 0 1 7 *")).await.expect("it is the one that was looked at");

    let error = replica.update(&seen, spec("0 0 1 8 *")).await.expect_err("it has been changed");

    assert_eq!(error.code, Code::Conflict);
    assert!(error.message.contains("schedule \"s\""), "{error}");
    assert!(error.hint.is_some_and(|hint| hint.contains("jobctl schedule show s")));
    let spec = replica.schedule("s").await.expect("it is there").spec.expect("it has one");
    assert_eq!(spec.cron, "0 0 1 7 *");
}

#[tokio::test]
async fn what_fired_since_is_no_conflict_for_who_says_when_it_was_changed_last() {
    let (room, replica) = Room::with_replica().await;
    room.publish("t", None).await;
    let seen = replica.created("s", spec(YEARLY)).await;
    replica.trigger("s", "").await.expect("it fires");
    let update = async |cron: &str| {
        let request = v1::UpdateScheduleRequest {
            name: "s".to_owned(),
            spec: Some(spec(cron)),
            updated_at: seen.updated_at,
            ..v1::UpdateScheduleRequest::default()
        };
        replica.client.clone().schedules.update_schedule(request).await.map_err(rpc::Error::from)
    };

    let by_seq = replica.update(&seen, spec("0 0 1 7 *")).await.expect_err("it has fired");
    let first = update("0 0 1 7 *").await;
    let second = update("0 0 1 8 *").await.expect_err("it has been changed");

    assert_eq!((by_seq.code, second.code), (Code::Conflict, Code::Conflict));
    assert!(first.is_ok(), "{first:?}");
}

#[tokio::test]
async fn a_period_that_stays_is_counted_on() {
    let (room, replica) = Room::with_replica().await;
    room.publish("t", None).await;
    let anchored = v1::ScheduleSpec { anchor: at("2020-01-01T00:00:07Z"), ..every(86_400_000) };
    let seen = replica.created("s", anchored).await;

    let same = v1::ScheduleSpec { note: "x".to_owned(), ..every(86_400_000) };
    let same = replica.update(&seen, same).await.expect("it is the one");
    let other = replica.update(&same, every(86_400_001)).await.expect("it is the one");

    assert_eq!(same.next_at, seen.next_at);
    assert_eq!(same.spec.and_then(|spec| spec.anchor), at("2020-01-01T00:00:07Z"));
    assert_ne!(other.spec.and_then(|spec| spec.anchor), at("2020-01-01T00:00:07Z"));
}

#[tokio::test]
async fn a_period_that_is_counted_from_its_start_moves_with_it() {
    let (room, replica) = Room::with_replica().await;
    room.publish("t", None).await;
    let daily = |start, anchor| v1::ScheduleSpec { starts_at: at(start), anchor, ..every(86_400_000) };
    let said = |told: &v1::Schedule| (told.next_at, told.spec.as_ref().and_then(|spec| spec.anchor));
    let (first, second, third) = ("2199-01-01T00:00:00Z", "2199-01-01T06:30:00Z", "2199-01-03T07:00:00Z");
    let named = at("2199-01-01T01:00:00Z");

    let made = replica.created("s", daily(first, None)).await;
    let moved = replica.update(&made, daily(second, None)).await.expect("it is the one");
    let anchored = replica.update(&moved, daily(third, named)).await.expect("it is the one");
    let kept = replica.update(&anchored, daily(first, None)).await.expect("it is the one");
    let away = replica.update(&kept, every(86_400_000)).await.expect("it is the one");

    assert_eq!(said(&made), (at(first), at(first)));
    assert_eq!(said(&moved), (at(second), at(second)), "the start is its first instant again");
    assert_eq!(said(&anchored), (at("2199-01-04T01:00:00Z"), named), "the request says from where");
    assert_eq!(said(&kept).1, named, "it was not counted from its start");
    assert_eq!(said(&away).1, named, "there is no start to follow");
}

#[tokio::test]
async fn what_has_come_and_is_not_decided_yet_stays_to_be_decided_while_the_instants_stay() {
    let (room, replica) = Room::with_replica().await;
    room.publish("t", None).await;
    let anchored = |note: &str| v1::ScheduleSpec {
        anchor: at("2020-01-01T00:00:00Z"),
        note: note.to_owned(),
        ..every(86_400_000)
    };
    replica.created("s", anchored("")).await;
    let passed = instant("2020-01-03T00:00:00Z");
    room.stand("s", |standing| (standing.next_at, standing.look_at) = (Some(passed), None)).await;
    replica.pause("s").await.expect("it is there");

    let seen = replica.schedule("s").await.expect("it is there");
    replica.update(&seen, anchored("x")).await.expect("it is the one");

    assert_eq!(room.stored("s").await.standing.next_at, Some(passed));
    assert!(replica.history("s").await.is_empty());
}

#[tokio::test]
async fn what_has_come_and_is_not_decided_yet_is_decided_under_the_new_content() {
    let (room, replica) = Room::with_replica().await;
    room.publish("t", None).await;
    let anchored = v1::ScheduleSpec { anchor: at("2020-01-01T00:00:00Z"), ..every(86_400_000) };
    replica.created("s", anchored.clone()).await;
    let passed = instant("2020-01-03T00:00:00Z");
    room.stand("s", |standing| (standing.next_at, standing.look_at) = (Some(passed), None)).await;

    let seen = replica.schedule("s").await.expect("it is there");
    let tagged = v1::ScheduleSpec { payload: b"[7]".to_vec(), ..anchored };
    replica.update(&seen, tagged).await.expect("it is the one");

    let job = eventually("the latest that was missed", || async { replica.jobs().await.pop() }).await;
    assert_eq!((job.schedule.as_str(), &*job.payload), ("s", &b"[7]"[..]));
}

#[tokio::test]
async fn what_has_come_of_instants_that_change_is_recorded_as_passed_over() {
    let (room, replica) = Room::with_replica().await;
    room.publish("t", None).await;
    let anchored = v1::ScheduleSpec { anchor: at("2020-01-01T00:00:00Z"), ..every(3_600_000) };
    let seen = replica.created("s", anchored).await;
    let now = room.store.now().await.expect("it answers");
    let passed = rpc::instant("next_at", seen.next_at.expect("it is active")).expect("an instant");
    let passed = passed - chrono::TimeDelta::hours(3);
    room.stand("s", |standing| (standing.next_at, standing.look_at) = (Some(passed), None)).await;

    let seen = replica.schedule("s").await.expect("it is there");
    let moved = replica.update(&seen, spec(YEARLY)).await.expect("it is the one");

    assert!(moved.next_at.is_some_and(|at| at.seconds > now.timestamp()));
    let history = replica.history("s").await;
    assert_eq!(history.len(), 1, "{history:?}");
    assert_eq!((history[0].skip.as_str(), history[0].kind.as_str()), ("missed", "clock"));
    assert_eq!((history[0].instant, history[0].count), (Some(rpc::timestamp(passed)), Some(3)));
    assert!(history[0].detail.contains("changed"), "{history:?}");
}

#[tokio::test]
async fn one_that_is_disabled_or_finished_fires_again_once_there_is_a_next_instant() {
    let (room, replica) = Room::with_replica().await;
    room.publish("t", None).await;
    for state in [ScheduleState::Disabled, ScheduleState::Finished] {
        let name = state.as_str();
        replica.created(name, spec(YEARLY)).await;
        room.stand(name, |standing| {
            (standing.state, standing.reason) = (state, Some("it is so".to_owned()));
            (standing.next_at, standing.look_at) = (None, None);
        })
        .await;

        let seen = replica.schedule(name).await.expect("it is there");
        let now = replica.update(&seen, spec("0 0 1 7 *")).await.expect("it is the one");

        assert_eq!((now.state.as_str(), now.reason.as_str()), ("active", ""));
        assert!(now.next_at.is_some());
    }
}

#[tokio::test]
async fn a_finished_one_may_get_another_note() {
    let (room, replica) = Room::with_replica().await;
    room.publish("t", None).await;
    let once = v1::ScheduleSpec { at: at("2199-01-01T00:00:00Z"), ..spec("") };
    replica.created("s", once).await;
    let seen = room.stored("s").await;
    let past = Timing::At(instant("2020-01-01T00:00:00Z"));
    let mut change = store::ScheduleChange::of(&seen);
    let standing = &mut change.standing;
    (standing.state, standing.next_at, standing.look_at) = (ScheduleState::Finished, None, None);
    change.spec = Some((model::schedule::ScheduleSpec { timing: past, ..seen.spec }, seen.payload));
    room.store.change_schedules(vec![change]).await.expect("it answers");

    let seen = replica.schedule("s").await.expect("it is there");
    let noted = v1::ScheduleSpec { note: "x".to_owned(), ..seen.spec.clone().expect("it has one") };
    let now = replica.update(&seen, noted).await.expect("nothing else changes");

    assert_eq!((now.state.as_str(), now.spec.map(|spec| spec.note).as_deref()), ("finished", Some("x")));
}

#[tokio::test]
async fn what_waits_for_a_run_to_end_goes_on_waiting() {
    let (room, replica) = Room::with_replica().await;
    room.publish("t", None).await;
    replica.created("s", spec(YEARLY)).await;
    replica.pause("s").await.expect("it is there");
    let open = replica.trigger("s", "").await.expect("it fires").job.expect("a job").id;
    let pending = Pending { instant: instant("2020-01-03T00:00:00Z"), kind: FireKind::Trigger, job: None };
    room.stand("s", |standing| standing.pending = vec![pending]).await;

    let seen = replica.schedule("s").await.expect("it is there");
    let now = replica.update(&seen, spec("0 0 1 7 *")).await.expect("it is the one");

    assert_eq!((now.pending, now.open_jobs), (1, vec![open]));
    assert!(room.stored("s").await.standing.look_at.is_some(), "somebody looks when the run ends");
}

#[tokio::test]
async fn what_is_deleted_frees_its_name_and_leaves_its_jobs() {
    let (room, replica) = Room::with_replica().await;
    room.publish("t", None).await;
    replica.created("s", spec(YEARLY)).await;
    let job = replica.trigger("s", "").await.expect("it fires").job.expect("a job").id;

    replica.delete("s").await.expect("it is there");
    let again = replica.delete("s").await.expect_err("it is gone");
    let fresh = replica.create("s", spec("0 0 1 7 *")).await.expect("the name is free");

    assert_eq!(again.code, Code::NotFound);
    assert!(!fresh.unchanged && replica.history("s").await.is_empty());
    assert_eq!(replica.job(&job).await.expect("it stays").state, "queued");
}
