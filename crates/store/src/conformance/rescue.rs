//! Facts about taking back what was lost.

use std::time::Duration;

use model::attempt::Outcome;
use model::bounds::LOSSES_MAX;
use model::error::ErrorKind;
use model::id::{JobId, SessionId};
use model::job::{JobState, NewJob};

use super::lab::{AT_ONCE, Lab, failed, ids, job_with, new_job, sorted};
use crate::{Finished, OpenedSession, Rescue, Rescued};

/// Claims the job under a session that then falls silent, and takes it back.
pub(super) async fn lose(lab: &Lab, id: JobId) -> Rescued {
    let session = lab.host().await;
    lab.claim(session, id).await;
    lab.lapse(session).await;
    lab.rescue().await
}

pub async fn there_is_nothing_to_rescue_from_the_living(lab: &Lab) {
    let claimed = lab.running().await;
    lab.put().await;

    assert_eq!(lab.rescue().await, Rescued::default());
    assert!(lab.store.holds(claimed.lease).await.expect("holds"));
}

pub async fn a_lost_lease_is_rescued_once(lab: &Lab) {
    let id = lab.put().await;

    let rescued = lose(lab, id).await;

    assert_eq!((rescued.sessions, rescued.ended), (1, Vec::new()));
    assert_eq!(rescued.offers.iter().map(|offer| offer.job).collect::<Vec<_>>(), [id]);
    assert_eq!(lab.due().await, rescued.offers);
    assert_eq!(lab.rescue().await, Rescued::default(), "once");
    let job = lab.look(id).await;
    assert_eq!((job.state, job.attempts.len()), (JobState::Queued, 1));
    let attempt = &job.attempts[0];
    assert_eq!((attempt.number, attempt.outcome, attempt.usage), (1, Some(Outcome::Lost), None));
    assert_eq!(attempt.failure.as_ref().expect("it says why").kind, ErrorKind::Lost);
    assert!(lab.store.hosts().await.expect("hosts").is_empty());
}

pub async fn a_session_whose_process_is_gone_is_closed_before_its_lease_ends(lab: &Lab) {
    let claimed = lab.running().await;
    let (gone, other) = (claimed.lease.session, lab.host().await);

    let rescued = lab.store.rescue(Rescue { limit: 10, gone: vec![gone] }).await.expect("rescue");

    assert_eq!(rescued.sessions, 1);
    assert_eq!(rescued.offers.iter().map(|offer| offer.job).collect::<Vec<_>>(), [claimed.lease.job]);
    let job = lab.look(claimed.lease.job).await;
    assert_eq!(job.attempts[0].outcome, Some(Outcome::Lost));
    assert_eq!(lab.finish(failed(claimed.lease, AT_ONCE)).await, Finished::Stale, "its fence is up");
    let open: Vec<_> = lab.store.sessions().await.expect("sessions").into_iter().map(|one| one.id).collect();
    assert_eq!(open, [other]);
    let again = lab.store.rescue(Rescue { limit: 10, gone: vec![gone] }).await.expect("rescue");
    assert_eq!(again, Rescued::default(), "once");
}

pub async fn open_sessions_are_told_with_their_addresses(lab: &Lab) {
    let (first, second) = (lab.host().await, lab.host().await);
    lab.store.close(first).await.expect("close");

    let open = lab.store.sessions().await.expect("sessions");

    let host = lab.store.hosts().await.expect("hosts").remove(0);
    assert_eq!(open, [OpenedSession { id: second, name: host.name, address: host.address }]);
}

pub async fn a_session_without_jobs_is_closed_too(lab: &Lab) {
    let session = lab.host().await;
    lab.lapse(session).await;

    assert_eq!(lab.rescue().await, Rescued { sessions: 1, ..Rescued::default() });
    assert!(lab.store.hosts().await.expect("hosts").is_empty());
}

pub async fn a_loss_is_not_a_failure(lab: &Lab) {
    let id = lab.put().await;
    lose(lab, id).await;

    let second = lab.claim(lab.host().await, id).await;

    assert_eq!((second.lease.attempt, second.failures), (2, 0));
}

