//! Facts about how attempts end, and what they leave behind.

use std::time::Duration;

use model::attempt::{Outcome, Stop, StopReason};
use model::error::{ErrorKind, Failure};
use model::job::{JobState, NewJob, OutputFile};
use model::retry::Next;

use super::lab::{AT_ONCE, Lab, cancelled, failed, ids, new_job, released, succeeded};
use crate::{Ended, Error, Finish, Finished};

fn file(name: &str, bytes: &[u8]) -> OutputFile {
    OutputFile { name: name.to_owned(), media_type: "text/plain".to_owned(), bytes: bytes.to_vec() }
}

pub async fn a_success_ends_the_job_with_its_result(lab: &Lab) {
    let claimed = lab.running().await;
    let ended = succeeded(claimed.lease);

    assert_eq!(lab.finish(ended.clone()).await, Finished::Ended);

    let job = lab.look(claimed.lease.job).await;
    assert_eq!((job.state, &job.result, &job.failure), (JobState::Succeeded, &ended.result, &None));
    let attempt = &job.attempts[0];
    assert_eq!((attempt.outcome, attempt.usage), (Some(Outcome::Succeeded), Some(ended.usage)));
    assert_eq!(job.finished_at, attempt.finished_at);
    assert!(attempt.finished_at >= Some(attempt.started_at));
}

pub async fn a_failure_for_good_ends_the_job_with_its_reason(lab: &Lab) {
    let claimed = lab.running().await;
    let failure = Failure::new(ErrorKind::Fuel, "it took \"too\" long\nby far");
    let ended = Ended { failure: Some(failure.clone()), ..failed(claimed.lease, Next::End) };

    assert_eq!(lab.finish(ended).await, Finished::Ended);

    let job = lab.look(claimed.lease.job).await;
    assert_eq!((job.state, &job.failure, &job.result), (JobState::Failed, &Some(failure.clone()), &None));
    assert_eq!((job.attempts[0].outcome, &job.attempts[0].failure), (Some(Outcome::Failed), &Some(failure)));
}

pub async fn a_failure_that_may_pass_runs_again_after_its_wait(lab: &Lab) {
    let claimed = lab.running().await;
    let id = claimed.lease.job;
    let wait = Duration::from_secs(3600);

    assert_eq!(lab.finish(failed(claimed.lease, Next::Again(wait))).await, Finished::Again);

    let job = lab.look(id).await;
    assert_eq!((job.state, job.attempt, job.finished_at), (JobState::Scheduled, 1, None));
    assert_eq!(job.failure.expect("the last attempt's").kind, ErrorKind::Task);
    assert_eq!(Some(job.run_at), job.attempts[0].finished_at.map(|at| at + wait));
    assert_eq!(lab.due().await, Vec::new());
}

pub async fn failures_are_counted_and_numbers_go_on(lab: &Lab) {
    let mut claimed = lab.running().await;
    let id = claimed.lease.job;

    for failures in 1..4 {
        assert_eq!(lab.finish(failed(claimed.lease, AT_ONCE)).await, Finished::Again);
        claimed = lab.claim(claimed.lease.session, id).await;
        assert_eq!((claimed.lease.attempt, claimed.failures), (failures + 1, failures));
    }

    let numbers: Vec<_> = lab.look(id).await.attempts.iter().map(|attempt| attempt.number).collect();
    assert_eq!(numbers, [1, 2, 3, 4]);
}

pub async fn what_was_given_back_is_not_counted(lab: &Lab) {
    let first = lab.running().await;
    let id = first.lease.job;

    assert_eq!(lab.finish(released(first.lease)).await, Finished::Again);

    assert_eq!(lab.state(id).await, JobState::Queued);
    let second = lab.claim(first.lease.session, id).await;
    assert_eq!((second.lease.attempt, second.failures), (2, 0));
    assert_eq!(lab.look(id).await.attempts[0].outcome, Some(Outcome::Released));
}

