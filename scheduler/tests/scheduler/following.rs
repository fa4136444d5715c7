//! Elections among replicas, and what a follower does for the leader.

use std::sync::atomic::Ordering;

use broker::Broker;
use model::clock::{Clock, SystemClock};
use model::id::JobId;
use rpc::{Code, v1};
use store::Elect;
use testkit::eventually::eventually;

use crate::gates::all;
use crate::room::{Replica, Room};

/// Two replicas, the leader first.
async fn two(room: &Room) -> (Replica, Replica) {
    let (one, two) = (room.replica().await, room.replica().await);
    let leader = one.leader().await;
    if leader.address == one.address { (one, two) } else { (two, one) }
}

/// Waits until `replica` leads, as the store says.
async fn leads(asked: &Replica, replica: &Replica) -> v1::Leader {
    eventually("the next leader", || async {
        asked.status().await.leader.filter(|leader| leader.address == replica.address)
    })
    .await
}

/// Somebody who leads as the store says, and whom nobody can reach.
fn ghost(lease_ms: u32) -> Elect {
    Elect { holder: "ghost".to_owned(), address: "http://127.0.0.1:1".to_owned(), lease_ms }
}

/// Waits until `replica` takes no references: it does not lead.
async fn follows(replica: &Replica) {
    let request = || v1::OfferRequest { references: Vec::new() };
    let refused = eventually("that it steps down", || async {
        replica.client.clone().admission.offer(request()).await.err()
    })
    .await;
    assert_eq!(rpc::Error::from(refused).code, Code::Unavailable);
}

#[tokio::test]
async fn one_of_two_replicas_leads_and_both_are_listed() {
    let room = Room::new().await;
    let (leader, _follower) = two(&room).await;

    let status = eventually("both replicas", || async {
        let status = leader.status().await;
        (status.schedulers.len() == 2).then_some(status)
    })
    .await;

    let leading: Vec<_> = status.schedulers.iter().filter(|scheduler| scheduler.leading).collect();
    assert_eq!(leading.len(), 1);
    assert_eq!(leading[0].address, leader.address);
    assert_eq!(status.version, "1.2.3");
}

#[tokio::test]
async fn a_leader_that_stops_resigns_and_the_other_leads_on() {
    let room = Room::new().await;
    room.publish("t", None).await;
    let (leader, follower) = two(&room).await;
    let before = leader.leader().await;

    leader.shutdown.drain();
    leader.running.await.expect("no panic").expect("it stops in order");

    let resigned = room.store.leader().await.expect("the store answers");
    assert!(resigned.is_none_or(|now| now.address == follower.address));
    let after = leads(&follower, &follower).await;
    assert!(after.term > before.term);
    let id = follower.enqueue_one("t").await;
    room.offered(&id).await;
}

#[tokio::test]
async fn a_leader_that_is_cut_off_is_followed_and_comes_back_as_a_follower() {
    let room = Room::new().await;
    let (leader, follower) = two(&room).await;
    let before = leader.leader().await;

    leader.store.set_open(false);
    let after = leads(&follower, &follower).await;
    leader.store.set_open(true);

    assert!(after.term > before.term);
    follows(&leader).await;
    eventually("both replicas", || async {
        let status = follower.status().await;
        let leading = status.schedulers.iter().filter(|scheduler| scheduler.leading).count();
        (status.schedulers.len() == 2 && leading == 1).then_some(())
    })
    .await;
    assert_eq!(leads(&follower, &follower).await.term, after.term);
}

#[tokio::test]
async fn a_follower_passes_references_on_to_the_leader() {
    let room = Room::new().await;
    room.publish("t", None).await;
    let (leader, follower) = two(&room).await;
    // So that the leader cannot find the job by itself. A read that was under way finds nothing yet.
    leader.store.due.store(false, Ordering::Relaxed);

    // The follower may not have learnt yet who leads: what is lost meanwhile is lost.
    eventually("a reference by way of the leader", || async {
        let id: JobId = follower.enqueue_one("t").await.parse().expect("an id");
        let taken = room.broker.take(all()).await.expect("it is up");
        taken.contains(&id).then_some(())
    })
    .await;
}

#[tokio::test]
async fn only_the_leader_takes_references() {
    let room = Room::new().await;
    let (leader, follower) = two(&room).await;
    let job = JobId::generate(SystemClock.now());
    let reference = v1::Reference {
        job: job.0.as_bytes().to_vec(),
        namespace: "default".to_owned(),
        queue: "default".to_owned(),
        priority: 5,
        run_at: Some(rpc::timestamp(SystemClock.now())),
    };
    let offer = |reference: &v1::Reference| v1::OfferRequest { references: vec![reference.clone()] };

    let refused = follower.client.clone().admission.offer(offer(&reference)).await.expect_err("it follows");
    let malformed = v1::Reference { job: vec![1], ..reference.clone() };
    let malformed = leader.client.clone().admission.offer(offer(&malformed)).await.expect_err("no id");
    leader.client.clone().admission.offer(offer(&reference)).await.expect("it leads");

    assert_eq!(rpc::Error::from(refused).code, Code::Unavailable);
    assert_eq!(rpc::Error::from(malformed).code, Code::Invalid);
    room.offered(&job.to_string()).await;
}

#[tokio::test]
async fn a_follower_stores_jobs_while_nobody_can_be_reached_who_leads_and_the_next_reign_finds_them() {
    let room = Room::new().await;
    room.publish("t", None).await;
    let term = room.store.elect(ghost(20_000)).await.expect("the store answers").expect("nobody leads yet");
    let replica = room.replica().await;
    let led_by = eventually("who leads", || async { replica.status().await.leader }).await;

    // One reference is passed on to where nobody listens.
    let id = replica.enqueue_one("t").await;

    assert_eq!(led_by.id, "ghost");
    assert_eq!(room.broker.take(all()).await.expect("it is up"), []);
    room.store.resign("ghost", term).await.expect("the store answers");
    room.offered(&id).await;
    assert_eq!(replica.leader().await.address, replica.address);
}

#[tokio::test]
async fn a_leader_whose_row_was_handed_to_another_steps_down_and_the_other_is_followed() {
    let (room, replica) = Room::with_replica().await;
    let before = replica.leader().await;

    let taken = eventually("the row in other hands", || async {
        room.store.resign(&before.id, store::Term(before.term)).await.expect("the store answers");
        room.store.elect(ghost(3_000)).await.expect("the store answers")
    })
    .await;
    follows(&replica).await;
    let after = leads(&replica, &replica).await;

    assert!(after.term > taken.0 && taken.0 > before.term);
    assert_eq!(after.id, before.id, "it is the same process");
}

#[tokio::test]
async fn a_leader_of_which_a_part_broke_makes_room_for_another() {
    let room = Room::new().await;
    room.publish("t", None).await;
    let (leader, follower) = two(&room).await;
    let before = leader.leader().await;

    leader.store.due_panics.store(true, Ordering::Relaxed);

    let after = leads(&follower, &follower).await;
    assert!(after.term > before.term);
    let id = leader.enqueue_one("t").await;
    room.offered(&id).await;
}
