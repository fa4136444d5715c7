//! What replicas do when the ready queue is out of their reach.

use rpc::v1;
use testkit::eventually::eventually;

use crate::door::get;
use crate::room::{Replica, Room};

/// Two replicas, the leader first.
async fn two(room: &Room) -> (Replica, Replica) {
    let (one, two) = (room.replica().await, room.replica().await);
    let leader = one.leader().await;
    if leader.address == one.address { (one, two) } else { (two, one) }
}

async fn reaches(replica: &Replica) -> bool {
    let answer = replica.client.clone().admission.reach(v1::ReachRequest {}).await;
    answer.expect("every replica answers").into_inner().reached
}

#[tokio::test]
async fn a_leader_that_alone_does_not_reach_the_ready_queue_hands_over() {
    let room = Room::new().await;
    room.publish("t", None).await;
    let (leader, follower) = two(&room).await;
    let before = leader.leader().await;

    leader.way.set_cut(true);
    let id = leader.enqueue_one("t").await;

    room.offered(&id).await;
    let after = follower.leader().await;
    assert_eq!(after.address, follower.address);
    assert!(after.term > before.term);
}

#[tokio::test]
async fn a_replica_says_whether_it_reaches_the_ready_queue() {
    let room = Room::new().await;
    let (leader, follower) = two(&room).await;

    for replica in [&leader, &follower] {
        assert!(reaches(replica).await);
        replica.way.set_cut(true);

        assert!(!reaches(replica).await);
        let status = eventually("the status to say so", || async {
            Some(replica.status().await).filter(|status| !status.ready_queue_error.is_empty())
        })
        .await;
        let (ready, said) = get(replica, "/readyz", "").await;
        replica.way.set_cut(false);

        assert_eq!(status.ready_queue_error, "the way is cut");
        assert_eq!(ready, 200, "it takes jobs all the same");
        assert!(said.contains("jobs are taken and wait: the way is cut"), "{said}");
        eventually("the end of it", || async {
            replica.status().await.ready_queue_error.is_empty().then_some(())
        })
        .await;
    }
}
