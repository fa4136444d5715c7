//! How attempts end by themselves, and under which limit.

use std::time::Duration;

use guests::{Guest, running};
use model::error::ErrorKind;
use model::retry::{Ending, Retry};

use crate::room::{Room, assert_failed, failure};

#[tokio::test]
async fn a_result_comes_back_with_what_it_took() {
    let room = Room::new();

    let execution = room.run(running("(call $ok (local.get $payload) (local.get $payload_len))")).await;

    assert_eq!(execution.ending, Ending::Succeeded);
    assert_eq!(execution.result.expect("a result").as_bytes(), b"[1]");
    assert!(execution.usage.fuel.is_some_and(|fuel| fuel > 0 && fuel < 1_000), "{:?}", execution.usage);
    assert_eq!(execution.usage.peak_memory_bytes / 65_536, 2);
    assert_eq!(execution.stop, None);
}

#[tokio::test]
async fn without_a_budget_nothing_is_metered() {
    let mut room = Room::new();
    room.limits.fuel = None;

    let execution = room.run(Guest::default().build()).await;

    assert_eq!(execution.ending, Ending::Succeeded);
    assert_eq!(execution.usage.fuel, None);
}

#[tokio::test]
async fn a_task_says_whether_to_try_again() {
    let room = Room::new();
    let cases = [(0, Retry::Usual), (1, Retry::After(Duration::from_millis(1500))), (2, Retry::Never)];

    for (kind, expected) in cases {
        let body = format!("(call $err (i32.const {kind}) (i32.const 48) (i32.const 4) (i64.const 1500))");
        let execution = room.run(running(&body)).await;

        assert_failed(&execution, ErrorKind::Task, "boom");
        assert_eq!(failure(&execution).1, expected);
    }
}

#[tokio::test]
async fn a_result_that_is_not_json_or_too_long_is_refused() {
    let mut room = Room::new();

    let not_json = room.run(running("(call $ok (i32.const 48) (i32.const 4))")).await;
    room.limits.output_bytes = 3;
    let too_long = room.run(running("(call $ok (i32.const 32) (i32.const 4))")).await;

    assert_failed(&not_json, ErrorKind::Output, "not valid JSON");
    assert_failed(&too_long, ErrorKind::Output, "the result has 4 B, limit 3 B");
    assert_eq!(failure(&too_long).1, Retry::Never);
}

#[tokio::test]
async fn an_endless_loop_uses_up_its_fuel() {
    let mut room = Room::new();
    room.limits.fuel = Some(1_000_000);

    let execution = room.run(running("(loop $again (br $again)) (unreachable)")).await;

    assert_failed(&execution, ErrorKind::Fuel, "used 1000000 units, limit 1000000 units");
    assert_eq!(execution.usage.fuel, Some(1_000_000));
}

#[tokio::test]
async fn a_start_function_is_under_the_same_limits() {
    let mut room = Room::new();
    room.limits.fuel = Some(1_000_000);
    let extra = "(func $begin (loop $again (br $again))) (start $begin)";

    let execution = room.run(Guest { extra, ..Guest::default() }.build()).await;

    assert_failed(&execution, ErrorKind::Fuel, "used 1000000 units, limit 1000000 units");
}

#[tokio::test]
async fn growing_over_the_limit_is_told_as_memory() {
    let mut room = Room::new();
    room.limits.memory_bytes = 16 << 20;
    let body = "(loop $again
        (br_if $again (i32.ne (memory.grow (i32.const 16)) (i32.const -1))))
        (unreachable)";

    let execution = room.run(running(body)).await;

    assert_failed(&execution, ErrorKind::Memory, "asked for 16.1 MiB, limit 16 MiB");
    assert!(execution.usage.peak_memory_bytes <= 16 << 20);
}

#[tokio::test]
async fn a_memory_that_is_too_large_at_the_start_is_told_as_memory() {
    let mut room = Room::new();
    room.limits.memory_bytes = 1 << 20;
    let extra = "(memory $second 15)";

    let execution = room.run(Guest { extra, ..Guest::default() }.build()).await;

    assert_failed(&execution, ErrorKind::Memory, "limit 1 MiB");
}

#[tokio::test]
async fn endless_recursion_overflows_the_stack() {
    let room = Room::new();
    let body = "(call $run (local.get 0) (local.get 1) (local.get 2) (local.get 3)) (drop) (i32.const 512)";

    let execution = room.run(running(body)).await;

    assert_failed(&execution, ErrorKind::Stack, "overflowed its stack, limit 512 KiB");
}

#[tokio::test]
async fn a_trap_names_what_happened_and_where() {
    let room = Room::new();
    let guest = Guest {
        extra: "(func $divide_the_bill (result i32) (unreachable))",
        run: "(call $divide_the_bill)",
        ..Guest::default()
    };

    let execution = room.run(guest.build()).await;

    assert_failed(&execution, ErrorKind::Trap, "unreachable");
    assert_failed(&execution, ErrorKind::Trap, "divide_the_bill");
    assert_eq!(failure(&execution).1, Retry::Usual);
}

#[tokio::test]
async fn a_backtrace_leaves_out_how_rust_ends_itself() {
    let room = Room::new();
    let guest = Guest {
        extra: "(func $abort (result i32) (unreachable))
            (func $__rust_end_short_backtrace (result i32) (call $abort))
            (func $panic (result i32) (call $__rust_end_short_backtrace))
            (func $divide_the_bill (result i32) (call $panic))",
        run: "(call $divide_the_bill)",
        ..Guest::default()
    };

    let execution = room.run(guest.build()).await;

    assert_failed(&execution, ErrorKind::Trap, "\n  at panic\n  at divide_the_bill");
    assert!(!failure(&execution).0.message.contains("abort"), "{execution:?}");
}
