//! Facts about cancelling and trying again.

use std::time::Duration;

use model::attempt::Outcome;
use model::bounds::LOSSES_MAX;
use model::error::ErrorKind;
use model::job::{JobState, Start};
use model::retry::Next;

use super::lab::{AT_ONCE, Lab, cancelled, failed, id, job_with, succeeded};
use crate::{Cancelled, Finished, Retried};

pub async fn a_waiting_job_is_cancelled_at_once(lab: &Lab) {
    let id = lab.put().await;

    assert_eq!(lab.cancel(id).await, Cancelled::Done);

    let job = lab.look(id).await;
    assert_eq!((job.state, job.attempt, job.cancel_requested), (JobState::Cancelled, 0, false));
    assert!(job.finished_at.is_some());
    assert_eq!(lab.due().await, Vec::new());
    assert_eq!(lab.try_claim(lab.host().await, &[id]).await.expect("claim"), Vec::new());
}

pub async fn a_scheduled_job_is_cancelled_at_once(lab: &Lab) {
    let version = lab.version().await;
    let job = job_with(version, |options| options.start = Start::After(Duration::from_secs(3600)));
    lab.submit(vec![job.clone()]).await;

    assert_eq!(lab.cancel(job.id).await, Cancelled::Done);

    assert_eq!(lab.state(job.id).await, JobState::Cancelled);
}

pub async fn a_job_that_waits_for_another_try_is_cancelled_at_once(lab: &Lab) {
    let claimed = lab.running().await;
    let later = Next::Again(Duration::from_secs(3600));
    assert_eq!(lab.finish(failed(claimed.lease, later)).await, Finished::Again);

    assert_eq!(lab.cancel(claimed.lease.job).await, Cancelled::Done);

    let job = lab.look(claimed.lease.job).await;
    assert_eq!((job.state, job.attempt, job.attempts.len()), (JobState::Cancelled, 1, 1));
}

pub async fn a_running_job_is_asked_to_stop(lab: &Lab) {
    let claimed = lab.running().await;
    let id = claimed.lease.job;

    assert_eq!(lab.cancel(id).await, Cancelled::Asked(claimed.lease));
    assert_eq!(lab.cancel(id).await, Cancelled::Asked(claimed.lease), "twice is harmless");

    let job = lab.look(id).await;
    assert_eq!((job.state, job.cancel_requested), (JobState::Running, true));
    assert_eq!(lab.finish(cancelled(claimed.lease)).await, Finished::Ended);
    let job = lab.look(id).await;
    assert_eq!((job.state, job.cancel_requested), (JobState::Cancelled, false));
}

pub async fn a_cancelled_job_does_not_run_again_after_a_failure(lab: &Lab) {
    let claimed = lab.running().await;
    lab.cancel(claimed.lease.job).await;

    assert_eq!(lab.finish(failed(claimed.lease, AT_ONCE)).await, Finished::Ended);

    let job = lab.look(claimed.lease.job).await;
    assert_eq!(job.state, JobState::Cancelled);
    assert_eq!(job.attempts[0].outcome, Some(Outcome::Cancelled));
    assert_eq!(lab.due().await, Vec::new());
}

pub async fn a_success_that_was_under_way_stands(lab: &Lab) {
    let claimed = lab.running().await;
    lab.cancel(claimed.lease.job).await;

    assert_eq!(lab.finish(succeeded(claimed.lease)).await, Finished::Ended);

    assert_eq!(lab.state(claimed.lease.job).await, JobState::Succeeded);
}

pub async fn an_ended_job_says_how_it_ended_when_it_is_cancelled(lab: &Lab) {
    let dead = lab.dead().await.lease.job;
    let good = lab.running().await;
    lab.finish(succeeded(good.lease)).await;
    let gone = lab.put().await;
    lab.cancel(gone).await;

    assert_eq!(lab.cancel(dead).await, Cancelled::Already(JobState::Failed));
    assert_eq!(lab.cancel(good.lease.job).await, Cancelled::Already(JobState::Succeeded));
    assert_eq!(lab.cancel(gone).await, Cancelled::Already(JobState::Cancelled));
}

