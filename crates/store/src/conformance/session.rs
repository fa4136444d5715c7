//! Facts about the sessions of hosts.

use chrono::Duration;
use model::attempt::Outcome;
use model::id::SessionId;
use model::job::JobState;

use super::lab::{LONG_MS, Lab, open, succeeded};
use crate::{Beat, Cancelling, Error, Extend, Finished, HostSession};

async fn hosts(lab: &Lab) -> Vec<HostSession> {
    lab.store.hosts().await.expect("hosts")
}

pub async fn every_session_is_a_new_one(lab: &Lab) {
    let first = lab.host().await;
    lab.store.close(first).await.expect("close");
    let second = lab.host().await;

    assert!(second > first);
}

pub async fn open_sessions_are_listed_oldest_first(lab: &Lab) {
    let first = lab.store.open(open("b")).await.expect("open");
    let closed = lab.store.open(open("c")).await.expect("open");
    let second = lab.store.open(open("a")).await.expect("open");
    lab.store.close(closed).await.expect("close");
    let id = lab.put().await;
    lab.claim(second, id).await;

    let hosts = hosts(lab).await;

    assert_eq!(hosts.iter().map(|host| host.id).collect::<Vec<_>>(), [first, second]);
    assert_eq!(hosts.iter().map(|host| host.running).collect::<Vec<_>>(), [0, 1]);
    let told = &hosts[0];
    assert_eq!((told.name.as_str(), told.address.as_str()), ("b", "http://b:7001"));
    assert_eq!((told.version.as_str(), told.slots, told.draining), ("0.1.0", 8, false));
    assert_eq!(told.lease_until, told.started_at + Duration::milliseconds(i64::from(LONG_MS)));
}

pub async fn a_sign_of_life_keeps_the_lease(lab: &Lab) {
    let session = lab.host().await;
    let before = hosts(lab).await[0].lease_until;

    let twice = LONG_MS * 2;
    lab.store.extend(Extend { session, lease_ms: twice }).await.expect("extend");

    assert!(hosts(lab).await[0].lease_until >= before + Duration::milliseconds(i64::from(LONG_MS)));
}

pub async fn a_sign_of_life_tells_what_to_cancel(lab: &Lab) {
    let one = lab.running().await;
    let session = one.lease.session;
    let other_job = lab.put().await;
    lab.claim(session, other_job).await;
    let elsewhere = lab.running().await;
    assert_eq!(lab.beat(session).await, Beat::default());

    lab.cancel(one.lease.job).await;
    lab.cancel(elsewhere.lease.job).await;

    let told = [Cancelling { lease: one.lease, grace_ms: 0 }];
    assert_eq!(lab.beat(session).await.cancels, told);
    assert_eq!(lab.beat(session).await.cancels, told, "until it has ended");
    lab.finish(succeeded(one.lease)).await;
    assert_eq!(lab.beat(session).await.cancels, []);
}

pub async fn a_session_that_was_silent_too_long_cannot_be_revived(lab: &Lab) {
    let session = lab.host().await;
    lab.lapse(session).await;

    for _ in 0..2 {
        let refusal = lab.store.extend(Extend { session, lease_ms: LONG_MS }).await.expect_err("too late");
        assert!(matches!(refusal, Error::Stale { .. }), "{refusal}");
    }
}

pub async fn a_closed_session_cannot_be_revived(lab: &Lab) {
    let session = lab.host().await;
    lab.store.close(session).await.expect("close");

    let refusal = lab.store.extend(Extend { session, lease_ms: LONG_MS }).await.expect_err("closed");

    assert!(matches!(refusal, Error::Stale { .. }), "{refusal}");
}

pub async fn a_drain_is_told_by_the_next_sign_of_life(lab: &Lab) {
    let session = lab.host().await;
    let other = lab.host().await;

    lab.store.drain(session).await.expect("drain");

    assert!(lab.beat(session).await.drain);
    assert!(!lab.beat(other).await.drain);
    assert_eq!(hosts(lab).await.iter().map(|host| host.draining).collect::<Vec<_>>(), [true, false]);
}

pub async fn a_session_that_is_not_open_is_not_drained(lab: &Lab) {
    let session = lab.host().await;
    lab.store.close(session).await.expect("close");

    for id in [session, SessionId(987_654)] {
        let refusal = lab.store.drain(id).await.expect_err("it is not open");
        assert!(matches!(refusal, Error::NotFound { .. }), "{refusal}");
    }
}

pub async fn a_closed_session_gives_back_what_it_held(lab: &Lab) {
    let claimed = lab.running().await;
    let (id, session) = (claimed.lease.job, claimed.lease.session);

    lab.store.close(session).await.expect("close");
    lab.store.close(session).await.expect("twice is harmless");

    let job = lab.look(id).await;
    assert_eq!((job.state, job.attempts.len()), (JobState::Queued, 1));
    assert_eq!(job.attempts[0].outcome, Some(Outcome::Released));
    assert_eq!(lab.due().await.len(), 1);
    assert!(hosts(lab).await.is_empty());
    let again = lab.claim(lab.host().await, id).await;
    assert_eq!((again.lease.attempt, again.failures), (2, 0));
}

pub async fn a_closed_session_keeps_what_it_finished(lab: &Lab) {
    let claimed = lab.running().await;
    assert_eq!(lab.finish(succeeded(claimed.lease)).await, Finished::Ended);

    lab.store.close(claimed.lease.session).await.expect("close");

    let job = lab.look(claimed.lease.job).await;
    assert_eq!((job.state, job.attempts.len()), (JobState::Succeeded, 1));
}

pub async fn a_job_to_be_cancelled_ends_when_its_session_closes(lab: &Lab) {
    let claimed = lab.running().await;
    lab.cancel(claimed.lease.job).await;

    lab.store.close(claimed.lease.session).await.expect("close");

    assert_eq!(lab.state(claimed.lease.job).await, JobState::Cancelled);
    assert_eq!(lab.due().await, Vec::new());
}

pub async fn closing_an_unknown_session_is_harmless(lab: &Lab) {
    lab.store.close(SessionId(987_654)).await.expect("close");
}
