//! The ordinary life of jobs and of a host.

use std::sync::atomic::Ordering;

use crate::faulty::Fault;
use crate::lab::Lab;
use crate::script::USAGE;
use broker::{Broker, Queues, Signal};
use model::attempt::{Outcome, StopReason};
use model::error::ErrorKind;
use model::job::{JobState, Priority};
use model::name::{Namespace, QueueKey, QueueName};
use testkit::eventually::{DEADLINE, eventually};

#[tokio::test]
async fn a_job_is_claimed_run_and_finished() {
    let lab = Lab::new().await;
    let mut signals = lab.broker.signals();
    let _host = lab.host().await;

    let id = lab.put("succeed").await;
    let job = lab.becomes(id, JobState::Succeeded).await;

    assert_eq!(job.result.expect("a result").as_str(), "{\"ok\":true}");
    assert_eq!(job.attempts.len(), 1);
    assert_eq!(job.attempts[0].host, "host");
    assert_eq!(job.attempts[0].usage, Some(USAGE));
    assert_eq!(signals.recv().await.expect("a wake-up"), Signal::Ended(vec![id]));
}

#[tokio::test]
async fn a_failure_is_tried_again_later() {
    let lab = Lab::new().await;
    let _host = lab.host().await;

    let id = lab.put("fail once").await;
    let waiting = lab.becomes(id, JobState::Scheduled).await;
    let job = lab.becomes(id, JobState::Succeeded).await;

    assert!(waiting.run_at > waiting.attempts[0].finished_at.expect("recorded"));
    let outcomes: Vec<_> = job.attempts.iter().map(|attempt| attempt.outcome).collect();
    assert_eq!(outcomes, [Some(Outcome::Failed), Some(Outcome::Succeeded)]);
    assert_eq!(job.attempts[0].failure.as_ref().expect("a reason").message, "no luck");
}

#[tokio::test]
async fn a_failure_for_good_ends_the_job() {
    let lab = Lab::new().await;
    let _host = lab.host().await;

    let id = lab.put("fail for good").await;
    let job = lab.becomes(id, JobState::Failed).await;

    assert_eq!(job.attempts.len(), 1);
}

#[tokio::test]
async fn an_executor_that_panics_costs_an_attempt_and_not_the_host() {
    let lab = Lab::new().await;
    let _host = lab.host().await;

    let id = lab.put("panic").await;
    let job = lab.becomes(id, JobState::Succeeded).await;

    assert_eq!(job.attempts[0].failure.as_ref().expect("a reason").kind, ErrorKind::Host);
}

#[tokio::test]
async fn no_more_attempts_run_at_once_than_there_are_slots() {
    let lab = Lab::new().await;
    let mut ids = Vec::new();
    for _ in 0..40 {
        ids.push(lab.submit("succeed").await);
    }
    lab.ring().await;

    let _host = lab.host_with(|config| config.slots = 3).await;
    for id in ids {
        lab.becomes(id, JobState::Succeeded).await;
        assert_eq!(lab.script.attempts(id), 1);
    }

    assert!(lab.script.most.load(Ordering::SeqCst) <= 3);
}

#[tokio::test]
async fn a_reference_that_is_not_claimable_is_passed_over() {
    let lab = Lab::new().await;
    let done = lab.submit("succeed").await;
    lab.ring().await;
    let host = lab.host().await;
    lab.becomes(done, JobState::Succeeded).await;

    let next = lab.submit("succeed").await;
    let reference = |job| broker::Reference {
        job,
        queue: QueueKey { namespace: Namespace::default(), queue: QueueName::default() },
        priority: Priority::default(),
        run_at: chrono::DateTime::UNIX_EPOCH,
    };
    lab.broker.push(&[reference(done), reference(next)]).await.expect("pushed");
    lab.becomes(next, JobState::Succeeded).await;

    assert_eq!(lab.script.attempts(done), 1);
    host.shutdown.now();
    host.ended().await;
}

