//! A cancel that first lets the guest see it.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use guests::Guest;
use model::attempt::StopReason;
use model::retry::Ending;
use sandbox::{Execution, StopHandle};

use crate::room::Room;

const IMPORTS: &str = r#"(import "jobs:task/log@1.0.0" "write" (func $log (param i32 i32 i32)))
    (import "jobs:task/context@1.0.0" "cancel-requested" (func $asked (result i32)))"#;

/// Says that it has begun, computes until it sees the request, then goes on with `then`.
fn watching(then: &str) -> Vec<u8> {
    let run = format!(
        "(call $log (i32.const 2) (i32.const 48) (i32.const 4))
        (loop $again (br_if $again (i32.eqz (call $asked))))
        {then}"
    );
    Guest { imports: IMPORTS, run: &run, ..Guest::default() }.build()
}

const SUCCEED: &str = "(call $ok (i32.const 32) (i32.const 4))";
const GIVE_UP: &str = "(call $err (i32.const 0) (i32.const 48) (i32.const 4) (i64.const 0))";
const TRAP: &str = "(unreachable)";
const IGNORE: &str = "(loop $more (br $more)) (unreachable)";

/// Runs `component`, requests its cancel once it has begun, and does `then` with the handle.
async fn requested(component: Vec<u8>, then: impl FnOnce(&StopHandle)) -> Execution {
    let mut room = Room::new();
    room.limits.host_calls = u64::MAX;
    room.limits.fuel = None;
    let (handle, stop) = StopHandle::pair();
    let (world, sandbox) = (Arc::clone(&room.world), Arc::clone(&room.sandbox));
    let attempt = tokio::spawn(async move { room.run_until(component, stop).await });

    world.began.notified().await;
    handle.request_cancel();
    then(&handle);
    sandbox.wake();

    let ended = tokio::time::timeout(Duration::from_secs(20), attempt).await;
    ended.expect("it ends").expect("it does not panic")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_result_within_the_grace_is_kept() {
    let execution = requested(watching(SUCCEED), |_| {}).await;

    assert_eq!((execution.ending, execution.stop), (Ending::Succeeded, None));
    assert!(execution.result.is_some());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_error_or_a_trap_within_the_grace_counts_as_cancelled() {
    for then in [GIVE_UP, TRAP] {
        let execution = requested(watching(then), |_| {}).await;

        assert_eq!(execution.ending, Ending::Cancelled, "{then}");
        assert_eq!(execution.stop.map(|stop| stop.reason), Some(StopReason::Cancel));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hard_stop_ends_a_guest_that_ignores_the_request() {
    let execution = requested(watching(IGNORE), |handle| handle.stop(StopReason::Cancel)).await;

    assert_eq!(execution.ending, Ending::Cancelled);
    assert_eq!(execution.stop.map(|stop| stop.reason), Some(StopReason::Cancel));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_drain_after_the_request_is_a_drain() {
    let execution = requested(watching(IGNORE), |handle| {
        handle.stop(StopReason::Drain);
        handle.stop(StopReason::Cancel);
    })
    .await;

    assert_eq!(execution.ending, Ending::Released);
    assert_eq!(execution.stop.map(|stop| stop.reason), Some(StopReason::Drain));
}

#[tokio::test]
async fn what_was_asked_to_be_cancelled_before_it_began_does_not_begin() {
    let room = Room::new();
    let (handle, stop) = StopHandle::pair();
    handle.request_cancel();

    let execution = room.run_until(watching(SUCCEED), stop).await;

    assert_eq!(execution.ending, Ending::Cancelled);
    assert_eq!((execution.usage.code, room.shelf.fetched.load(Ordering::Relaxed)), (None, 0));
}

#[tokio::test]
async fn the_first_request_and_the_first_reason_stay() {
    let (handle, stop) = StopHandle::pair();
    assert_eq!((stop.cancel_requested(), stop.asked()), (None, None));

    handle.request_cancel();
    let since = stop.cancel_requested().expect("it was requested");
    assert_eq!(stop.asked(), None);
    handle.request_cancel();
    handle.stop(StopReason::LeaseLost);
    handle.stop(StopReason::Cancel);

    assert_eq!(stop.cancel_requested(), Some(since));
    assert_eq!(stop.asked().map(|(reason, _)| reason), Some(StopReason::LeaseLost));
}
