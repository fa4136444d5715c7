//! Facts about cancels in batches, and about the grace they leave.

use futures::future::join_all;
use model::attempt::Outcome;
use model::id::{JobId, SessionId};
use model::job::{JobState, NewJob};

use super::lab::{AT_ONCE, Lab, cancelled, eventually, failed, id, ids, namespace, new_job, succeeded};
use crate::{Cancelled, Cancelling, Finished};

/// Longer than any fact takes.
const LONG_GRACE_MS: u64 = 600_000;

async fn many(lab: &Lab, count: i64) -> Vec<JobId> {
    let version = lab.version().await;
    let ids = ids(count);
    lab.submit(ids.iter().map(|id| NewJob { id: *id, ..new_job(version) }).collect()).await;
    ids
}

/// What is left of the grace of the only attempt that the session is to end.
async fn grace_ms(lab: &Lab, session: SessionId) -> u64 {
    let cancels = lab.beat(session).await.cancels;
    assert_eq!(cancels.len(), 1, "{cancels:?}");
    cancels[0].grace_ms
}

pub async fn a_batch_is_cancelled_in_its_order(lab: &Lab) {
    let running = lab.running().await;
    let dead = lab.dead().await.lease.job;
    let waiting = many(lab, 2).await;
    let foreign = NewJob { namespace: namespace("other"), ..new_job(lab.version_in("other", "work").await) };
    lab.submit(vec![foreign.clone()]).await;
    let asked = [waiting[1], dead, running.lease.job, id(), foreign.id, waiting[0]];

    let told = lab.cancel_all(&asked, 0).await;

    let expected = [
        Cancelled::Done,
        Cancelled::Already(JobState::Failed),
        Cancelled::Asked(running.lease),
        Cancelled::Unknown,
        Cancelled::Unknown,
        Cancelled::Done,
    ];
    assert_eq!(told, expected);
    for id in waiting {
        assert_eq!(lab.state(id).await, JobState::Cancelled);
    }
    assert!(lab.look(running.lease.job).await.cancel_requested);
    let untouched = lab.store.job(&foreign.namespace, foreign.id).await.expect("job");
    assert_eq!(untouched.state, JobState::Queued);
}

pub async fn a_job_that_is_named_twice_is_cancelled_once(lab: &Lab) {
    let running = lab.running().await;
    let waiting = lab.put().await;
    let job = running.lease.job;

    let told = lab.cancel_all(&[waiting, job, waiting, job], 0).await;

    let asked = Cancelled::Asked(running.lease);
    assert_eq!(told, [Cancelled::Done, asked, Cancelled::Done, asked]);
    assert_eq!(lab.state(waiting).await, JobState::Cancelled);
}

pub async fn an_empty_batch_cancels_nothing(lab: &Lab) {
    let waiting = lab.put().await;

    assert_eq!(lab.cancel_all(&[], 0).await, []);

    assert_eq!(lab.state(waiting).await, JobState::Queued);
}

pub async fn a_full_batch_is_cancelled_whole(lab: &Lab) {
    let full = model::bounds::BATCH_JOBS_MAX;
    let ids = many(lab, full as i64).await;
    let session = lab.host().await;
    lab.try_claim(session, &ids[..100]).await.expect("claim");

    let told = lab.cancel_all(&ids, 0).await;

    assert_eq!(told.iter().filter(|one| **one == Cancelled::Done).count(), full - 100);
    assert_eq!(lab.beat(session).await.cancels.len(), 100);
    assert_eq!(lab.due().await, Vec::new());
}

pub async fn of_those_who_cancel_the_same_jobs_one_cancels_each(lab: &Lab) {
    let ids = many(lab, 100).await;
    let backwards: Vec<JobId> = ids.iter().rev().copied().collect();
    let orders = [&ids, &backwards, &ids, &backwards];

    let told = join_all(orders.map(|ids| lab.cancel_all(ids, 0))).await.concat();

    let done = told.iter().filter(|one| **one == Cancelled::Done).count();
    let late = told.iter().filter(|one| **one == Cancelled::Already(JobState::Cancelled)).count();
    assert_eq!((done, late), (100, 300));
}

pub async fn a_grace_is_told_with_what_is_left_of_it(lab: &Lab) {
    let claimed = lab.running().await;
    let session = claimed.lease.session;

    let told = lab.cancel_all(&[claimed.lease.job], LONG_GRACE_MS).await;

    assert_eq!(told, [Cancelled::Asked(claimed.lease)]);
    let first = lab.beat(session).await.cancels[0];
    assert_eq!(first.lease, claimed.lease);
    assert!((1..=LONG_GRACE_MS).contains(&first.grace_ms), "{first:?}");
    eventually("less is left", || async { grace_ms(lab, session).await < first.grace_ms }).await;
}

