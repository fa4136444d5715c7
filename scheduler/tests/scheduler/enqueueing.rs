//! Enqueue, and looking at what was enqueued.

use broker::{Broker, Signal};
use futures::future::join_all;
use model::bounds::{BATCH_JOBS_MAX, PAYLOAD_BYTES_MAX};
use rpc::{Code, v1};
use testkit::eventually::eventually;

use crate::room::{Room, job};

const SCHEMA: &str = r#"{
    "type": "object",
    "required": ["report_type"],
    "properties": {
        "report_type": {"type": "string"},
        "filters": {"type": "object", "properties": {"region": {"type": "string"}}}
    }
}"#;

fn with(job: v1::NewJob, options: v1::JobOptions) -> v1::NewJob {
    v1::NewJob { options: Some(options), ..job }
}

fn limited(limits: v1::LimitOverrides) -> v1::NewJob {
    with(job("t", "{}"), v1::JobOptions { limits: Some(limits), ..v1::JobOptions::default() })
}

fn keyed(key: &str, payload: &str) -> v1::NewJob {
    with(job("t", payload), v1::JobOptions { key: key.to_owned(), ..v1::JobOptions::default() })
}

#[tokio::test]
async fn a_job_is_stored_as_it_came_and_its_reference_offered() {
    let (room, replica) = Room::with_replica().await;
    room.publish("t", None).await;
    let payload = r#"{"b":1e400, "a":12345678901234567890123456789}"#;

    let jobs = replica.enqueue(vec![job("t", payload)]).await.expect("it is stored");

    let enqueued = &jobs[0];
    let said = (enqueued.task.as_str(), enqueued.version, enqueued.queue.as_str(), enqueued.duplicate);
    assert_eq!((said, enqueued.state.as_str()), (("t", 1, "default", false), "queued"));
    room.offered(&enqueued.id).await;
    let stored = replica.job(&enqueued.id).await.expect("it is there");
    assert_eq!(stored.payload, payload.as_bytes());
    assert_eq!((stored.priority, stored.max_attempts), (5, 5));
}

