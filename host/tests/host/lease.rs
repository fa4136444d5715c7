//! What a host does when its lease is lost or its store is away.

use model::attempt::{Outcome, StopReason};
use model::error::ErrorKind;
use model::id::JobId;
use model::job::JobState;
use sandbox::{Capabilities, HttpError, HttpRequest};
use std::sync::Arc;
use store::Attempts;
use testkit::eventually::eventually;
use tokio::net::TcpListener;

use crate::faulty::Fault;
use crate::lab::Lab;

impl Lab {
    /// The last attempt's capabilities.
    fn lent(&self) -> Arc<dyn Capabilities> {
        Arc::clone(self.script.lent.lock().expect("unpoisoned").last().expect("one began"))
    }

    async fn is_stopped(&self, id: JobId, reason: StopReason) {
        eventually("the attempt is stopped", || async {
            (self.script.stop_of(id) == Some(reason)).then_some(())
        })
        .await;
    }
}

#[tokio::test]
async fn a_lost_session_stops_its_guests_and_a_new_one_goes_on() {
    let lab = Lab::new().await;
    let _host = lab.host().await;
    let first = lab.session().await;
    let id = lab.put("wait").await;
    lab.begins(id, 1).await;
    let lent = lab.lent();
    assert!(lent.lease_held());

    lab.store.inner().close(first).await.expect("closed behind its back");
    lab.is_stopped(id, StopReason::LeaseLost).await;

    assert!(!lent.lease_held());
    assert_eq!(
        lent.save_checkpoint(b"late".to_vec()).await,
        Err("the host lost the lease of this attempt".to_owned())
    );
    lab.script.gate.add_permits(1);
    let job = lab.becomes(id, JobState::Succeeded).await;
    let outcomes: Vec<_> = job.attempts.iter().map(|attempt| attempt.outcome).collect();
    assert_eq!(outcomes, [Some(Outcome::Released), Some(Outcome::Succeeded)]);
    assert!(job.attempts[1].session > first);
}

#[tokio::test]
async fn a_host_whose_store_is_away_gives_its_lease_up_by_its_own_clock() {
    let lab = Lab::new().await;
    let _host = lab.host().await;
    let first = lab.session().await;
    let id = lab.put("wait").await;
    lab.begins(id, 1).await;
    let lent = lab.lent();

    lab.store.set_away(true);
    lab.is_stopped(id, StopReason::LeaseLost).await;
    assert!(!lent.lease_held());
    let finishes = lab.store.calls("finish");
    lab.store.set_away(false);
    eventually("what was given up to be given back", || async {
        matches!(lab.sessions().await[..], [session] if session > first).then_some(())
    })
    .await;
    lab.script.gate.add_permits(1);
    let job = lab.becomes(id, JobState::Succeeded).await;

    assert_eq!(finishes, 0);
    assert_eq!(job.attempts[0].outcome, Some(Outcome::Released), "no job is blamed for the store");
    assert!(job.attempts[1].session > first);
}

#[tokio::test]
async fn nothing_leaves_a_host_whose_store_no_longer_says_that_its_session_is_open() {
    let lab = Lab::new().await;
    let _host = lab.host().await;
    let first = lab.session().await;
    let id = lab.put("wait").await;
    lab.begins(id, 1).await;
    let (lent, sink) = (lab.lent(), TcpListener::bind("127.0.0.1:0").await.expect("a free port"));
    let request = get(&format!("http://{}/", sink.local_addr().expect("it is bound")));

    let beats = lab.store.calls("extend");
    lab.store.fail("extend", &[Fault::Silence; 3]);
    lab.store.inner().close(first).await.expect("closed behind its back");
    // The last answer is older than a beat and a half, and the lease is not over by the host's own clock.
    eventually("a second silent beat", || async { (lab.store.calls("extend") >= beats + 2).then_some(()) })
        .await;
    let refused = tokio::select! {
        answer = lent.http(request) => answer.expect_err("the session is closed"),
        came = sink.accept() => panic!("{came:?}"),
    };

    assert_eq!(refused, HttpError::Failed("the host lost the lease of this attempt".to_owned()));
    lab.is_stopped(id, StopReason::LeaseLost).await;
}

fn get(url: &str) -> HttpRequest {
    HttpRequest {
        method: "GET".to_owned(),
        url: url.to_owned(),
        headers: Vec::new(),
        body: Vec::new(),
        timeout: None,
        response_bytes_max: 100,
        idempotency_key: "job-0".to_owned(),
        host_named: true,
    }
}

