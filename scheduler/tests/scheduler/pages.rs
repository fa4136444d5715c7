//! What the pages show of attempts, limits and tasks.

use model::attempt::{CodeOrigin, Outcome, Stop, StopReason, Usage};
use model::error::{ErrorKind, Failure};
use rpc::v1;
use store::{Ended, Finish};

use crate::door::get;
use crate::guests::importing;
use crate::publishing::publish;
use crate::room::{Room, job, succeeded};

const NOWHERE: &str = "http://127.0.0.1:1";

#[tokio::test]
async fn the_page_of_a_job_shows_the_whole_record_of_its_attempts() {
    let (room, replica) = Room::with_replica().await;
    room.publish("t", None).await;
    let limits = v1::LimitOverrides {
        memory_bytes: Some(64 << 20),
        timeout_ms: Some(30_000),
        ..v1::LimitOverrides::default()
    };
    let options = v1::JobOptions { limits: Some(limits), ..v1::JobOptions::default() };
    let lowered = v1::NewJob { options: Some(options), ..job("t", "{}") };
    let id = replica.enqueue(vec![lowered]).await.expect("it is stored").remove(0).id;
    let session = room.session(NOWHERE).await;
    let lease = room.claim(session, &id).await;
    let message = "asked for 131 MiB, limit 128 MiB\n  at <script>alert(1)</script>\n  at run";
    let ended = Ended {
        outcome: Outcome::Failed,
        result: None,
        failure: Some(Failure::new(ErrorKind::Memory, message)),
        stop: Some(Stop { reason: StopReason::Deadline, latency_us: 17 }),
        usage: Usage {
            fuel: Some(1_234_567),
            peak_memory_bytes: 128 << 20,
            wall_us: 61_500,
            host_call_us: 3_400,
            host_calls: 1_012,
            bytes_in: 2_048,
            bytes_out: 5,
            code: Some(CodeOrigin::Disk),
            load_us: 420,
        },
        ..succeeded(lease)
    };
    room.store.finish(Finish { ended: vec![ended] }).await.expect("it is held");

    let (status, page) = get(&replica, &format!("/jobs/default/{id}"), "").await;
    let (_, list) = get(&replica, "/jobs", "").await;

    assert_eq!(status, 200, "{page}");
    for part in [
        "from disk in 420 µs",
        "61.5 ms",
        "1,234,567",
        "128 MiB",
        "1,012 in 3.4 ms",
        "2 KiB",
        "5 B",
        "deadline in 17 µs",
        "memory 64 MiB, timeout 30s",
        "<pre class=\"bad\">memory: asked for 131 MiB, limit 128 MiB\n  at &#60;script&#62;",
    ] {
        assert!(page.contains(part), "{part} is not in {page}");
    }
    assert!(!page.contains("<script"), "{page}");
    assert!(list.contains("asked for 131 MiB") && !list.contains("at run"), "one line of it: {list}");
}

#[tokio::test]
async fn the_tasks_show_their_limits_and_whether_they_are_deterministic() {
    let (room, replica) = Room::with_replica().await;
    room.publish("plain", None).await;
    let limits =
        v1::LimitOverrides { fuel_unlimited: true, http_requests: Some(12), ..v1::LimitOverrides::default() };
    let header =
        v1::PublishHeader { limits: Some(limits), deterministic: true, ..v1::PublishHeader::default() };
    publish(&replica, header, &importing("")).await.expect("it is fine");

    let (status, page) = get(&replica, "/tasks", "").await;

    assert_eq!(status, 200, "{page}");
    for part in ["fuel 50,000,000,000, memory 128 MiB, timeout 5m", "fuel unlimited", "http-requests 12"] {
        assert!(page.contains(part), "{part} is not in {page}");
    }
    assert_eq!(page.matches("deterministic").count(), 1, "{page}");
}
