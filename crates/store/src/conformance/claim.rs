//! Facts about claiming.

use std::time::Duration;

use futures::future::join_all;
use model::id::SessionId;
use model::job::{JobState, NewJob, Start};
use model::limits::LimitOverrides;
use model::retry::Next;

use super::lab::{Lab, failed, id, ids, job_with, new_job, open, sorted};
use crate::Error;

pub async fn a_claimed_job_runs_under_its_session(lab: &Lab) {
    let id = lab.put().await;
    let session = lab.host().await;

    let claimed = lab.claim(session, id).await;

    assert_eq!((claimed.lease.job, claimed.lease.attempt, claimed.lease.session), (id, 1, session));
    assert_eq!(
        (claimed.failures, &claimed.limits, &claimed.checkpoint),
        (0, &LimitOverrides::default(), &None)
    );
    assert!(lab.store.holds(claimed.lease).await.expect("holds"));
    let job = lab.look(id).await;
    assert_eq!((job.state, job.attempt, job.attempts.len()), (JobState::Running, 1, 1));
    let attempt = &job.attempts[0];
    assert_eq!((attempt.number, attempt.session, attempt.host.as_str()), (1, session, "a"));
    assert_eq!((attempt.outcome, attempt.finished_at), (None, None));
    assert_eq!(job.started_at, Some(attempt.started_at));
    assert_eq!(lab.due().await, Vec::new());
}

pub async fn a_batch_is_claimed_whole(lab: &Lab) {
    let version = lab.version().await;
    let ids = ids(100);
    lab.submit(ids.iter().map(|id| NewJob { id: *id, ..new_job(version) }).collect()).await;

    let claimed = lab.try_claim(lab.host().await, &ids).await.expect("claim");

    assert_eq!(sorted(claimed.iter().map(|one| one.lease.job)), ids);
}

pub async fn what_is_not_claimable_is_passed_over(lab: &Lab) {
    let version = lab.version().await;
    let running = lab.running().await.lease.job;
    let ended = lab.dead().await.lease.job;
    let good = new_job(version);
    let late = job_with(version, |options| options.start = Start::After(Duration::from_secs(3600)));
    lab.submit(vec![good.clone(), late.clone()]).await;
    let asked = [id(), running, ended, late.id, good.id, good.id];

    let claimed = lab.try_claim(lab.host().await, &asked).await.expect("claim");

    assert_eq!(claimed.iter().map(|one| one.lease.job).collect::<Vec<_>>(), [good.id]);
    assert_eq!(lab.state(late.id).await, JobState::Scheduled);
}

pub async fn racing_sessions_claim_a_job_once(lab: &Lab) {
    let version = lab.version().await;
    let ids = ids(20);
    lab.submit(ids.iter().map(|id| NewJob { id: *id, ..new_job(version) }).collect()).await;
    let mut sessions = Vec::new();
    for _ in 0..8 {
        sessions.push(lab.host().await);
    }

    let racers = sessions.iter().map(|session| lab.try_claim(*session, &ids));
    let claimed: Vec<_> = join_all(racers).await.into_iter().flat_map(|won| won.expect("claim")).collect();

    assert_eq!(sorted(claimed.iter().map(|one| one.lease.job)), ids);
    assert!(claimed.iter().all(|one| one.lease.attempt == 1));
}

pub async fn a_delayed_job_is_claimed_once_it_is_due(lab: &Lab) {
    let version = lab.version().await;
    let wait = Duration::from_millis(30);
    let job = job_with(version, |options| options.start = Start::After(wait));
    lab.submit(vec![job.clone()]).await;
    lab.past(lab.look(job.id).await.run_at).await;

    assert_eq!(lab.state(job.id).await, JobState::Queued);
    assert_eq!(lab.due().await.len(), 1);
    lab.claim(lab.host().await, job.id).await;
}

pub async fn a_job_is_not_claimed_before_its_next_try(lab: &Lab) {
    let first = lab.running().await;
    lab.finish(failed(first.lease, Next::Again(Duration::from_secs(3600)))).await;

    let claimed = lab.try_claim(first.lease.session, &[first.lease.job]).await.expect("claim");

    assert_eq!(claimed, Vec::new());
    assert_eq!(lab.state(first.lease.job).await, JobState::Scheduled);
}

pub async fn an_expired_job_is_not_claimed(lab: &Lab) {
    let version = lab.version().await;
    let brief = Duration::from_millis(1);
    let job = job_with(version, |options| options.expires_in = Some(brief));
    lab.submit(vec![job.clone()]).await;
    lab.past(lab.look(job.id).await.created_at + brief + brief).await;

    let claimed = lab.try_claim(lab.host().await, &[job.id]).await.expect("claim");

    assert_eq!(claimed, Vec::new());
}

pub async fn a_job_that_has_not_expired_is_claimed(lab: &Lab) {
    let version = lab.version().await;
    let job = job_with(version, |options| options.expires_in = Some(Duration::from_secs(3600)));
    lab.submit(vec![job.clone()]).await;

    lab.claim(lab.host().await, job.id).await;
}

pub async fn a_closed_session_claims_nothing(lab: &Lab) {
    let id = lab.put().await;
    let session = lab.host().await;
    lab.store.close(session).await.expect("close");

    let refusal = lab.try_claim(session, &[id]).await.expect_err("it is closed");

    assert!(matches!(refusal, Error::Stale { .. }), "{refusal}");
    assert_eq!(lab.state(id).await, JobState::Queued);
}

pub async fn a_session_that_was_silent_too_long_claims_nothing(lab: &Lab) {
    let id = lab.put().await;
    let session = lab.store.open(open("b")).await.expect("open");
    lab.lapse(session).await;

    let refusal = lab.try_claim(session, &[id]).await.expect_err("its lease has run out");

    assert!(matches!(refusal, Error::Stale { .. }), "{refusal}");
    assert_eq!(lab.state(id).await, JobState::Queued);
}

pub async fn an_unknown_session_claims_nothing(lab: &Lab) {
    let id = lab.put().await;

    let refusal = lab.try_claim(SessionId(987_654), &[id]).await.expect_err("no such session");

    assert!(matches!(refusal, Error::Stale { .. }), "{refusal}");
}
