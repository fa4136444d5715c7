//! Hosts of an older release, which know less than the leader.

use testkit::eventually::eventually;

use crate::cancelling::Host;
use crate::room::Room;

#[tokio::test]
async fn a_host_that_cannot_be_watched_is_told_of_cancels_and_left_to_its_lease() {
    let (room, replica) = Room::with_replica().await;
    room.publish("t", None).await;
    let older = Host::default();
    let address = older.start().await;
    let (lasts, lapses) = (room.session(&address).await, room.session_for(&address, 300).await);
    let (kept, lost) = (replica.enqueue_one("t").await, replica.enqueue_one("t").await);
    let (kept_lease, _) = (room.claim(lasts, &kept).await, room.claim(lapses, &lost).await);

    eventually("the rescue", || async {
        let job = replica.job(&lost).await.expect("it is there");
        (job.attempts.first()?.outcome == "lost").then_some(())
    })
    .await;
    room.offered(&lost).await;
    let request = rpc::v1::CancelJobRequest { namespace: String::new(), id: kept, grace_ms: 0 };
    let cancelled = replica.client.clone().jobs.cancel_job(request).await.expect("it is known").into_inner();

    assert!(room.store.holds(kept_lease).await.expect("the store answers"), "its lease is long");
    assert!(cancelled.host_reached);
    assert_eq!(older.told(), [(kept_lease, 0)]);
}