pub async fn an_unknown_job_is_neither_cancelled_nor_tried_again(lab: &Lab) {
    let id = id();

    assert_eq!(lab.cancel(id).await, Cancelled::Unknown);
    assert_eq!(lab.try_retry(id).await, Retried::Unknown);
}

pub async fn a_failed_job_runs_again_when_it_is_told_to(lab: &Lab) {
    let dead = lab.dead().await;
    let id = dead.lease.job;

    let offer = lab.retry(id).await;

    assert_eq!(offer.job, id);
    assert_eq!(lab.due().await, std::slice::from_ref(&offer));
    let waiting = lab.look(id).await;
    assert_eq!((waiting.state, waiting.attempt, waiting.finished_at), (JobState::Queued, 1, None));
    assert_eq!(waiting.run_at, offer.run_at);
    let again = lab.claim(dead.lease.session, id).await;
    assert_eq!((again.lease.attempt, again.failures, again.max_attempts), (2, 0, 5));
    assert_eq!(lab.finish(succeeded(again.lease)).await, Finished::Ended);
    let job = lab.look(id).await;
    assert_eq!((job.state, job.failure), (JobState::Succeeded, None));
    let outcomes: Vec<_> = job.attempts.iter().map(|attempt| (attempt.number, attempt.outcome)).collect();
    assert_eq!(outcomes, [(1, Some(Outcome::Failed)), (2, Some(Outcome::Succeeded))]);
}

pub async fn a_job_tried_again_has_all_its_failures_to_spend(lab: &Lab) {
    let first = lab.running().await;
    let id = first.lease.job;
    lab.finish(failed(first.lease, AT_ONCE)).await;
    let second = lab.claim(first.lease.session, id).await;
    assert_eq!(second.failures, 1);
    lab.finish(failed(second.lease, Next::End)).await;

    lab.retry(id).await;

    let third = lab.claim(first.lease.session, id).await;
    assert_eq!((third.lease.attempt, third.failures), (3, 0));
}

pub async fn a_job_tried_again_has_all_its_losses_to_spend(lab: &Lab) {
    let id = lab.put().await;
    for _ in 0..LOSSES_MAX {
        super::rescue::lose(lab, id).await;
    }
    assert_eq!(lab.look(id).await.failure.expect("parked").kind, ErrorKind::Lost);

    lab.retry(id).await;
    super::rescue::lose(lab, id).await;

    let job = lab.look(id).await;
    assert_eq!((job.state, job.attempt), (JobState::Queued, LOSSES_MAX + 1));
}

pub async fn a_cancelled_job_runs_again_when_it_is_told_to(lab: &Lab) {
    let id = lab.put().await;
    lab.cancel(id).await;

    lab.retry(id).await;

    assert_eq!(lab.state(id).await, JobState::Queued);
    let claimed = lab.claim(lab.host().await, id).await;
    assert_eq!(claimed.lease.attempt, 1);
    lab.finish(succeeded(claimed.lease)).await;
    assert_eq!(lab.state(id).await, JobState::Succeeded);
}

pub async fn a_job_tried_again_can_be_cancelled(lab: &Lab) {
    let id = lab.dead().await.lease.job;
    lab.retry(id).await;

    assert_eq!(lab.cancel(id).await, Cancelled::Done);

    assert_eq!(lab.state(id).await, JobState::Cancelled);
}

pub async fn a_job_that_has_not_failed_is_not_tried_again(lab: &Lab) {
    let claimed = lab.running().await;
    let waiting = lab.put().await;

    assert_eq!(lab.try_retry(waiting).await, Retried::Already(JobState::Queued));
    assert_eq!(lab.try_retry(claimed.lease.job).await, Retried::Already(JobState::Running));
    lab.finish(succeeded(claimed.lease)).await;
    assert_eq!(lab.try_retry(claimed.lease.job).await, Retried::Already(JobState::Succeeded));
}
