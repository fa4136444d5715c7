//! Schedules that fire: each instant one job, whoever leads.

use chrono::TimeDelta;
use model::job::JobState;
use model::schedule::{Fate, Overlap, ScheduleSpec, ScheduleState, SkipReason, Standing};
use testkit::eventually::eventually;

use crate::cancelling::Host;
use crate::room::{Replica, Room};
use crate::timed::{each_second, fired, jobs, once, seconds, skipped, timed};

#[tokio::test]
async fn an_instant_makes_a_job_that_knows_what_it_was_made_for() {
    let (room, replica) = Room::with_replica().await;
    room.publish("t", None).await;
    let at = room.now().await + TimeDelta::milliseconds(300);
    let schedule = room.timed("s", once(at), at).await;

    let fates = room.fires(&schedule, 1).await;

    let job = replica.job(&jobs(&fates)[0]).await.expect("it is there");
    let payload = String::from_utf8(job.payload.clone()).expect("JSON");
    assert_eq!(job.schedule, "s");
    assert_eq!(job.scheduled_for, Some(rpc::timestamp(at)));
    assert!(payload.starts_with(r#"{"at":"20"#) && payload.ends_with(r#"Z"}"#), "{payload}");
    assert!(matches!(fates[0], Fate::Fired { fired_at, .. } if fired_at >= at), "not before its instant");
    room.offered(&job.id).await;
    let schedule = room.again(&schedule).await;
    assert_eq!((schedule.standing.state, schedule.standing.next_at), (ScheduleState::Finished, None));
    assert_eq!(schedule.standing.open.iter().map(ToString::to_string).collect::<Vec<_>>(), [job.id]);
    assert_eq!(replica.jobs().await.len(), 1);
}

#[tokio::test]
async fn a_schedule_that_is_looked_at_too_early_does_not_fire() {
    let (room, replica) = Room::with_replica().await;
    room.publish("t", None).await;
    let now = room.now().await;
    let next_at = now + TimeDelta::hours(1);
    let standing = Standing { look_at: Some(now), ..timed(next_at) };
    let schedule = room.standing("s", once(next_at), standing).await;

    let looked = eventually("a look", || async {
        Some(room.again(&schedule).await).filter(|now| now.standing.look_at == Some(next_at))
    })
    .await;

    assert_eq!(looked.standing.next_at, Some(next_at));
    assert!(room.fates(&schedule).await.is_empty() && replica.jobs().await.is_empty());
}

#[tokio::test]
async fn more_may_be_due_than_one_look_reads() {
    let room = Room::new().await;
    room.publish("t", None).await;
    let at = room.now().await;
    for number in 0..1_100 {
        room.timed(&format!("s{number}"), once(at), at).await;
    }

    let _replica = room.replica().await;

    eventually("all jobs", || async {
        let filter = store::JobFilter::default();
        let counted = room.store.count(filter).await.expect("the store answers");
        (counted.states == [(JobState::Queued, 1_100)]).then_some(())
    })
    .await;
}

#[tokio::test]
async fn one_that_leads_after_another_leaves_out_nothing_and_fires_nothing_twice() {
    let room = Room::new().await;
    room.publish("t", None).await;
    let first = room.replica().await;
    first.leader().await;
    let second = room.replica().await;
    let now = room.now().await;
    let schedule = room.timed("s", each_second(now), now).await;
    room.fires(&schedule, 2).await;

    first.shutdown.drain();
    first.running.await.expect("no panic").expect("it stops in order");
    let fates = room.fires(&schedule, 5).await;

    assert_each_second_once(&second, &fates, now).await;
}

#[tokio::test]
async fn a_leader_whose_store_hangs_is_followed_by_one_that_fires_and_harms_nothing_when_it_wakes() {
    let room = Room::new().await;
    room.publish("t", None).await;
    let first = room.replica().await;
    first.leader().await;
    let second = room.replica().await;
    let now = room.now().await;
    let schedule = room.timed("s", each_second(now), now).await;
    room.fires(&schedule, 1).await;

    first.store.set_open(false);
    eventually("the next leader", || async {
        second.status().await.leader.filter(|leader| leader.address == second.address)
    })
    .await;
    let count = fired(&room.fates(&schedule).await).len();
    room.fires(&schedule, count + 1).await;
    first.store.set_open(true);
    let fates = room.fires(&schedule, count + 3).await;

    assert_each_second_once(&second, &fates, now).await;
}

/// Each second from `from` on made a job, and all jobs there are were made so.
async fn assert_each_second_once(replica: &Replica, fates: &[Fate], from: chrono::DateTime<chrono::Utc>) {
    let instants = fired(fates);
    assert_eq!(instants, seconds(from, i64::try_from(instants.len()).expect("a few")));
    assert!(skipped(fates).is_empty());
    let all = replica.jobs().await;
    let mut made_for: Vec<_> =
        all.iter().filter_map(|job| job.scheduled_for).map(|at| (at.seconds, at.nanos)).collect();
    made_for.sort_unstable();
    made_for.dedup();
    assert_eq!(made_for.len(), all.len(), "no two for one instant");
}

#[tokio::test]
async fn what_would_overlap_is_skipped_until_the_run_has_ended() {
    let (room, _replica) = Room::with_replica().await;
    room.publish("t", None).await;
    let session = room.session("http://127.0.0.1:1").await;

    let (schedule, now) = room.overlapping(Overlap::Skip).await;
    let fates = room.eventually(&schedule, "a skip", |fates| !skipped(fates).is_empty()).await;
    let skip = skipped(&fates).remove(0);
    room.finish(room.claim(session, &jobs(&fates)[0]).await).await;
    let fates = room.fires(&schedule, 2).await;

    assert_eq!((skip.from, skip.reason), (now + TimeDelta::seconds(1), SkipReason::Overlap));
    assert!(fired(&fates)[1] > skip.until);
}

#[tokio::test]
async fn what_would_overlap_waits_and_runs_when_the_run_has_ended() {
    let (room, _replica) = Room::with_replica().await;
    room.publish("t", None).await;
    let session = room.session("http://127.0.0.1:1").await;

    let (schedule, now) = room.overlapping(Overlap::Queue).await;
    eventually("one that waits", || async {
        (!room.again(&schedule).await.standing.pending.is_empty()).then_some(())
    })
    .await;
    let fates = room.fates(&schedule).await;
    assert_eq!(fired(&fates), [now]);
    room.finish(room.claim(session, &jobs(&fates)[0]).await).await;
    let fates = room.fires(&schedule, 2).await;

    assert_eq!(fired(&fates), seconds(now, 2));
    assert!(skipped(&fates).is_empty());
}

#[tokio::test]
async fn a_run_that_goes_on_is_cancelled_for_the_next_and_its_host_is_told() {
    let (room, replica) = Room::with_replica().await;
    room.publish("t", None).await;
    let host = Host::default();
    let session = room.session(&host.start().await).await;
    let goes_on = replica.enqueue_one("t").await;
    let lease = room.claim(session, &goes_on).await;
    let now = room.now().await;
    let standing = Standing { open: vec![lease.job], ..timed(now) };
    let spec = ScheduleSpec { overlap: Overlap::Cancel, ..each_second(now) };
    let schedule = room.standing("s", spec, standing).await;

    let fates = room.fires(&schedule, 2).await;
    eventually("the host to be told", || async { (!host.told().is_empty()).then_some(()) }).await;

    let told = host.told();
    assert!(told.iter().all(|told| *told == (lease, 0)), "{told:?}");
    assert!(replica.job(&goes_on).await.expect("it is there").cancel_requested);
    // The first that was made waited for a host when the second came.
    assert_eq!(replica.states(&jobs(&fates)[..1]).await, ["cancelled"]);
}