#[tokio::test]
async fn a_host_serves_its_queues_only() {
    let lab = Lab::new().await;
    let name: QueueName = "mine".parse().expect("a name");
    let mine = QueueKey { namespace: Namespace::default(), queue: name.clone() };
    let foreign = lab.put("succeed").await;
    let _host = lab.host_with(|config| config.queues = Queues::Only(vec![mine])).await;

    for _ in 0..3 {
        let id = lab.submit_to(name.clone(), "succeed").await;
        lab.becomes(id, JobState::Succeeded).await;
    }

    assert_eq!(lab.look(foreign).await.state, JobState::Queued);
}

#[tokio::test]
async fn a_host_that_drains_lets_what_runs_end() {
    let lab = Lab::new().await;
    let host = lab.host().await;
    let running = lab.put("wait").await;
    lab.begins(running, 1).await;

    host.shutdown.drain();
    let later = lab.put("succeed").await;
    lab.script.gate.add_permits(1);
    host.ended().await;

    assert_eq!(lab.look(running).await.state, JobState::Succeeded);
    assert_eq!(lab.look(later).await.state, JobState::Queued);
    assert_eq!(lab.sessions().await, []);
}

#[tokio::test]
async fn a_host_that_ends_gives_back_what_still_runs() {
    let lab = Lab::new().await;
    let host = lab.host().await;
    let id = lab.put("hang").await;
    lab.begins(id, 1).await;

    host.shutdown.now();
    host.ended().await;

    let job = lab.look(id).await;
    assert_eq!(job.state, JobState::Queued);
    assert_eq!(job.attempts[0].outcome, Some(Outcome::Released));
    assert_eq!(job.attempts[0].stop.expect("it was stopped").reason, StopReason::Drain);
    assert!(lab.script.wakes.load(Ordering::SeqCst) > 0);
    assert_eq!(lab.sessions().await, []);
}

#[tokio::test]
async fn a_host_that_must_end_gives_back_its_session_when_the_store_takes_no_report() {
    let lab = Lab::new().await;
    // Not the end of the lease is what ends it.
    let host = lab.host_with(|config| config.lease = 10 * DEADLINE).await;
    let id = lab.put("hang").await;
    lab.begins(id, 1).await;

    lab.store.fail("finish", &[Fault::Silence]);
    host.shutdown.now();
    host.ended().await;

    let job = lab.look(id).await;
    assert_eq!((job.state, job.attempts[0].outcome), (JobState::Queued, Some(Outcome::Released)));
    assert_eq!(lab.sessions().await, []);
}

#[tokio::test]
async fn a_host_that_drains_claims_no_more_although_it_took_the_reference() {
    let lab = Lab::new().await;
    let host = lab.host().await;
    lab.session().await;
    lab.store.fail("claim", &[Fault::Before; 1_000]);
    let id = lab.put("succeed").await;
    eventually("a claim that fails", || async { (lab.store.calls("claim") > 0).then_some(()) }).await;

    host.shutdown.drain();
    host.ended().await;

    let job = lab.look(id).await;
    assert_eq!((job.state, job.attempts.len()), (JobState::Queued, 0));
}

#[tokio::test]
async fn what_a_claim_brings_after_the_drain_began_is_given_back() {
    let lab = Lab::new().await;
    let host = lab.host().await;
    lab.session().await;
    lab.store.fail("claim", &[Fault::Held]);
    let id = lab.put("hang").await;
    eventually("a claim under way", || async { (lab.store.calls("claim") > 0).then_some(()) }).await;

    host.shutdown.drain();
    lab.store.let_go();
    host.ended().await;

    let job = lab.look(id).await;
    assert_eq!((job.state, job.attempts[0].outcome), (JobState::Queued, Some(Outcome::Released)));
}

#[tokio::test]
async fn an_idle_host_ends_without_waiting() {
    let lab = Lab::new().await;
    let host = lab.host().await;
    lab.session().await;

    host.shutdown.drain();
    host.ended().await;

    assert_eq!(lab.sessions().await, []);
}
