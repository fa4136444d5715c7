//! Trigger, under each word for runs that overlap.

use std::collections::HashSet;

use futures::future::join_all;
use model::schedule::{FireKind, PENDING_MAX, Pending, ScheduleState};
use rpc::{Code, v1};
use testkit::eventually::eventually;

use super::{YEARLY, instant, spec};
use crate::cancelling::Host;
use crate::room::Room;

fn said(answer: &v1::TriggerScheduleResponse) -> (&str, &str, bool) {
    (&answer.outcome, &answer.reason, answer.job.is_some())
}

#[tokio::test]
async fn a_trigger_makes_a_job_for_an_instant_of_its_own() {
    let (room, replica) = Room::with_replica().await;
    room.publish("t", None).await;
    let options = v1::JobOptions { queue: "slow".to_owned(), ..v1::JobOptions::default() };
    let payload = br#"{"day":"{{scheduled_for}}"}"#.to_vec();
    let made =
        replica.created("s", v1::ScheduleSpec { payload, options: Some(options), ..spec(YEARLY) }).await;

    let answer = replica.trigger("s", "").await.expect("it fires");

    assert_eq!(said(&answer), ("fired", "", true));
    let enqueued = answer.job.expect("a job");
    let told = (enqueued.task.as_str(), enqueued.version, enqueued.queue.as_str(), enqueued.duplicate);
    assert_eq!(told, ("t", 1, "slow", false));
    let job = replica.job(&enqueued.id).await.expect("it is stored");
    assert_eq!((job.schedule.as_str(), job.scheduled_for), ("s", answer.instant));
    let instant = rpc::instant("instant", answer.instant.expect("it has one")).expect("an instant");
    let shown = instant.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true);
    assert_eq!(job.payload, format!(r#"{{"day":"{shown}"}}"#).as_bytes());
    room.offered(&enqueued.id).await;
    let after = replica.schedule("s").await.expect("it is there");
    assert_eq!(
        (after.next_at, after.last_at, after.last_job),
        (made.next_at, answer.instant, enqueued.id.clone())
    );
    assert_eq!(after.open_jobs, [enqueued.id]);
}

#[tokio::test]
async fn a_schedule_is_triggered_in_any_state() {
    let (room, replica) = Room::with_replica().await;
    room.publish("t", None).await;
    for state in ScheduleState::ALL {
        let name = state.as_str();
        replica.created(name, spec(YEARLY)).await;
        room.stand(name, |standing| (standing.state, standing.look_at) = (*state, None)).await;

        let answer = replica.trigger(name, "").await.expect("it fires");

        assert_eq!(said(&answer), ("fired", "", true));
        assert_eq!(replica.schedule(name).await.expect("it is there").state, name);
    }
}

#[tokio::test]
async fn runs_overlap_as_the_schedule_says_or_the_call() {
    let (room, replica) = Room::with_replica().await;
    room.publish("t", None).await;
    replica.created("s", v1::ScheduleSpec { overlap: "skip".to_owned(), ..spec(YEARLY) }).await;

    let first = replica.trigger("s", "").await.expect("nothing runs");
    let skipped = replica.trigger("s", "").await.expect("it answers");
    let allowed = replica.trigger("s", "allow").await.expect("it answers");
    let error = replica.trigger("s", "kill").await.expect_err("no such word");

    assert_eq!(said(&first), ("fired", "", true));
    assert_eq!(said(&skipped), ("skipped", "overlap", false));
    assert_eq!(said(&allowed), ("fired", "", true));
    assert!(error.message.starts_with("overlap: "), "{error}");
    let history = replica.history("s").await;
    let skip = history.iter().find(|fate| fate.job.is_empty()).expect("it is recorded");
    assert_eq!(
        (skip.skip.as_str(), skip.kind.as_str(), skip.instant),
        ("overlap", "trigger", skipped.instant)
    );
}

#[tokio::test]
async fn a_skipping_schedule_fires_again_once_its_run_has_ended() {
    let (room, replica) = Room::with_replica().await;
    room.publish("t", None).await;
    replica.created("s", spec(YEARLY)).await;
    let first = replica.trigger("s", "skip").await.expect("nothing runs").job.expect("a job").id;
    room.ends(&first).await;

    let second = replica.trigger("s", "skip").await.expect("nothing runs");

    assert_eq!(said(&second), ("fired", "", true));
}

#[tokio::test]
async fn a_trigger_waits_behind_what_runs_and_what_waits() {
    let (room, replica) = Room::with_replica().await;
    room.publish("t", None).await;
    replica.created("s", spec(YEARLY)).await;
    let first = replica.trigger("s", "queue").await.expect("nothing runs");
    let second = replica.trigger("s", "queue").await.expect("it answers");
    let third = replica.trigger("s", "queue").await.expect("it answers");

    assert_eq!(said(&first), ("fired", "", true));
    assert_eq!((said(&second), said(&third)), (("queued", "", false), ("queued", "", false)));
    let stored = room.stored("s").await.standing;
    let waiting = stored.pending.iter().map(|pending| Some(rpc::timestamp(pending.instant)));
    assert_eq!(waiting.collect::<Vec<_>>(), [second.instant, third.instant]);
    assert_ne!(second.instant, third.instant);
    assert!(stored.look_at.is_some(), "somebody looks when the run ends");
}

#[tokio::test]
async fn no_more_wait_than_may() {
    let (room, replica) = Room::with_replica().await;
    room.publish("t", None).await;
    replica.created("s", spec(YEARLY)).await;
    replica.trigger("s", "").await.expect("nothing runs");
    let at = |after| Pending {
        instant: instant("2020-01-01T00:00:00Z") + chrono::TimeDelta::seconds(after),
        kind: FireKind::Trigger,
        job: None,
    };
    room.stand("s", |standing| standing.pending = (0..).take(PENDING_MAX).map(at).collect()).await;

    let full = replica.trigger("s", "queue").await.expect("it answers");

    assert_eq!(said(&full), ("skipped", "queue_full", false));
}

#[tokio::test]
async fn what_runs_is_cancelled_first_and_its_host_told_at_once() {
    let (room, replica) = Room::with_replica().await;
    room.publish("t", None).await;
    let host = Host::default();
    let session = room.session(&host.start().await).await;
    replica.created("s", v1::ScheduleSpec { overlap: "cancel".to_owned(), ..spec(YEARLY) }).await;
    let running = replica.trigger("s", "").await.expect("nothing runs").job.expect("a job").id;
    let lease = room.claim(session, &running).await;

    let second = replica.trigger("s", "").await.expect("it answers").job.expect("a job").id;
    eventually("the host is told", || async { (host.told() == [(lease, 0)]).then_some(()) }).await;
    let third = replica.trigger("s", "").await.expect("it answers").job.expect("a job").id;

    assert!(replica.job(&running).await.expect("it is there").cancel_requested);
    let states = replica.states(&[running, second, third]).await;
    assert_eq!(states, ["running", "cancelled", "queued"]);
}

#[tokio::test]
async fn many_at_once_are_as_many_jobs_of_as_many_instants() {
    let (room, replica) = Room::with_replica().await;
    room.publish("t", None).await;
    replica.created("s", spec(YEARLY)).await;

    let answers = join_all((0..12).map(|_| replica.trigger("s", ""))).await;

    let answers: Vec<_> = answers.into_iter().map(|answer| answer.expect("it fires")).collect();
    let instant = |answer: &v1::TriggerScheduleResponse| answer.instant.map(|at| (at.seconds, at.nanos));
    assert_eq!(answers.iter().map(instant).collect::<HashSet<_>>().len(), 12);
    assert_eq!(replica.jobs().await.len(), 12);
    let history = replica.history("s").await;
    let instants: Vec<_> = history.iter().map(|fate| fate.instant.map(|at| (at.seconds, at.nanos))).collect();
    assert!(instants.is_sorted_by(|a, b| a > b), "the latest first: {instants:?}");
}

#[tokio::test]
async fn a_call_made_again_with_the_caller_s_id_is_one_job() {
    let (room, replica) = Room::with_replica().await;
    room.publish("t", None).await;
    replica.created("s", v1::ScheduleSpec { overlap: "skip".to_owned(), ..spec(YEARLY) }).await;
    replica.created("other", spec(YEARLY)).await;
    let id = uuid::Uuid::now_v7().to_string();

    let both = tokio::join!(replica.trigger_as("s", "", &id), replica.trigger_as("s", "", &id));
    let foreign = replica.trigger_as("other", "", &id).await.expect_err("it is a job of s");
    let random = replica.trigger_as("s", "", "8f9d4a3e-0d4b-4b7e-9a43-111111111111").await;

    let (first, second) = (both.0.expect("it fires"), both.1.expect("it has fired"));
    assert_eq!((first.instant, said(&first)), (second.instant, ("fired", "", true)));
    let (first, second) = (first.job.expect("a job"), second.job.expect("a job"));
    assert_eq!((first.id.as_str(), second.id.as_str()), (id.as_str(), id.as_str()));
    assert!(first.duplicate != second.duplicate);
    assert_eq!(foreign.code, Code::Conflict);
    assert!(random.expect_err("version 4").message.contains("version 7"));
    assert_eq!(replica.jobs().await.len(), 1);
}

#[tokio::test]
async fn a_call_that_is_made_again_while_its_instant_waits_waits_once_and_becomes_its_job() {
    let (room, replica) = Room::with_replica().await;
    room.publish("t", None).await;
    replica.created("s", v1::ScheduleSpec { overlap: "queue".to_owned(), ..spec(YEARLY) }).await;
    let first = replica.trigger("s", "").await.expect("nothing runs").job.expect("a job").id;
    let id = uuid::Uuid::now_v7().to_string();

    let both = tokio::join!(replica.trigger_as("s", "", &id), replica.trigger_as("s", "", &id));
    let other = replica.trigger_as("s", "", &uuid::Uuid::now_v7().to_string()).await.expect("it answers");

    let (queued, again) = (both.0.expect("it answers"), both.1.expect("it answers"));
    assert_eq!((said(&queued), &again), (("queued", "", false), &queued));
    assert_ne!(other.instant, queued.instant);
    assert_eq!(replica.schedule("s").await.expect("it is there").pending, 2);
    room.ends(&first).await;
    let fired = eventually("the run that waited has its turn", || async { replica.job(&id).await.ok() });
    let (fired, late) = (fired.await, replica.trigger_as("s", "", &id).await.expect("it has fired"));
    assert_eq!((fired.schedule.as_str(), fired.scheduled_for), ("s", queued.instant));
    assert_eq!((late.instant, said(&late)), (queued.instant, ("fired", "", true)));
    assert!(late.job.is_some_and(|job| job.id == id && job.duplicate));
    assert_eq!(replica.jobs().await.len(), 2, "the other waits still");
}

#[tokio::test]
async fn a_job_that_would_not_be_taken_is_not_made_by_hand_either() {
    let (room, replica) = Room::with_replica().await;
    room.publish("t", None).await;
    replica.created("s", v1::ScheduleSpec { task: "t@1".to_owned(), ..spec(YEARLY) }).await;
    replica.created("newest", spec(YEARLY)).await;
    room.publish("t", Some(r#"{"type": "array"}"#)).await;

    let error =
        eventually("the new version is known", || async { replica.trigger("newest", "").await.err() }).await;
    let pinned = replica.trigger("s", "").await.expect("it is of the version before");

    assert_eq!(error.code, Code::Invalid);
    assert!(error.message.starts_with("payload: "), "{error}");
    assert_eq!(said(&pinned), ("fired", "", true));
}