pub async fn a_stop_is_kept_with_its_reason_and_time(lab: &Lab) {
    let claimed = lab.running().await;
    let stop = Stop { reason: StopReason::Cancel, latency_us: 1234 };
    let ended = Ended { stop: Some(stop), ..cancelled(claimed.lease) };

    assert_eq!(lab.finish(ended).await, Finished::Ended);

    let job = lab.look(claimed.lease.job).await;
    assert_eq!(job.state, JobState::Cancelled);
    assert_eq!((job.attempts[0].outcome, job.attempts[0].stop), (Some(Outcome::Cancelled), Some(stop)));
}

pub async fn unmetered_fuel_is_not_nought(lab: &Lab) {
    let claimed = lab.running().await;
    let mut ended = succeeded(claimed.lease);
    ended.usage.fuel = None;

    lab.finish(ended.clone()).await;

    assert_eq!(lab.look(claimed.lease.job).await.attempts[0].usage, Some(ended.usage));
}

pub async fn an_attempt_that_never_had_its_code_names_no_origin(lab: &Lab) {
    let claimed = lab.running().await;
    let mut ended = failed(claimed.lease, Next::End);
    ended.usage.code = None;

    lab.finish(ended.clone()).await;

    assert_eq!(lab.look(claimed.lease.job).await.attempts[0].usage, Some(ended.usage));
}

pub async fn a_result_keeps_its_bytes(lab: &Lab) {
    let claimed = lab.running().await;
    let result = super::lab::json("{\"b\":1e400, \"a\":\"\\u0000\"}");

    lab.finish(Ended { result: Some(result.clone()), ..succeeded(claimed.lease) }).await;

    assert_eq!(lab.look(claimed.lease.job).await.result, Some(result));
}

pub async fn a_batch_is_finished_in_its_order(lab: &Lab) {
    let version = lab.version().await;
    let ids = ids(40);
    lab.submit(ids.iter().map(|id| NewJob { id: *id, ..new_job(version) }).collect()).await;
    let claimed = lab.try_claim(lab.host().await, &ids).await.expect("claim");
    let ended: Vec<Ended> = claimed
        .iter()
        .enumerate()
        .map(|(n, one)| if n % 2 == 0 { succeeded(one.lease) } else { failed(one.lease, AT_ONCE) })
        .collect();

    let told = lab.store.finish(Finish { ended }).await.expect("finish");

    let expected = (0..40).map(|n| if n % 2 == 0 { Finished::Ended } else { Finished::Again });
    assert_eq!(told, expected.collect::<Vec<_>>());
    assert_eq!(lab.due().await.len(), 20);
}

pub async fn files_are_kept_with_their_bytes(lab: &Lab) {
    let claimed = lab.running().await;
    let id = claimed.lease.job;
    let files = vec![file("b.bin", &[0, 255, 10]), file("a.txt", b"")];

    lab.finish(Ended { files: files.clone(), ..succeeded(claimed.lease) }).await;

    let listed = lab.store.files(id).await.expect("files");
    let names: Vec<_> = listed.iter().map(|info| (info.name.as_str(), info.size_bytes)).collect();
    assert_eq!(names, [("a.txt", 0), ("b.bin", 3)]);
    assert!(listed.iter().all(|info| info.attempt == 1 && info.media_type == "text/plain"));
    assert_eq!(lab.look(id).await.files, listed);
    assert_eq!(lab.store.file(id, "b.bin").await.expect("file"), files[0]);
    let missing = lab.store.file(id, "nosuch").await.expect_err("no such file");
    assert!(matches!(&missing, Error::NotFound { what } if what.contains("nosuch")), "{missing}");
}

pub async fn files_are_those_of_the_last_finished_attempt(lab: &Lab) {
    let first = lab.running().await;
    let id = first.lease.job;
    lab.finish(Ended { files: vec![file("old", b"1")], ..failed(first.lease, AT_ONCE) }).await;
    let second = lab.claim(first.lease.session, id).await;
    assert_eq!(lab.store.files(id).await.expect("files")[0].name, "old", "the second still runs");

    lab.finish(Ended { files: vec![file("new", b"2")], ..succeeded(second.lease) }).await;

    let listed = lab.store.files(id).await.expect("files");
    assert_eq!(
        listed.iter().map(|info| (info.name.as_str(), info.attempt)).collect::<Vec<_>>(),
        [("new", 2)]
    );
    assert!(matches!(lab.store.file(id, "old").await, Err(Error::NotFound { .. })));
}
