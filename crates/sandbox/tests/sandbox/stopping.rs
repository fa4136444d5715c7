//! How attempts are ended from outside, whatever they do at that moment.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use guests::{Guest, running};
use model::attempt::StopReason;
use model::error::ErrorKind;
use model::retry::Ending;
use sandbox::{Config, Execution, Sandbox, StopHandle};

use crate::room::{Room, assert_failed, config_in};

const SAVE: &str = r#"(import "jobs:task/checkpoint@1.0.0" "save" (func $save (param i32 i32 i32)))"#;
const LOG: &str = r#"(import "jobs:task/log@1.0.0" "write" (func $log (param i32 i32 i32)))"#;

/// Runs `guest`, stops it once it has begun its first host call, and waits for its end.
async fn stop_once_begun(room: Room, guest: Guest<'_>, reason: StopReason) -> Execution {
    let (handle, stop) = StopHandle::pair();
    let world = Arc::clone(&room.world);
    let sandbox = Arc::clone(&room.sandbox);
    let component = guest.build();
    let attempt = tokio::spawn(async move { room.run_until(component, stop).await });

    world.began.notified().await;
    handle.stop(reason);
    sandbox.wake();

    let ended = tokio::time::timeout(Duration::from_secs(20), attempt).await;
    ended.expect("it ends").expect("it does not panic")
}

fn computing() -> Guest<'static> {
    let run =
        "(call $log (i32.const 2) (i32.const 48) (i32.const 4)) (loop $again (br $again)) (unreachable)";
    Guest { imports: LOG, run, ..Guest::default() }
}

fn waiting() -> Guest<'static> {
    let run =
        "(call $save (i32.const 48) (i32.const 4) (i32.const 8192)) (call $ok (i32.const 32) (i32.const 4))";
    Guest { imports: SAVE, run, ..Guest::default() }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_computing_guest_is_cancelled() {
    let mut room = Room::new();
    room.limits.fuel = None;

    let execution = stop_once_begun(room, computing(), StopReason::Cancel).await;

    assert_eq!(execution.ending, Ending::Cancelled);
    let stop = execution.stop.expect("the stop is recorded");
    assert_eq!(stop.reason, StopReason::Cancel);
    assert!(stop.latency_us < 5_000_000, "{stop:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_guest_that_waits_in_a_host_call_is_released() {
    let room = Room::new();
    room.world.hangs.store(true, Ordering::Relaxed);

    let execution = stop_once_begun(room, waiting(), StopReason::Drain).await;

    assert_eq!(execution.ending, Ending::Released);
    assert_eq!(execution.stop.map(|stop| stop.reason), Some(StopReason::Drain));
    assert!(execution.usage.host_call_us > 0);
}

#[tokio::test]
async fn a_stop_before_the_start_runs_nothing() {
    let room = Room::new();
    let (handle, stop) = StopHandle::pair();
    handle.stop(StopReason::Cancel);

    let execution = room.run_until(running("(unreachable)"), stop).await;

    assert_eq!(execution.ending, Ending::Cancelled);
    assert_eq!(room.sandbox.compiled(), 0);
}

#[tokio::test]
async fn the_deadline_ends_a_computing_and_a_waiting_guest() {
    for guest in [computing(), waiting()] {
        let mut room = Room::new();
        room.limits.timeout_ms = 60;
        room.limits.fuel = None;
        room.world.hangs.store(true, Ordering::Relaxed);
        let began = Instant::now();

        let execution = room.run(guest.build()).await;

        assert_failed(&execution, ErrorKind::Timeout, ", limit 60ms");
        assert_eq!(execution.stop.map(|stop| stop.reason), Some(StopReason::Deadline));
        assert!(began.elapsed() < Duration::from_secs(20));
    }
}

#[tokio::test]
async fn a_lost_lease_ends_the_guest_before_its_next_effect() {
    let room = Room::new();
    room.world.lost.store(true, Ordering::Relaxed);

    let execution = room.run(waiting().build()).await;

    assert_eq!(execution.ending, Ending::Released);
    assert_eq!(execution.stop.map(|stop| stop.reason), Some(StopReason::LeaseLost));
    assert!(room.world.saved.lock().expect("nobody panics while holding it").is_empty());
}

#[tokio::test(flavor = "current_thread")]
async fn a_computing_guest_lets_another_have_its_turn() {
    let mut room = Room::new();
    room.limits.fuel = None;
    let room = Arc::new(room);
    let (handle, stop) = StopHandle::pair();
    let long = tokio::spawn({
        let room = Arc::clone(&room);
        async move { room.run_until(computing().build(), stop).await }
    });
    room.world.began.notified().await;

    let short = room.run(Guest::default().build()).await;
    handle.stop(StopReason::Cancel);

    assert_eq!(short.ending, Ending::Succeeded);
    assert_eq!(long.await.expect("no panic").ending, Ending::Cancelled);
}

#[tokio::test]
async fn a_job_that_waits_for_the_compiler_is_cancelled_at_once() {
    let mut room = Room::new();
    let compile_command = ["/bin/sh", "-c", "exec sleep 60"].map(str::to_owned).to_vec();
    let config = Config { compile_command, ..config_in(room.folder.path()) };
    room.sandbox = Sandbox::new(config).expect("the engines can be made");
    let (handle, stop) = StopHandle::pair();
    let began = Instant::now();

    let cancelling = async {
        while room.shelf.fetched.load(Ordering::Relaxed) == 0 {
            tokio::task::yield_now().await;
        }
        handle.stop(StopReason::Cancel);
    };
    let (execution, ()) = tokio::join!(room.run_until(Guest::default().build(), stop), cancelling);

    assert_eq!(execution.ending, Ending::Cancelled);
    assert!(began.elapsed() < Duration::from_secs(20));
}
