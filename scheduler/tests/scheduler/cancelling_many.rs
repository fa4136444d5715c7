//! Cancel of all jobs that match: counted first, then a page a call.

use rpc::{Code, v1};

use crate::cancelling::Host;
use crate::room::{Replica, Room, job};

async fn call(
    replica: &Replica,
    request: v1::CancelJobsRequest,
) -> Result<v1::CancelJobsResponse, rpc::Error> {
    Ok(replica.client.clone().jobs.cancel_jobs(request).await?.into_inner())
}

fn of(task: &str) -> v1::CancelJobsRequest {
    v1::CancelJobsRequest { task: task.to_owned(), ..v1::CancelJobsRequest::default() }
}

#[tokio::test]
async fn the_jobs_that_match_are_counted_and_left_alone() {
    let (room, replica) = Room::with_replica().await;
    room.publish("t", None).await;
    room.publish("other", None).await;
    let options = v1::JobOptions { delay_ms: Some(600_000), ..v1::JobOptions::default() };
    let later = v1::NewJob { options: Some(options), ..job("t", "{}") };
    let jobs = vec![job("t", "{}"), job("t", "{}"), job("t", "{}"), later.clone(), later];
    let ids: Vec<String> =
        replica.enqueue(jobs).await.expect("they are stored").into_iter().map(|job| job.id).collect();
    let ended = replica.enqueue_one("t").await;
    replica.enqueue_one("other").await;
    let session = room.session("http://127.0.0.1:1").await;
    room.claim(session, &ids[0]).await;
    let lease = room.claim(session, &ended).await;
    room.finish(lease).await;

    let all =
        call(&replica, v1::CancelJobsRequest { count_only: true, ..of("t") }).await.expect("it is fine");
    let queued = v1::CancelJobsRequest { states: vec!["queued".to_owned()], count_only: true, ..of("t") };
    let queued = call(&replica, queued).await.expect("it is fine");

    assert_eq!((all.scheduled, all.queued, all.running), (2, 2, 1));
    assert_eq!((queued.scheduled, queued.queued, queued.running), (0, 2, 0));
    assert!(all.next_cursor.is_empty());
    let states = replica.states(&ids).await;
    assert_eq!(states, ["running", "queued", "queued", "scheduled", "scheduled"]);
}

#[tokio::test]
async fn pages_cancel_all_that_match_and_end_while_new_jobs_arrive() {
    let (room, replica) = Room::with_replica().await;
    room.publish("t", None).await;
    room.publish("other", None).await;
    let host = Host::default();
    let session = room.session(&host.start().await).await;
    let many = replica.enqueue((0..450).map(|_| job("t", "{}")).collect()).await.expect("they are stored");
    let lease = room.claim(session, &many[7].id).await;
    let other = replica.enqueue_one("other").await;

    let (mut pages, mut cancelled, mut stopping, mut cursor) = (0, 0, 0, String::new());
    let mut newcomers = Vec::new();
    loop {
        let request = v1::CancelJobsRequest { grace_ms: 2_000, cursor, ..of("t") };
        let answer = call(&replica, request).await.expect("it is fine");
        newcomers.push(replica.enqueue_one("t").await);
        pages += 1;
        cancelled += answer.cancelled;
        stopping += answer.stopping;
        assert_eq!((answer.unreached, answer.ended), (0, 0));
        cursor = answer.next_cursor;
        if cursor.is_empty() {
            break;
        }
    }

    assert_eq!((pages, cancelled, stopping), (3, 449, 1));
    assert_eq!(host.told(), [(lease, 2_000)]);
    let left =
        call(&replica, v1::CancelJobsRequest { count_only: true, ..of("t") }).await.expect("it is fine");
    assert_eq!((left.queued, left.running), (3, 1));
    assert_eq!(replica.states(&newcomers).await, ["queued"; 3]);
    assert_eq!(replica.states(&[other]).await, ["queued"]);
}

#[tokio::test]
async fn jobs_of_a_host_that_cannot_be_reached_are_counted_apart() {
    let (room, replica) = Room::with_replica().await;
    room.publish("t", None).await;
    let host = Host::default();
    let up = room.session(&host.start().await).await;
    let down = room.session("http://127.0.0.1:1").await;
    let mut leases = Vec::new();
    for session in [up, up, down] {
        let id = replica.enqueue_one("t").await;
        leases.push((room.claim(session, &id).await, 0));
    }

    let answer = call(&replica, of("t")).await.expect("it is fine");

    assert_eq!((answer.stopping, answer.unreached, answer.cancelled), (2, 1, 0));
    let mut told = host.told();
    told.sort_by_key(|(lease, _)| lease.job);
    assert_eq!(told, leases[..2]);
    for job in replica.jobs().await {
        assert!(job.cancel_requested, "{} was to be cancelled", job.id);
    }
}

#[tokio::test]
async fn who_waits_for_jobs_of_a_page_is_told() {
    use futures::StreamExt;

    let (room, replica) = Room::with_replica().await;
    room.publish("t", None).await;
    let id = replica.enqueue_one("t").await;
    let mut told = replica.wait(&[&id]).await.expect("it is known");

    call(&replica, of("t")).await.expect("it is fine");

    assert_eq!(told.next().await.expect("one").expect("no error").state, "cancelled");
}

#[tokio::test]
async fn what_has_ended_cannot_be_cancelled_and_an_odd_filter_is_refused() {
    let (_room, replica) = Room::with_replica().await;
    let request = v1::CancelJobsRequest::default;
    let states = |state: &str| v1::CancelJobsRequest { states: vec![state.to_owned()], ..request() };
    let cases = [
        (states("failed"), "state: a job that is failed"),
        (v1::CancelJobsRequest { count_only: true, ..states("succeeded") }, "state: a job that is succeeded"),
        (states("strange"), "state: "),
        (v1::CancelJobsRequest { grace_ms: 3_600_001, ..request() }, "grace: "),
        (v1::CancelJobsRequest { cursor: "x".to_owned(), ..request() }, "job"),
        (v1::CancelJobsRequest { task: "a b".to_owned(), ..request() }, "task: "),
    ];

    for (request, part) in cases {
        let error = call(&replica, request).await.expect_err(part);
        assert_eq!(error.code, Code::Invalid, "{error}");
        assert!(error.message.contains(part), "{error}");
    }
    let ended = call(&replica, states("cancelled")).await.expect_err("it has ended");
    assert!(ended.hint.is_some_and(|hint| hint.contains("scheduled, queued or running")));
}
