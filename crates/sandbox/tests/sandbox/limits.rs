//! What ends an attempt that goes over a limit, what it is told, and where it was.

use std::sync::atomic::Ordering;

use guests::{Guest, running};
use model::error::ErrorKind;

use crate::room::{Room, assert_failed, failure};

const HTTP: &str = r#"(import "jobs:task/http@1.0.0" "send"
    (func $http (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i64 i32)))"#;

/// POSTs the 4 bytes at 48 to http://a.test/.
const POST: &str = r#"(call $http (i32.const 2000) (i32.const 4) (i32.const 2010) (i32.const 14)
    (i32.const 0) (i32.const 0) (i32.const 48) (i32.const 4) (i32.const 0) (i64.const 0) (i32.const 8192))"#;
const POST_DATA: &str = r#"(data (i32.const 2000) "POST") (data (i32.const 2010) "http://a.test/")"#;

/// The message, which must be this one, without the lines of its backtrace; and those.
fn told(execution: &sandbox::Execution) -> (String, Vec<String>) {
    let text = failure(execution).0.to_string();
    let mut lines = text.lines().map(str::to_owned);
    (lines.next().unwrap_or_default(), lines.collect())
}

#[tokio::test]
async fn tables_have_a_limit_of_their_own_over_all_of_them() {
    let room = Room::new();
    let extra = r#"(table $one 150000 funcref) (table $two 0 funcref)
        (func $fill_the_second
            (if (i32.eq (table.grow $two (ref.null func) (i32.const 150000)) (i32.const -1))
                (then (unreachable))))"#;
    let run = "(call $fill_the_second) (call $ok (i32.const 32) (i32.const 4))";

    let execution = room.run(Guest { extra, run, ..Guest::default() }.build()).await;

    let (message, frames) = told(&execution);
    assert_eq!(message, "table: asked for 300000 elements, limit 200000 elements");
    assert_eq!(frames[0], "  at fill_the_second");
    assert!((150_000..150_100).contains(&execution.spent.table_elements), "{:?}", execution.spent);
}

#[tokio::test]
async fn a_table_that_no_slot_has_room_for_is_told_as_table() {
    let mut room = Room::new();
    room.limits.table_elements = 3_200_000;
    let extra = "(table $big 0 funcref)";
    let run = "(drop (table.grow $big (ref.null func) (i32.const 300000))) (unreachable)";

    let execution = room.run(Guest { extra, run, ..Guest::default() }.build()).await;

    let (message, _) = told(&execution);
    assert_eq!(message, "table: asked for 300000 elements in one table, limit 200000 elements");
}

#[tokio::test]
async fn a_table_that_begins_too_large_names_limit_and_value() {
    let room = Room::new();

    let execution = room.run(Guest { extra: "(table 300000 funcref)", ..Guest::default() }.build()).await;

    let (failure, _) = failure(&execution);
    assert!(failure.message.contains("300000") && failure.message.contains("200000"), "{failure}");
}

#[tokio::test]
async fn tables_of_64_bits_are_not_offered() {
    let room = Room::new();

    let execution = room.run(Guest { extra: "(table i64 0 funcref)", ..Guest::default() }.build()).await;

    assert_failed(&execution, ErrorKind::InvalidModule, "memory64");
}

#[tokio::test]
async fn a_refusal_that_a_guest_got_over_does_not_explain_its_trap() {
    let mut room = Room::new();
    room.limits.memory_bytes = 16 << 20;
    let run = "(drop (memory.grow (i32.const 1000))) (drop (memory.grow (i32.const 1))) (unreachable)";

    let execution = room.run(running(run)).await;

    assert_failed(&execution, ErrorKind::Trap, "unreachable");
}

#[tokio::test]
async fn requests_and_answers_share_a_budget_of_bytes() {
    let mut room = Room::new();
    room.grants.http = vec!["a.test".parse().expect("a grant")];
    room.limits.http_bytes = 15;
    let run = format!("{POST} {POST} (unreachable)");

    let execution = room.run(Guest { imports: HTTP, extra: POST_DATA, run: &run }.build()).await;

    // Twice four bytes there and four back.
    let (message, _) = told(&execution);
    assert_eq!(message, "http: the bodies make 16 B, limit 15 B");
    assert_eq!((execution.spent.http_requests, execution.spent.http_bytes), (2, 12));
    assert_eq!((execution.usage.bytes_in, execution.usage.bytes_out), (3 + 4, 8));
}

#[tokio::test]
async fn an_answer_that_the_host_cut_off_ends_the_attempt_too() {
    let mut room = Room::new();
    room.grants.http = vec!["a.test".parse().expect("a grant")];
    room.limits.http_bytes = 64 << 20;
    room.world.answers.store(65 << 20, Ordering::Relaxed);
    let run = format!("{POST} (unreachable)");

    let execution = room.run(Guest { imports: HTTP, extra: POST_DATA, run: &run }.build()).await;

    let (message, _) = told(&execution);
    assert!(message.starts_with("http: the bodies make 65"), "{message}");
    assert!(message.ends_with("MiB, limit 64 MiB"), "{message}");
}

#[tokio::test]
async fn every_end_by_a_limit_says_where() {
    let log = r#"(import "jobs:task/log@1.0.0" "write" (func $log (param i32 i32 i32)))"#;
    let endless = "(func $spin (loop $again (br $again)))";
    let chatty =
        "(func $chat (loop $again (call $log (i32.const 2) (i32.const 48) (i32.const 4)) (br $again)))";
    let deep = "(func $dig (call $dig))";
    let greedy = "(func $grab (loop $again
        (br_if $again (i32.ne (memory.grow (i32.const 16)) (i32.const -1)))) (unreachable))";
    let cases = [
        ("spin", endless, ErrorKind::Fuel),
        ("spin", endless, ErrorKind::Timeout),
        ("chat", chatty, ErrorKind::HostCalls),
        ("dig", deep, ErrorKind::Stack),
        ("grab", greedy, ErrorKind::Memory),
    ];

    for (name, extra, kind) in cases {
        let mut room = Room::new();
        room.limits.fuel = (kind != ErrorKind::Timeout).then_some(100_000_000);
        room.limits.timeout_ms = if kind == ErrorKind::Timeout { 60 } else { 60_000 };
        let run = format!("(call ${name}) (unreachable)");

        let execution = room.run(Guest { imports: log, extra, run: &run }.build()).await;

        let (message, frames) = told(&execution);
        assert!(message.starts_with(kind.as_str()), "{message}");
        assert_eq!(frames.first().map(String::as_str), Some(format!("  at {name}").as_str()), "{message}");
        // Of a deep recursion the innermost frames are kept.
        let outermost = if kind == ErrorKind::Stack { name } else { "run" };
        assert_eq!(
            frames.last().map(String::as_str),
            Some(format!("  at {outermost}").as_str()),
            "{frames:?}"
        );
    }
}