pub async fn a_grace_that_is_over_is_told_as_none(lab: &Lab) {
    let claimed = lab.running().await;
    let session = claimed.lease.session;

    lab.cancel_all(&[claimed.lease.job], 5).await;

    eventually("the grace is over", || async { grace_ms(lab, session).await == 0 }).await;
    let told = [Cancelling { lease: claimed.lease, grace_ms: 0 }];
    assert_eq!(lab.beat(session).await.cancels, told, "until it has ended");
}

pub async fn of_several_graces_the_one_that_ends_first_holds(lab: &Lab) {
    let claimed = lab.running().await;
    let (job, session) = (claimed.lease.job, claimed.lease.session);
    let half = LONG_GRACE_MS / 2;
    let left_after = |grace: u64| async move {
        assert_eq!(lab.cancel_all(&[job], grace).await, [Cancelled::Asked(claimed.lease)]);
        grace_ms(lab, session).await
    };

    assert!(left_after(LONG_GRACE_MS).await > half);
    let shorter = left_after(half).await;
    assert!((1..=half).contains(&shorter), "a shorter one shortens it: {shorter}");
    let longer = left_after(LONG_GRACE_MS).await;
    assert!((1..=half).contains(&longer), "a longer one changes nothing: {longer}");
    assert_eq!(left_after(0).await, 0, "none ends it at once");
    assert_eq!(left_after(LONG_GRACE_MS).await, 0, "and so it stays");
}

pub async fn a_grace_without_end_is_kept(lab: &Lab) {
    let claimed = lab.running().await;

    lab.cancel_all(&[claimed.lease.job], u64::MAX).await;

    assert!(grace_ms(lab, claimed.lease.session).await > LONG_GRACE_MS);
}

pub async fn a_success_within_the_grace_stands(lab: &Lab) {
    let claimed = lab.running().await;
    lab.cancel_all(&[claimed.lease.job], LONG_GRACE_MS).await;

    assert_eq!(lab.finish(succeeded(claimed.lease)).await, Finished::Ended);

    assert_eq!(lab.state(claimed.lease.job).await, JobState::Succeeded);
}

pub async fn a_failure_within_the_grace_ends_the_job(lab: &Lab) {
    let claimed = lab.running().await;
    lab.cancel_all(&[claimed.lease.job], LONG_GRACE_MS).await;

    assert_eq!(lab.finish(failed(claimed.lease, AT_ONCE)).await, Finished::Ended);

    let job = lab.look(claimed.lease.job).await;
    assert_eq!((job.state, job.attempts[0].outcome), (JobState::Cancelled, Some(Outcome::Cancelled)));
}

pub async fn a_lost_job_in_its_grace_ends(lab: &Lab) {
    let claimed = lab.running().await;
    lab.cancel_all(&[claimed.lease.job], LONG_GRACE_MS).await;
    lab.lapse(claimed.lease.session).await;

    let rescued = lab.rescue().await;

    assert_eq!((rescued.offers, rescued.ended), (Vec::new(), vec![claimed.lease.job]));
    assert_eq!(lab.state(claimed.lease.job).await, JobState::Cancelled);
}

pub async fn a_job_given_back_in_its_grace_ends(lab: &Lab) {
    let claimed = lab.running().await;
    lab.cancel_all(&[claimed.lease.job], LONG_GRACE_MS).await;

    lab.store.close(claimed.lease.session).await.expect("close");

    assert_eq!(lab.state(claimed.lease.job).await, JobState::Cancelled);
}

pub async fn a_job_tried_again_is_cancelled_anew(lab: &Lab) {
    let first = lab.running().await;
    let (job, session) = (first.lease.job, first.lease.session);
    lab.cancel(job).await;
    lab.finish(cancelled(first.lease)).await;
    lab.retry(job).await;

    let second = lab.claim(session, job).await;

    assert_eq!(lab.beat(session).await.cancels, [], "nobody asked to cancel this attempt");
    lab.cancel_all(&[job], LONG_GRACE_MS).await;
    let told = lab.beat(session).await.cancels[0];
    assert_eq!(told.lease, second.lease);
    assert!(told.grace_ms > 0, "its grace is its own: {told:?}");
}
