//! Facts about trying again in batches, and about what stays of a job that is tried again.

use std::time::Duration;

use futures::future::join_all;
use model::error::{ErrorKind, Failure};
use model::id::JobId;
use model::job::{JobState, NewJob};
use model::limits::LimitOverrides;
use model::retry::{BACKOFF_MAX, Ending, MAX_ATTEMPTS_DEFAULT, Next, Retry as Again, decide};

use super::lab::{AT_ONCE, Lab, eventually, failed, id, ids, job_with, keyed, namespace, new_job, succeeded};
use crate::{Cancelled, Offer, Retried};

/// As many jobs that were cancelled while they waited.
async fn gone(lab: &Lab, count: i64) -> Vec<JobId> {
    let version = lab.version().await;
    let ids = ids(count);
    lab.submit(ids.iter().map(|id| NewJob { id: *id, ..new_job(version) }).collect()).await;
    assert_eq!(lab.cancel_all(&ids, 0).await, vec![Cancelled::Done; ids.len()]);
    ids
}

/// The references of those that run again.
fn queued(told: &[Retried]) -> Vec<&Offer> {
    let mut offers = Vec::new();
    for one in told {
        if let Retried::Queued(offer) = one {
            offers.push(offer);
        }
    }
    offers
}

pub async fn a_batch_is_tried_again_in_its_order(lab: &Lab) {
    let running = lab.running().await.lease.job;
    let dead = lab.dead().await.lease.job;
    let good = lab.running().await.lease;
    lab.finish(succeeded(good)).await;
    let gone = gone(lab, 2).await;
    let version = lab.version_in("other", "work").await;
    let foreign = NewJob { namespace: namespace("other"), ..new_job(version) };
    lab.submit(vec![foreign.clone()]).await;
    let asked = [gone[1], running, dead, id(), good.job, foreign.id, gone[0]];

    let told = lab.retry_all(&asked).await;

    let revived: Vec<JobId> = queued(&told).iter().map(|offer| offer.job).collect();
    assert_eq!(revived, [gone[1], dead, gone[0]]);
    assert_eq!(told[1], Retried::Already(JobState::Running));
    assert_eq!(told[3], Retried::Unknown);
    assert_eq!(told[4], Retried::Already(JobState::Succeeded));
    assert_eq!(told[5], Retried::Unknown, "it is of another namespace");
    for id in revived {
        assert_eq!(lab.state(id).await, JobState::Queued);
    }
}

pub async fn a_job_that_is_named_twice_is_tried_again_once(lab: &Lab) {
    let dead = lab.dead().await.lease.job;

    let told = lab.retry_all(&[dead, dead]).await;

    assert_eq!(queued(&told).len(), 2, "{told:?}");
    assert_eq!(told[0], told[1]);
    assert_eq!(lab.due().await.len(), 1);
}

pub async fn an_empty_batch_tries_nothing_again(lab: &Lab) {
    let dead = lab.dead().await.lease.job;

    assert_eq!(lab.retry_all(&[]).await, []);

    assert_eq!(lab.state(dead).await, JobState::Failed);
}

pub async fn a_full_batch_is_tried_again_whole(lab: &Lab) {
    let full = model::bounds::BATCH_JOBS_MAX;
    let ids = gone(lab, full as i64).await;

    let told = lab.retry_all(&ids).await;

    assert_eq!(queued(&told).iter().map(|offer| offer.job).collect::<Vec<_>>(), ids);
    let claimed = lab.try_claim(lab.host().await, &ids[..100]).await.expect("claim");
    assert_eq!(claimed.len(), 100);
}

pub async fn of_those_who_try_the_same_jobs_again_one_revives_each(lab: &Lab) {
    let ids = gone(lab, 100).await;
    let backwards: Vec<JobId> = ids.iter().rev().copied().collect();
    let orders = [&ids, &backwards, &ids, &backwards];

    let told = join_all(orders.map(|ids| lab.retry_all(ids))).await.concat();

    let late = told.iter().filter(|one| **one == Retried::Already(JobState::Queued)).count();
    assert_eq!((queued(&told).len(), late), (100, 300));
}

