//! What an attempt used stands in its record.

use std::sync::atomic::Ordering;

use guests::{Guest, Hostile, running};
use model::attempt::{CodeOrigin, StopReason};
use sandbox::{Sandbox, StopHandle};

use crate::room::{Room, config_in};

const IMPORTS: &str = r#"(import "jobs:task/log@1.0.0" "write" (func $log (param i32 i32 i32)))
    (import "jobs:task/files@1.0.0" "write" (func $file (param i32 i32 i32 i32 i32 i32 i32)))
    (import "jobs:task/checkpoint@1.0.0" "save" (func $save (param i32 i32 i32)))
    (import "jobs:task/checkpoint@1.0.0" "load" (func $load (param i32)))"#;

#[tokio::test]
async fn calls_and_bytes_are_counted_both_ways() {
    let room = Room::new();
    let extra = r#"(data (i32.const 2000) "text/plain")"#;
    let run = "(call $log (i32.const 2) (i32.const 48) (i32.const 4))
        (call $file (i32.const 16) (i32.const 1) (i32.const 2000) (i32.const 10) (i32.const 48) (i32.const 3)
            (i32.const 8192))
        (call $save (i32.const 48) (i32.const 2) (i32.const 8192))
        (call $load (i32.const 8192))
        (call $ok (i32.const 32) (i32.const 4))";

    let execution = room.run(Guest { imports: IMPORTS, extra, run }.build()).await;

    let (usage, spent) = (execution.usage, execution.spent);
    assert_eq!(usage.host_calls, 4);
    // In: the payload `[1]` and the checkpoint that was saved. Out: log with its line's end, file, checkpoint, result.
    assert_eq!((usage.bytes_in, usage.bytes_out), (3 + 2, 5 + 3 + 2 + 4));
    assert_eq!((spent.log_bytes, spent.file_bytes, spent.output_bytes), (5, 3, 4));
    assert!(usage.host_call_us <= usage.wall_us);
}

#[tokio::test]
async fn sleeping_is_time_in_host_calls() {
    let mut room = Room::new();
    room.limits.timeout_ms = 100;

    let execution = room.run(Hostile::PollSleep.component()).await;

    let usage = execution.usage;
    assert!(usage.host_call_us >= 50_000 && usage.host_call_us <= usage.wall_us, "{usage:?}");
}

#[tokio::test]
async fn the_origin_of_the_code_is_told() {
    let mut room = Room::new();
    let component = Guest::default().build();

    let compiled = room.run(component.clone()).await.usage;
    let memory = room.run(component.clone()).await.usage;
    room.sandbox = Sandbox::new(config_in(room.folder.path())).expect("the engines can be made");
    let disk = room.run(component).await.usage;

    let origins = [compiled, memory, disk].map(|usage| usage.code);
    assert_eq!(origins, [CodeOrigin::Compiled, CodeOrigin::Memory, CodeOrigin::Disk].map(Some));
    assert!(compiled.load_us > memory.load_us && disk.load_us > 0, "{compiled:?} {memory:?} {disk:?}");
}

#[tokio::test]
async fn an_attempt_that_was_stopped_while_it_loaded_tells_how_long_it_waited() {
    let mut room = Room::new();
    let compile_command = ["/bin/sh", "-c", "exec sleep 60"].map(str::to_owned).to_vec();
    let config = sandbox::Config { compile_command, ..config_in(room.folder.path()) };
    room.sandbox = Sandbox::new(config).expect("the engines can be made");
    let (handle, stop) = StopHandle::pair();

    let cancelling = async {
        while room.shelf.fetched.load(Ordering::Relaxed) == 0 {
            tokio::task::yield_now().await;
        }
        handle.stop(StopReason::Cancel);
    };
    let (execution, ()) = tokio::join!(room.run_until(Guest::default().build(), stop), cancelling);

    assert_eq!((execution.usage.code, execution.usage.wall_us), (None, 0));
    assert!(execution.usage.load_us > 0);
}

#[tokio::test]
async fn a_result_that_is_too_large_is_told_with_its_size() {
    let mut room = Room::new();
    room.limits.output_bytes = 3;

    let execution = room.run(running("(call $ok (i32.const 32) (i32.const 4))")).await;

    assert_eq!(execution.spent.output_bytes, 4);
}
