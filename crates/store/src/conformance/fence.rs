//! Facts about the fencing token: who has lost it changes nothing.

use model::id::Lease;
use model::job::{JobState, OutputFile, Progress};
use model::retry::Next;

use super::lab::{AT_ONCE, Lab, failed, line, succeeded};
use crate::{Ended, Error, Finish, Finished, Report};

fn report(lease: Lease) -> Report {
    Report {
        lease,
        lines: vec![line("from the past")],
        progress: Some(Progress { percent: 99, message: "from the past".to_owned() }),
        checkpoint: Some(b"from the past".to_vec()),
    }
}

/// Tries every write with `lease`, which is not current, and sees that nothing changes.
async fn is_powerless(lab: &Lab, lease: Lease) {
    let before = lab.look(lease.job).await;
    let file = OutputFile { name: "f".to_owned(), media_type: "text/plain".to_owned(), bytes: vec![1] };
    let mut good = succeeded(lease);
    good.lines.push(line("from the past"));
    good.files.push(file);

    assert!(!lab.store.holds(lease).await.expect("holds"));
    assert_eq!(lab.finish(good).await, Finished::Stale);
    assert_eq!(lab.finish(failed(lease, Next::End)).await, Finished::Stale);
    assert_eq!(lab.finish(failed(lease, AT_ONCE)).await, Finished::Stale);
    let refusal = lab.store.report(report(lease)).await.expect_err("not its any more");

    assert!(matches!(refusal, Error::Stale { .. }), "{refusal}");
    assert_eq!(lab.look(lease.job).await, before);
    assert_eq!(lab.store.logs(lease.job, 0, 10).await.expect("logs").0, []);
}

pub async fn an_attempt_that_ended_is_nobody_s(lab: &Lab) {
    let claimed = lab.running().await;
    lab.finish(succeeded(claimed.lease)).await;

    is_powerless(lab, claimed.lease).await;
}

pub async fn an_older_attempt_of_the_same_session_is_powerless(lab: &Lab) {
    let first = lab.running().await;
    lab.finish(failed(first.lease, AT_ONCE)).await;
    let second = lab.claim(first.lease.session, first.lease.job).await;

    is_powerless(lab, first.lease).await;

    assert!(lab.store.holds(second.lease).await.expect("holds"));
    assert_eq!(second.checkpoint, None);
    assert_eq!(lab.finish(succeeded(second.lease)).await, Finished::Ended);
}

pub async fn an_attempt_that_was_taken_back_is_powerless(lab: &Lab) {
    let first = lab.running().await;
    lab.lapse(first.lease.session).await;
    lab.rescue().await;
    is_powerless(lab, first.lease).await;
    let second = lab.claim(lab.host().await, first.lease.job).await;
    assert_eq!(second.lease.attempt, 2);

    is_powerless(lab, first.lease).await;

    assert_eq!(lab.finish(succeeded(second.lease)).await, Finished::Ended);
    is_powerless(lab, first.lease).await;
}

pub async fn a_session_that_was_silent_too_long_is_powerless(lab: &Lab) {
    let claimed = lab.running().await;
    lab.lapse(claimed.lease.session).await;

    is_powerless(lab, claimed.lease).await;

    assert_eq!(lab.state(claimed.lease.job).await, JobState::Running);
}

pub async fn a_closed_session_is_powerless(lab: &Lab) {
    let claimed = lab.running().await;
    lab.store.close(claimed.lease.session).await.expect("close");

    is_powerless(lab, claimed.lease).await;
}

pub async fn a_token_with_another_session_or_number_is_powerless(lab: &Lab) {
    let claimed = lab.running().await;
    let other = lab.host().await;

    is_powerless(lab, Lease { session: other, ..claimed.lease }).await;
    is_powerless(lab, Lease { attempt: 2, ..claimed.lease }).await;

    assert!(lab.store.holds(claimed.lease).await.expect("holds"));
}

pub async fn a_lost_attempt_does_not_spoil_the_others_of_its_batch(lab: &Lab) {
    let good = lab.running().await;
    let lost = Lease { attempt: 7, ..lab.running().await.lease };
    let also_good = lab.running().await;
    let ended = vec![succeeded(good.lease), succeeded(lost), failed(also_good.lease, AT_ONCE)];

    let told = lab.store.finish(Finish { ended }).await.expect("finish");

    assert_eq!(told, [Finished::Ended, Finished::Stale, Finished::Again]);
    assert_eq!(lab.state(good.lease.job).await, JobState::Succeeded);
    assert_eq!(lab.state(lost.job).await, JobState::Running);
}

pub async fn an_attempt_is_finished_once_in_a_batch(lab: &Lab) {
    let claimed = lab.running().await;
    let ended: Vec<Ended> = vec![succeeded(claimed.lease), failed(claimed.lease, Next::End)];

    let told = lab.store.finish(Finish { ended }).await.expect("finish");

    assert_eq!(told, [Finished::Ended, Finished::Stale]);
    assert_eq!(lab.state(claimed.lease.job).await, JobState::Succeeded);
}
