//! Create, and looking at what was created.

use futures::future::join_all;
use model::schedule::{ScheduleState, Timing};
use rpc::{Code, v1};

use super::{YEARLY, at, every, spec};
use crate::room::Room;

#[tokio::test]
async fn a_schedule_is_stored_with_the_usual_policies_and_says_what_is_to_come() {
    let (room, replica) = Room::with_replica().await;
    room.publish("t", None).await;

    let answer = replica.create("nightly", spec("30 2 * * *")).await.expect("it is stored");

    let schedule = answer.schedule.expect("it is told");
    assert!(!answer.unchanged);
    assert_eq!((schedule.name.as_str(), schedule.namespace.as_str()), ("nightly", "default"));
    assert_eq!((schedule.state.as_str(), schedule.upcoming.len()), ("active", 5));
    assert_eq!(schedule.next_at, schedule.upcoming.first().copied());
    assert!(schedule.description.contains("02:30"), "{}", schedule.description);
    let spec = schedule.spec.expect("it has one");
    let words = [&spec.timezone, &spec.dst_gap, &spec.dst_overlap, &spec.missed, &spec.overlap];
    assert_eq!(words, ["UTC", "after", "first", "last", "allow"]);
    assert_eq!((&*spec.payload, spec.missed_after_ms), (&b"{}"[..], Some(60_000)));
    let stored = room.stored("nightly").await.standing;
    assert_eq!((stored.state, stored.look_at), (ScheduleState::Active, stored.next_at));
}

#[tokio::test]
async fn one_that_is_created_paused_does_not_fire() {
    let (room, replica) = Room::with_replica().await;
    room.publish("t", None).await;
    let request = v1::CreateScheduleRequest {
        name: "s".to_owned(),
        spec: Some(spec(YEARLY)),
        paused: true,
        ..v1::CreateScheduleRequest::default()
    };

    let answer = replica.client.clone().schedules.create_schedule(request).await.expect("it is stored");

    let schedule = answer.into_inner().schedule.expect("it is told");
    assert_eq!((schedule.state.as_str(), schedule.next_at, schedule.upcoming.len()), ("paused", None, 0));
    let stored = room.stored("s").await.standing;
    assert!(stored.look_at.is_none() && stored.next_at.is_some());
}

#[tokio::test]
async fn the_same_again_is_unchanged_and_another_is_a_conflict() {
    let (room, replica) = Room::with_replica().await;
    room.publish("t", None).await;
    let first = replica.created("s", every(3_600_000)).await;

    let again = replica.create("s", every(3_600_000)).await.expect("it is the same");
    let other = replica.create("s", v1::ScheduleSpec { note: "x".to_owned(), ..every(60_000) }).await;

    assert!(again.unchanged);
    assert_eq!(again.schedule.map(|schedule| schedule.spec), Some(first.spec));
    let other = other.expect_err("another period");
    assert_eq!(
        (other.code, other.message.as_str()),
        (Code::Conflict, "schedule \"s\" exists with another timing, note")
    );
    assert!(other.hint.is_some_and(|hint| hint.contains("jobctl schedule update s")));
}

#[tokio::test]
async fn the_same_again_is_unchanged_after_its_only_instant_has_passed() {
    let (room, replica) = Room::with_replica().await;
    room.publish("t", None).await;
    let once = v1::ScheduleSpec { at: at("2199-01-01T00:00:00Z"), ..spec("") };
    replica.created("s", once.clone()).await;
    room.stand("s", |standing| {
        (standing.state, standing.next_at, standing.look_at) = (ScheduleState::Finished, None, None);
    })
    .await;

    let again = replica.create("s", once).await.expect("it is the same");

    assert!(again.unchanged);
    assert_eq!(again.schedule.map(|schedule| schedule.state).as_deref(), Some("finished"));
}

#[tokio::test]
async fn of_many_who_create_one_at_once_one_makes_it() {
    let (room, replica) = Room::with_replica().await;
    room.publish("t", None).await;

    let answers = join_all((0..8).map(|_| replica.create("s", spec(YEARLY)))).await;

    let fresh = answers.iter().filter(|answer| answer.as_ref().is_ok_and(|made| !made.unchanged));
    assert_eq!(fresh.count(), 1);
    assert!(answers.iter().all(Result::is_ok), "{answers:?}");
}

