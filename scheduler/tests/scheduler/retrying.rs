//! Retry of all jobs that match: counted first, then a page a call.

use model::attempt::Outcome;
use model::retry::Next;
use rpc::{Code, v1};
use store::{Ended, Finish, Finished};

use crate::room::{Replica, Room, job, succeeded};

async fn call(replica: &Replica, request: v1::RetryJobsRequest) -> Result<v1::RetryJobsResponse, rpc::Error> {
    Ok(replica.client.clone().jobs.retry_jobs(request).await?.into_inner())
}

fn of(task: &str) -> v1::RetryJobsRequest {
    v1::RetryJobsRequest { task: task.to_owned(), ..v1::RetryJobsRequest::default() }
}

/// Lets the jobs fail for good.
async fn fail(room: &Room, ids: &[String]) {
    let session = room.session("http://127.0.0.1:1").await;
    let mut ended = Vec::new();
    for id in ids {
        let lease = room.claim(session, id).await;
        ended.push(Ended { outcome: Outcome::Failed, next: Next::End, result: None, ..succeeded(lease) });
    }
    let count = ended.len();
    let finished = room.store.finish(Finish { ended }).await.expect("the store answers");
    assert_eq!(finished, vec![Finished::Ended; count]);
}

async fn enqueue(replica: &Replica, task: &str, count: usize) -> Vec<String> {
    let jobs = (0..count).map(|_| job(task, "{}")).collect();
    replica.enqueue(jobs).await.expect("they are stored").into_iter().map(|job| job.id).collect()
}

async fn cancel(replica: &Replica, id: &str) {
    let request = v1::CancelJobRequest { id: id.to_owned(), ..v1::CancelJobRequest::default() };
    replica.client.clone().jobs.cancel_job(request).await.expect("it is known");
}

#[tokio::test]
async fn the_jobs_that_match_are_counted_and_left_alone() {
    let (room, replica) = Room::with_replica().await;
    room.publish("t", None).await;
    room.publish("other", None).await;
    let ids = enqueue(&replica, "t", 4).await;
    let other = enqueue(&replica, "other", 1).await;
    fail(&room, &ids[..2]).await;
    fail(&room, &other).await;
    cancel(&replica, &ids[2]).await;
    let both = vec!["failed".to_owned(), "cancelled".to_owned()];

    let failed = call(&replica, v1::RetryJobsRequest { count_only: true, ..of("t") }).await;
    let all = call(&replica, v1::RetryJobsRequest { states: both, count_only: true, ..of("t") }).await;

    let (failed, all) = (failed.expect("it is fine"), all.expect("it is fine"));
    assert_eq!((failed.failed, failed.cancelled, failed.retried), (2, 0, 0));
    assert_eq!((all.failed, all.cancelled), (2, 1));
    assert!(failed.counted_at.is_some() && failed.next_cursor.is_empty());
    assert_eq!(replica.states(&ids).await, ["failed", "failed", "cancelled", "queued"]);
}

#[tokio::test]
async fn pages_retry_all_that_failed_and_offer_them() {
    let (room, replica) = Room::with_replica().await;
    room.publish("t", None).await;
    let ids = enqueue(&replica, "t", 450).await;
    fail(&room, &ids).await;
    let gone = replica.enqueue_one("t").await;
    cancel(&replica, &gone).await;

    let (mut pages, mut retried, mut cursor) = (0, 0, String::new());
    loop {
        let answer = call(&replica, v1::RetryJobsRequest { cursor, ..of("t") }).await.expect("it is fine");
        pages += 1;
        retried += answer.retried;
        assert_eq!(answer.skipped, 0);
        cursor = answer.next_cursor;
        if cursor.is_empty() {
            break;
        }
    }

    assert_eq!((pages, retried), (3, 450));
    room.offered(&ids[0]).await;
    let left = call(&replica, v1::RetryJobsRequest { count_only: true, ..of("t") }).await;
    assert_eq!(left.expect("it is fine").failed, 0);
    assert_eq!(replica.states(&[gone]).await, ["cancelled"], "only what failed, unless it is said");
}

#[tokio::test]
async fn what_fails_again_meanwhile_is_not_retried_twice_by_one_run() {
    let (room, replica) = Room::with_replica().await;
    room.publish("t", None).await;
    let ids = enqueue(&replica, "t", 3).await;
    fail(&room, &ids).await;
    let count = call(&replica, v1::RetryJobsRequest { count_only: true, ..of("t") }).await;
    let ended_by = count.expect("it is fine").counted_at;
    let page = || v1::RetryJobsRequest { ended_by, ..of("t") };
    let first = call(&replica, page()).await.expect("it is fine");
    fail(&room, &ids[1..]).await;

    // As after an answer that was lost.
    let again = call(&replica, page()).await.expect("it is fine");

    assert_eq!((first.retried, first.skipped), (3, 0));
    assert_eq!((again.retried, again.skipped), (0, 2));
    assert_eq!(replica.states(&ids).await, ["queued", "failed", "failed"]);
}

#[tokio::test]
async fn what_has_not_failed_cannot_be_retried_and_an_odd_filter_is_refused() {
    let (_room, replica) = Room::with_replica().await;
    let request = v1::RetryJobsRequest::default;
    let states = |state: &str| v1::RetryJobsRequest { states: vec![state.to_owned()], ..request() };
    let cases = [
        (states("running"), "state: a job that is running"),
        (v1::RetryJobsRequest { count_only: true, ..states("succeeded") }, "state: a job that is succeeded"),
        (states("strange"), "state: "),
        (v1::RetryJobsRequest { cursor: "x".to_owned(), ..request() }, "job"),
        (v1::RetryJobsRequest { task: "a b".to_owned(), ..request() }, "task: "),
    ];

    for (request, part) in cases {
        let error = call(&replica, request).await.expect_err(part);
        assert_eq!(error.code, Code::Invalid, "{error}");
        assert!(error.message.contains(part), "{error}");
    }
}