pub async fn a_job_tried_again_keeps_what_it_was_made_with(lab: &Lab) {
    let version = lab.version().await;
    let mut made = keyed(version, "k");
    made.options.queue = "slow".parse().expect("a good name");
    made.options.priority = 2.try_into().expect("a good priority");
    made.options.tags = [("a".to_owned(), "1".to_owned())].into();
    made.options.limits = LimitOverrides { memory_bytes: Some(1 << 20), ..LimitOverrides::default() };
    made.max_attempts = 3;
    lab.submit(vec![made.clone()]).await;
    let session = lab.host().await;
    let first = lab.claim(session, made.id).await;
    lab.finish(failed(first.lease, Next::End)).await;
    let before = lab.look(made.id).await;

    let offer = lab.retry(made.id).await;

    assert_eq!((offer.queue, offer.priority), (before.queue.clone(), before.priority));
    let after = lab.look(made.id).await;
    assert_eq!(after.priority, 2.try_into().expect("a good priority"));
    assert_eq!((&after.queue, &after.key, &after.tags), (&before.queue, &before.key, &before.tags));
    assert_eq!((&after.limits, &after.payload), (&before.limits, &before.payload));
    assert_eq!((after.version, after.attempts), (before.version, before.attempts));
    for failures in 0..3 {
        let again = lab.claim(session, made.id).await;
        assert_eq!((again.failures, again.max_attempts), (failures, 3));
        lab.finish(failed(again.lease, AT_ONCE)).await;
    }
}

pub async fn a_job_tried_again_still_stands_for_its_key(lab: &Lab) {
    let version = lab.version().await;
    let first = keyed(version, "k");
    lab.submit(vec![first.clone()]).await;
    let claimed = lab.claim(lab.host().await, first.id).await;
    lab.finish(failed(claimed.lease, Next::End)).await;

    lab.retry(first.id).await;

    let told = &lab.submit(vec![keyed(version, "k")]).await[0];
    assert_eq!((told.id, told.duplicate, told.state), (first.id, true, JobState::Queued));
}

pub async fn a_job_that_expired_is_tried_again_without_its_end(lab: &Lab) {
    let version = lab.version().await;
    let job = job_with(version, |options| options.expires_in = Some(Duration::from_millis(1)));
    lab.submit(vec![job.clone()]).await;
    eventually("it expires", || async {
        lab.rescue().await;
        lab.state(job.id).await == JobState::Failed
    })
    .await;

    lab.retry(job.id).await;

    lab.rescue().await;
    assert_eq!(lab.state(job.id).await, JobState::Queued);
    assert_eq!(lab.look(job.id).await.failure, None);
}

pub async fn attempt_a_hundred_honours_the_ceiling(lab: &Lab) {
    const { assert!(MAX_ATTEMPTS_DEFAULT < 100) };
    let version = lab.version().await;
    let job = NewJob { max_attempts: 1_000, ..new_job(version) };
    lab.submit(vec![job.clone()]).await;
    let session = lab.host().await;
    for _ in 1..100 {
        let claimed = lab.claim(session, job.id).await;
        lab.finish(failed(claimed.lease, AT_ONCE)).await;
    }
    let hundredth = lab.claim(session, job.id).await;
    assert_eq!((hundredth.lease.attempt, hundredth.failures), (100, 99));

    let ending = Ending::Failed { failure: Failure::new(ErrorKind::Task, "no"), retry: Again::Usual };
    let next = decide(&ending, hundredth.failures, hundredth.max_attempts, &mut rand::rng());
    lab.finish(failed(hundredth.lease, next)).await;

    let job = lab.look(job.id).await;
    let wait = (job.run_at - lab.now().await).to_std().expect("it is to come");
    assert_eq!(job.state, JobState::Scheduled);
    assert!(wait <= BACKOFF_MAX && wait > BACKOFF_MAX / 3, "{wait:?}");
}