pub async fn a_job_that_loses_too_many_hosts_is_parked(lab: &Lab) {
    let id = lab.put().await;
    for _ in 1..LOSSES_MAX {
        assert_eq!(lose(lab, id).await.offers.len(), 1);
    }

    let last = lose(lab, id).await;

    assert_eq!((last.offers, last.ended), (Vec::new(), vec![id]));
    let job = lab.look(id).await;
    assert_eq!((job.state, job.attempt), (JobState::Failed, LOSSES_MAX));
    let failure = job.failure.expect("it says why");
    assert_eq!(failure.kind, ErrorKind::Lost);
    assert!(failure.message.contains("`jobctl job retry`"), "and what to do: {}", failure.message);
    assert_eq!(job.finished_at, job.attempts[LOSSES_MAX as usize - 1].finished_at);
    assert!(job.attempts.iter().all(|attempt| attempt.outcome == Some(Outcome::Lost)));
    assert_eq!(lab.due().await, Vec::new());
}

pub async fn failures_between_losses_do_not_park_a_job(lab: &Lab) {
    let id = lab.put().await;
    lose(lab, id).await;
    let session = lab.host().await;
    for _ in 0..LOSSES_MAX {
        let claimed = lab.claim(session, id).await;
        assert_eq!(lab.finish(failed(claimed.lease, AT_ONCE)).await, Finished::Again);
    }

    assert_eq!(lose(lab, id).await.offers.len(), 1);

    assert_eq!(lab.claim(lab.host().await, id).await.failures, LOSSES_MAX);
}

pub async fn a_lost_job_that_was_to_be_cancelled_ends(lab: &Lab) {
    let claimed = lab.running().await;
    let id = claimed.lease.job;
    lab.cancel(id).await;
    lab.lapse(claimed.lease.session).await;

    let rescued = lab.rescue().await;

    assert_eq!((rescued.offers, rescued.ended), (Vec::new(), vec![id]));
    assert_eq!(lab.state(id).await, JobState::Cancelled);
}

pub async fn a_job_that_expired_before_its_start_ends(lab: &Lab) {
    let version = lab.version().await;
    let brief = Duration::from_millis(1);
    let job = job_with(version, |options| options.expires_in = Some(brief));
    lab.submit(vec![job.clone()]).await;
    lab.past(lab.look(job.id).await.created_at + brief + brief).await;

    let rescued = lab.rescue().await;

    assert_eq!(rescued.ended, [job.id]);
    let job = lab.look(job.id).await;
    assert_eq!((job.state, job.attempt), (JobState::Failed, 0));
    assert_eq!(job.failure.expect("it says why").kind, ErrorKind::Expired);
    assert!(job.finished_at.is_some());
    assert_eq!(lab.rescue().await, Rescued::default(), "once");
}

pub async fn a_job_that_was_started_in_time_does_not_expire(lab: &Lab) {
    let version = lab.version().await;
    let brief = Duration::from_millis(300);
    let job = job_with(version, |options| options.expires_in = Some(brief));
    let session = lab.host().await;
    lab.submit(vec![job.clone()]).await;
    let claimed = lab.claim(session, job.id).await;
    lab.past(lab.look(job.id).await.created_at + brief + Duration::from_millis(1)).await;

    assert_eq!(lab.rescue().await, Rescued::default());
    assert_eq!(lab.finish(failed(claimed.lease, AT_ONCE)).await, Finished::Again);

    assert_eq!(lab.rescue().await, Rescued::default(), "it was started in time");
    lab.claim(session, job.id).await;
}

pub async fn a_round_takes_back_no_more_than_its_limit(lab: &Lab) {
    let version = lab.version().await;
    let ids = ids(5);
    lab.submit(ids.iter().map(|id| NewJob { id: *id, ..new_job(version) }).collect()).await;
    let session: SessionId = lab.host().await;
    lab.try_claim(session, &ids).await.expect("claim");
    lab.lapse(session).await;

    let mut sizes = Vec::new();
    let mut found = Vec::new();
    for _ in 0..3 {
        let round = lab.store.rescue(Rescue { limit: 2, gone: Vec::new() }).await.expect("rescue");
        sizes.push(round.offers.len());
        found.extend(round.offers.iter().map(|offer| offer.job));
    }

    assert_eq!(sizes, [2, 2, 1]);
    assert_eq!(sorted(found), ids);
}

pub async fn two_rescuers_take_a_job_back_once(lab: &Lab) {
    let claimed = lab.running().await;
    lab.lapse(claimed.lease.session).await;

    let (one, two) = futures::join!(lab.rescue(), lab.rescue());

    assert_eq!(one.sessions + two.sessions, 1);
    assert_eq!(one.offers.len() + two.offers.len(), 1);
    assert_eq!(lab.look(claimed.lease.job).await.attempts.len(), 1);
}