#[tokio::test]
async fn a_result_that_comes_after_the_loss_is_not_written() {
    let lab = Lab::new().await;
    let _host = lab.host().await;
    let first = lab.session().await;
    let id = lab.put("ignore").await;
    lab.begins(id, 1).await;

    lab.store.inner().close(first).await.expect("closed behind its back");
    eventually("another session", || async {
        lab.sessions().await.first().filter(|session| **session != first).copied()
    })
    .await;
    let finishes = lab.store.calls("finish");
    lab.script.gate.add_permits(1);
    lab.begins(id, 2).await;

    assert_eq!(lab.look(id).await.attempts[0].outcome, Some(Outcome::Released));
    assert_eq!(lab.store.calls("finish"), finishes);
}

#[tokio::test]
async fn one_failed_heartbeat_costs_nothing() {
    let lab = Lab::new().await;
    let _host = lab.host().await;
    let first = lab.session().await;
    let id = lab.put("wait").await;
    lab.begins(id, 1).await;

    let beats = lab.store.calls("extend");
    lab.store.fail("extend", &[Fault::Before, Fault::After]);
    eventually("more beats", || async { (lab.store.calls("extend") > beats + 4).then_some(()) }).await;
    lab.script.gate.add_permits(1);
    lab.becomes(id, JobState::Succeeded).await;

    assert_eq!(lab.sessions().await, [first]);
    assert_eq!(lab.script.attempts(id), 1);
}

#[tokio::test]
async fn an_outcome_is_recorded_once_the_store_is_back() {
    let lab = Lab::new().await;
    let _host = lab.host().await;
    lab.store.fail("finish", &[Fault::Before, Fault::Before, Fault::Before]);

    let id = lab.put("succeed").await;
    let job = lab.becomes(id, JobState::Succeeded).await;

    assert_eq!(job.attempts.len(), 1);
    assert_eq!(lab.store.calls("finish"), 4);
}

#[tokio::test]
async fn an_outcome_whose_answer_was_lost_counts_once() {
    let lab = Lab::new().await;
    let _host = lab.host().await;
    lab.store.fail("finish", &[Fault::After]);

    let id = lab.put("fail once").await;
    let job = lab.becomes(id, JobState::Succeeded).await;

    assert_eq!(job.attempts.len(), 2);
    assert_eq!(lab.script.attempts(id), 2);
}

#[tokio::test]
async fn an_outcome_that_cannot_be_stored_becomes_a_failure() {
    let lab = Lab::new().await;
    let _host = lab.host().await;
    lab.store.fail("finish", &[Fault::Poison]);

    let id = lab.put("succeed").await;
    let job = lab.becomes(id, JobState::Succeeded).await;

    let failure = job.attempts[0].failure.as_ref().expect("the first attempt failed");
    assert_eq!(failure.kind, ErrorKind::Host);
    assert_eq!(job.attempts[1].outcome, Some(Outcome::Succeeded));
}

#[tokio::test]
async fn a_claim_and_a_look_up_wait_for_the_store() {
    let lab = Lab::new().await;
    let _host = lab.host().await;
    lab.store.fail("claim", &[Fault::Before, Fault::Before]);
    lab.store.fail("version", &[Fault::Before]);

    let id = lab.put("succeed").await;
    let job = lab.becomes(id, JobState::Succeeded).await;

    assert_eq!(job.attempts.len(), 1);
}

#[tokio::test]
async fn a_job_whose_claim_was_never_answered_does_not_stay_behind() {
    let lab = Lab::new().await;
    let _host = lab.host().await;
    lab.session().await;
    lab.store.fail("claim", &[Fault::After]);

    let id = lab.put("succeed").await;
    let job = lab.becomes(id, JobState::Succeeded).await;

    assert_eq!(lab.script.attempts(id), 1);
    assert!(job.attempts.iter().all(|attempt| attempt.outcome != Some(Outcome::Lost)));
}

#[tokio::test]
async fn a_host_begins_although_the_store_is_away_and_ends_although_it_stays_away() {
    let lab = Lab::new().await;
    lab.store.set_away(true);

    let host = lab.host().await;
    eventually("a try", || async { (lab.store.calls("open") > 1).then_some(()) }).await;
    host.shutdown.now();

    host.ended().await;
}