#[tokio::test]
async fn a_payload_that_does_not_fit_the_schema_is_refused_by_its_path() {
    let (room, replica) = Room::with_replica().await;
    room.publish("report", Some(SCHEMA)).await;

    let one =
        replica.enqueue(vec![job("report", r#"{"report_type": "q3", "filters": {"region": 7}}"#)]).await;
    let two = replica.enqueue(vec![job("report", r#"{"filters": {"region": 7}}"#)]).await;

    let (one, two) = (one.expect_err("a number is no region"), two.expect_err("two faults"));
    assert_eq!((one.code, two.code), (Code::Invalid, Code::Invalid));
    assert_eq!(one.message, r#"payload at /filters/region: 7 is not of type "string""#);
    assert!(one.hint.is_some_and(|hint| hint.contains("jobctl task show report")));
    for part in ["report_type", "payload at /filters/region"] {
        assert!(two.message.contains(part), "{two}");
    }
    assert!(replica.jobs().await.is_empty());
}

#[tokio::test]
async fn what_is_no_json_or_too_long_is_refused() {
    let (room, replica) = Room::with_replica().await;
    room.publish("t", None).await;
    let long = format!("\"{}\"", "x".repeat(PAYLOAD_BYTES_MAX));

    for (payload, part) in [("{", "not valid JSON"), ("{} {}", "not valid JSON"), (&long, "1048576")] {
        let error = replica.enqueue(vec![job("t", payload)]).await.expect_err(part);
        assert_eq!(error.code, Code::Invalid);
        assert!(error.message.starts_with("payload: ") && error.message.contains(part), "{error}");
    }
    assert!(replica.jobs().await.is_empty());
}

#[tokio::test]
async fn a_job_may_lower_the_limits_of_its_version() {
    let (room, replica) = Room::with_replica().await;
    room.publish("t", None).await;
    let limits = v1::LimitOverrides {
        memory_bytes: Some(64 << 20),
        fuel: Some(1_000),
        host_calls: Some(7),
        ..v1::LimitOverrides::default()
    };

    let jobs = replica.enqueue(vec![job("t", "{}"), limited(limits)]).await.expect("they are stored");

    let plain = replica.job(&jobs[0].id).await.expect("it is there");
    let lowered = replica.job(&jobs[1].id).await.expect("it is there");
    assert_eq!((plain.limits, lowered.limits), (None, Some(limits)));
}

#[tokio::test]
async fn a_job_that_asks_for_more_than_its_version_has_is_denied() {
    let (room, replica) = Room::with_replica().await;
    room.publish("t", None).await;
    let memory = |bytes| v1::LimitOverrides { memory_bytes: Some(bytes), ..v1::LimitOverrides::default() };
    let unlimited = v1::LimitOverrides { fuel_unlimited: true, ..v1::LimitOverrides::default() };

    let over = replica.enqueue(vec![limited(memory(1 << 30))]).await.expect_err("1 GiB");
    let nought = replica.enqueue(vec![limited(memory(0))]).await.expect_err("nought");
    let fuel = replica.enqueue(vec![limited(unlimited)]).await.expect_err("it is metered");
    let batch = vec![job("t", "{}"), limited(memory(1 << 30)), job("t", "{}")];
    let batch = replica.enqueue(batch).await.expect_err("the second");

    assert_eq!(over.message, "memory: 1 GiB is over the version's limit of 128 MiB");
    assert_eq!(over.hint.as_deref(), Some("ask for less, or publish t with more: --memory"));
    assert_eq!((over.code, nought.code, fuel.code), (Code::Denied, Code::Invalid, Code::Denied));
    assert!(nought.message.starts_with("memory: "), "{nought}");
    assert!(fuel.message.starts_with("fuel: unlimited is over the version's"), "{fuel}");
    assert_eq!(batch.code, Code::Denied);
    assert!(batch.message.starts_with("job 2 of 3: memory: 1 GiB"), "{batch}");
    assert!(replica.jobs().await.is_empty());
}

#[tokio::test]
async fn an_unknown_task_is_not_found_and_the_caller_told_where_to_look() {
    let (room, replica) = Room::with_replica().await;
    room.publish("t", None).await;

    let task = replica.enqueue(vec![job("nosuch", "{}")]).await.expect_err("no such task");
    let version = replica.enqueue(vec![job("t@7", "{}")]).await.expect_err("no such version");

    assert_eq!((task.code, task.message.as_str()), (Code::NotFound, "task \"nosuch\" not found"));
    assert!(task.hint.is_some_and(|hint| hint.contains("jobctl task list")));
    assert_eq!(version.code, Code::NotFound);
    assert!(version.message.contains("version 7"), "{version}");
}

#[tokio::test]
async fn a_key_stands_for_one_job_and_other_content_is_a_conflict() {
    let (room, replica) = Room::with_replica().await;
    room.publish("t", None).await;

    let first = replica.enqueue(vec![keyed("k", "{}")]).await.expect("it is stored").remove(0);
    room.publish("t", Some("{}")).await;
    room.broker.signal(Signal::Changed).await.expect("it is up");
    let again = replica.enqueue(vec![keyed("k", "{}")]).await.expect("it is known").remove(0);
    let other = replica.enqueue(vec![keyed("k", "[]")]).await.expect_err("other content");

    assert_eq!((first.duplicate, again.duplicate), (false, true));
    assert_eq!((again.id, again.version), (first.id.clone(), 1));
    assert_eq!(other.code, Code::Conflict);
    assert!(other.message.contains(&first.id), "{other}");
}

#[tokio::test]
async fn a_batch_with_one_job_at_fault_stores_none_and_names_the_first() {
    let (room, replica) = Room::with_replica().await;
    room.publish("report", Some(SCHEMA)).await;
    let good = || job("report", r#"{"report_type": "q3"}"#);

    let payload = replica.enqueue(vec![good(), job("report", "{}"), job("nosuch", "{}")]).await;
    let task = replica.enqueue(vec![good(), job("nosuch", "{}"), job("report", "{}")]).await;
    let many = replica.enqueue((0..=BATCH_JOBS_MAX).map(|_| good()).collect()).await;

    let payload = payload.expect_err("the second");
    assert!(payload.message.starts_with("job 2 of 3: payload"), "{payload}");
    let task = task.expect_err("the second");
    assert!(task.message.starts_with("job 2 of 3: task"), "{task}");
    assert_eq!(task.code, Code::NotFound);
    let many = many.expect_err("too many");
    assert!(many.message.contains("1001") && many.message.contains("1000"), "{many}");
    assert!(replica.jobs().await.is_empty());
}

#[tokio::test]
async fn of_many_calls_at_once_only_the_one_at_fault_fails() {
    let (room, replica) = Room::with_replica().await;
    room.publish("t", None).await;
    replica.enqueue(vec![keyed("k", "{}")]).await.expect("it is stored");

    let good = (0..40).map(|_| replica.enqueue(vec![job("t", "{}")]));
    let (good, bad) = tokio::join!(join_all(good), replica.enqueue(vec![keyed("k", "[]")]));

    assert!(good.iter().all(Result::is_ok), "{good:?}");
    assert_eq!(bad.expect_err("a conflict").code, Code::Conflict);
    assert_eq!(replica.jobs().await.len(), 41);
}

#[tokio::test]
async fn a_call_made_again_with_the_caller_s_id_is_one_job() {
    let (room, replica) = Room::with_replica().await;
    room.publish("t", None).await;
    let mine = |id: &str| v1::NewJob { id: id.to_owned(), ..job("t", "{}") };
    let id = uuid::Uuid::now_v7().to_string();

    let both = tokio::join!(replica.enqueue(vec![mine(&id)]), replica.enqueue(vec![mine(&id)]));
    let twice = replica.enqueue(vec![mine(&id), mine(&id)]).await.expect_err("twice in a batch");
    let random = replica.enqueue(vec![mine("8f9d4a3e-0d4b-4b7e-9a43-111111111111")]).await;

    let (first, second) = (both.0.expect("it is stored"), both.1.expect("it is stored"));
    assert_eq!((first[0].id.as_str(), second[0].id.as_str()), (id.as_str(), id.as_str()));
    assert!(twice.message.contains("twice"), "{twice}");
    assert!(random.expect_err("version 4").message.contains("version 7"));
    assert_eq!(replica.jobs().await.len(), 1);
}

#[tokio::test]
async fn a_delayed_job_is_offered_once_it_is_due() {
    let (room, replica) = Room::with_replica().await;
    room.publish("t", None).await;
    let delayed = with(job("t", "{}"), v1::JobOptions { delay_ms: Some(300), ..v1::JobOptions::default() });

    let enqueued = replica.enqueue(vec![delayed]).await.expect("it is stored").remove(0);

    assert_eq!(enqueued.state, "scheduled");
    room.offered(&enqueued.id).await;
    assert_eq!(replica.job(&enqueued.id).await.expect("it is there").state, "queued");
}

#[tokio::test]
async fn a_new_version_is_used_as_soon_as_it_is_signalled() {
    let (room, replica) = Room::with_replica().await;
    room.publish("t", None).await;
    replica.enqueue_one("t").await;

    room.publish("t", Some(r#"{"type": "array"}"#)).await;
    room.broker.signal(Signal::Changed).await.expect("it is up");

    eventually("the new version", || async {
        let jobs = replica.enqueue(vec![job("t", "[]")]).await.expect("it fits both");
        (jobs[0].version == 2).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_job_is_found_by_a_unique_prefix() {
    let (room, replica) = Room::with_replica().await;
    room.publish("t", None).await;
    let with_id = |id: &str| v1::NewJob { id: id.to_owned(), ..job("t", "{}") };
    let ids = ["01900000-0000-7000-8000-000000000001", "01900000-1111-7000-8000-000000000001"];
    replica.enqueue(ids.iter().map(|id| with_id(id)).collect()).await.expect("they are stored");

    let found = replica.job("019000001").await.expect("it is one");
    let many = replica.job("01900000").await.expect_err("it is two");
    let none = replica.job("02900000").await.expect_err("it is none");
    let short = replica.job("01900").await.expect_err("it is short");

    assert_eq!(found.id, ids[1]);
    assert_eq!(many.code, Code::Invalid);
    assert!(ids.iter().all(|id| many.message.contains(id)), "{many}");
    assert_eq!((none.code, short.code), (Code::NotFound, Code::Invalid));
}

#[tokio::test]
async fn pages_of_jobs_follow_one_another() {
    let (room, replica) = Room::with_replica().await;
    room.publish("t", None).await;
    replica.enqueue((0..5).map(|_| job("t", "{}")).collect()).await.expect("they are stored");
    let list = async |limit, cursor| {
        let request = v1::ListJobsRequest { limit, cursor, ..v1::ListJobsRequest::default() };
        replica.client.clone().jobs.list_jobs(request).await
    };

    let first = list(3, String::new()).await.expect("it answers").into_inner();
    let second = list(3, first.next_cursor.clone()).await.expect("it answers").into_inner();
    let too_many = rpc::Error::from(list(1_001, String::new()).await.expect_err("too many"));

    assert_eq!((first.jobs.len(), second.jobs.len()), (3, 2));
    assert!(second.next_cursor.is_empty());
    assert!(too_many.message.starts_with("limit: 1001"), "{too_many}");
}
