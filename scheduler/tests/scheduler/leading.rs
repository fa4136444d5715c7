//! What the leader does: offer what is due, offer again what was lost, take back what dead hosts held.

use broker::Broker;
use testkit::eventually::eventually;

use crate::gates::all;
use crate::room::{Room, job};

#[tokio::test]
async fn a_lost_reference_is_offered_again() {
    let (room, replica) = Room::with_replica().await;
    room.publish("t", None).await;
    let id = replica.enqueue_one("t").await;

    // Taking without claiming loses it.
    room.offered(&id).await;

    room.offered(&id).await;
}

#[tokio::test]
async fn a_broker_that_lost_everything_is_filled_again() {
    let (room, replica) = Room::with_replica().await;
    room.publish("t", None).await;
    let ids = replica.enqueue((0..20).map(|_| job("t", "{}")).collect()).await.expect("they are stored");
    let holds_all = async || {
        let waiting = room.broker.waiting().await.expect("it is up");
        waiting.iter().map(|(_, count)| *count).sum::<u64>() == ids.len() as u64
    };
    eventually("all references", || async { holds_all().await.then_some(()) }).await;

    room.broker.flush().await;

    eventually("all references again", || async { holds_all().await.then_some(()) }).await;
}

#[tokio::test]
async fn jobs_are_taken_while_the_broker_is_down_and_offered_when_it_is_back() {
    let (room, replica) = Room::with_replica().await;
    room.publish("t", None).await;
    room.broker.set_down(true);

    let id = replica.enqueue_one("t").await;
    room.broker.set_down(false);

    room.offered(&id).await;
}

#[tokio::test]
async fn a_leader_begins_with_all_that_is_due() {
    let room = Room::new().await;
    room.publish("t", None).await;
    let first = room.replica().await;
    let id = first.enqueue_one("t").await;
    first.shutdown.drain();
    first.running.await.expect("no panic").expect("it stops in order");
    room.broker.take(all()).await.expect("it is up");

    let _second = room.replica().await;

    room.offered(&id).await;
}

#[tokio::test]
async fn a_job_of_a_silent_host_is_taken_back_and_offered() {
    let (room, replica) = Room::with_replica().await;
    room.publish("t", None).await;
    let id = replica.enqueue_one("t").await;
    let session = room.session_for("http://127.0.0.1:1", 300).await;
    room.claim(session, &id).await;

    eventually("the rescue", || async {
        let job = replica.job(&id).await.expect("it is there");
        job.attempts.iter().any(|attempt| attempt.outcome == "lost").then_some(())
    })
    .await;

    room.offered(&id).await;
    assert!(replica.status().await.hosts.is_empty());
}

#[tokio::test]
async fn who_waits_for_a_job_that_expires_is_told() {
    let (room, replica) = Room::with_replica().await;
    room.publish("t", None).await;
    let mut expiring = job("t", "{}");
    expiring.options = Some(rpc::v1::JobOptions { expires_in_ms: Some(1), ..rpc::v1::JobOptions::default() });
    let id = replica.enqueue(vec![expiring]).await.expect("it is stored").remove(0).id;

    let mut told = replica.wait(&[&id]).await.expect("it is known");

    let ended = told.message().await.expect("no error").expect("one");
    assert_eq!(ended.state, "failed");
    assert_eq!(replica.job(&id).await.expect("it is there").error.expect("a reason").kind, "expired");
}

#[tokio::test]
async fn hosts_may_give_back_what_they_held_once_the_store_answers_again() {
    let (room, replica) = Room::with_replica().await;
    room.publish("t", None).await;
    let id = replica.enqueue_one("t").await;
    replica.store.set_open(false);
    let session = room.session_for("http://127.0.0.1:1", 300).await;
    room.claim(session, &id).await;
    eventually("the leader to lose its term", || async { replica.store.has_held_up("elect").then_some(()) })
        .await;

    replica.store.set_open(true);
    eventually("a leader", || async { room.store.leader().await.ok().flatten() }).await;
    room.store.close(session).await.expect("closed by its host");

    let job = replica.job(&id).await.expect("it is there");
    let outcomes: Vec<_> = job.attempts.iter().map(|attempt| attempt.outcome.as_str()).collect();
    assert_eq!(outcomes, ["released"], "it is not taken for lost");
}