#[tokio::test]
async fn a_period_is_counted_from_what_is_said_or_the_start_or_the_moment() {
    let (room, replica) = Room::with_replica().await;
    room.publish("t", None).await;
    let start = v1::ScheduleSpec { starts_at: at("2199-01-01T00:00:00.1239Z"), ..every(60_000) };
    let anchor = v1::ScheduleSpec { anchor: at("2020-01-01T00:00:07Z"), ..every(60_000) };

    let plain = replica.created("plain", spec("@every 6h")).await;
    let start = replica.created("start", start).await;
    let anchor = replica.created("anchor", anchor).await;

    let plain = plain.spec.expect("it has one");
    assert_eq!((plain.every_ms, plain.cron.as_str()), (Some(6 * 3_600_000), ""));
    assert!(plain.anchor.is_some_and(|at| at.nanos % 1_000_000 == 0), "whole milliseconds");
    assert_eq!(start.next_at, at("2199-01-01T00:00:00.123Z"));
    assert_eq!(anchor.next_at.map(|at| at.seconds % 60), Some(7));
    let timing = room.stored("start").await.spec.timing;
    let said = super::instant("2199-01-01T00:00:00.123Z");
    assert_eq!(timing, Timing::Every { period_ms: 60_000, anchor: said });
}

#[tokio::test]
async fn what_is_said_comes_back_as_it_was_said() {
    let (room, replica) = Room::with_replica().await;
    room.publish("t", None).await;
    let options = v1::JobOptions {
        queue: "slow".to_owned(),
        priority: 2,
        max_attempts: 3,
        expires_in_ms: Some(60_000),
        tags: [("a".to_owned(), "b".to_owned())].into(),
        limits: Some(v1::LimitOverrides { fuel: Some(1_000), ..v1::LimitOverrides::default() }),
        ..v1::JobOptions::default()
    };
    let said = v1::ScheduleSpec {
        task: "t@1".to_owned(),
        timezone: "Europe/Lisbon".to_owned(),
        dst_gap: "skip".to_owned(),
        dst_overlap: "both".to_owned(),
        missed: "all".to_owned(),
        missed_after_ms: Some(1_000),
        overlap: "queue".to_owned(),
        jitter_ms: 500,
        starts_at: at("2026-01-01T00:00:00Z"),
        ends_at: at("2199-01-01T00:00:00Z"),
        payload: br#"{"day":"{{scheduled_for}}"}"#.to_vec(),
        options: Some(options),
        note: "for people".to_owned(),
        ..spec("30 9 * * mon-fri")
    };

    replica.created("s", said.clone()).await;

    assert_eq!(replica.schedule("s").await.expect("it is there").spec, Some(said));
}

#[tokio::test]
async fn pages_of_schedules_follow_one_another_by_name() {
    let (room, replica) = Room::with_replica().await;
    room.publish("t", None).await;
    room.publish("u", None).await;
    for name in ["c", "a", "b"] {
        replica.created(name, spec(YEARLY)).await;
    }
    replica.created("d", v1::ScheduleSpec { task: "u".to_owned(), ..spec(YEARLY) }).await;
    replica.pause("a").await.expect("it is there");
    let list = async |request: v1::ListSchedulesRequest| {
        let page = replica.client.clone().schedules.list_schedules(request).await.expect("it answers");
        let page = page.into_inner();
        (page.schedules.into_iter().map(|schedule| schedule.name).collect::<Vec<_>>(), page.next_cursor)
    };
    let usual = v1::ListSchedulesRequest::default;

    let (first, cursor) = list(v1::ListSchedulesRequest { limit: 3, ..usual() }).await;
    let (second, end) = list(v1::ListSchedulesRequest { limit: 3, cursor, ..usual() }).await;
    let (paused, _) = list(v1::ListSchedulesRequest { states: vec!["paused".to_owned()], ..usual() }).await;
    let (of_task, _) = list(v1::ListSchedulesRequest { task: "u".to_owned(), ..usual() }).await;

    assert_eq!(
        (first, second, end.as_str()),
        (vec!["a".to_owned(), "b".to_owned(), "c".to_owned()], vec!["d".to_owned()], "")
    );
    assert_eq!((paused, of_task), (vec!["a".to_owned()], vec!["d".to_owned()]));
}

#[tokio::test]
async fn as_many_instants_to_come_are_told_as_are_asked_for() {
    let (room, replica) = Room::with_replica().await;
    room.publish("t", None).await;
    let two = v1::ScheduleSpec { ends_at: at("2199-01-01T00:00:00Z"), ..spec("0 0 1 1 *") };
    replica.created("s", two).await;
    let get = async |upcoming| {
        let request = v1::GetScheduleRequest { namespace: String::new(), name: "s".to_owned(), upcoming };
        replica.client.clone().schedules.get_schedule(request).await
    };

    let some = get(12).await.expect("it answers").into_inner();
    let all = get(1_000).await.expect("it answers").into_inner();
    let error = rpc::Error::from(get(1_001).await.expect_err("too many"));

    assert_eq!(some.upcoming.len(), 12);
    assert!(all.upcoming.len() < 200 && all.upcoming.is_sorted_by_key(|at| at.seconds));
    assert_eq!((error.code, error.message.as_str()), (Code::Invalid, "upcoming: 1001 is more than 1000"));
}
