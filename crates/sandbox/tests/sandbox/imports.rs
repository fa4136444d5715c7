//! What guests may do to the world, and what they are told when they may not.

use guests::Guest;
use model::error::ErrorKind;
use model::grants::Grants;
use model::retry::Ending;

use crate::room::{Room, assert_failed};

const LOG: &str = r#"(import "jobs:task/log@1.0.0" "write" (func $log (param i32 i32 i32)))"#;
const FILE: &str = r#"(import "jobs:task/files@1.0.0" "write"
    (func $write (param i32 i32 i32 i32 i32 i32 i32)))"#;
const SECRET: &str = r#"(import "jobs:task/secrets@1.0.0" "get" (func $secret (param i32 i32 i32)))"#;
const MAIL: &str = r#"(import "jobs:task/mail@1.0.0" "send"
    (func $mail (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32)))"#;
const HTTP: &str = r#"(import "jobs:task/http@1.0.0" "send"
    (func $http (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i64 i32)))"#;
const ENQUEUE: &str = r#"(import "jobs:task/queue@1.0.0" "enqueue"
    (func $enqueue (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i64 i32)))"#;

/// GET http://a.test/ with no headers; the answer is at 8192: its variant at 8192, an error's case at 8196 and text
/// at 8200, a response's body at 8208.
const GET: &str = r#"(call $http (i32.const 2000) (i32.const 3) (i32.const 2010) (i32.const 14)
    (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i64.const 0) (i32.const 8192))"#;
const GET_DATA: &str = r#"(data (i32.const 2000) "GET") (data (i32.const 2010) "http://a.test/")"#;

#[tokio::test]
async fn a_log_is_cut_at_its_limit_and_says_so_once() {
    let mut room = Room::new();
    room.limits.log_bytes = 12;
    let line = "(call $log (i32.const 2) (i32.const 48) (i32.const 4))";
    let run = format!("{line} {line} {line} {line} (call $ok (i32.const 32) (i32.const 4))");

    let execution = room.run(Guest { imports: LOG, run: &run, ..Guest::default() }.build()).await;

    assert_eq!(execution.ending, Ending::Succeeded);
    let texts = room.world.texts();
    assert_eq!(texts[..2], ["info boom", "info boom"]);
    assert_eq!(texts.len(), 3);
    assert!(texts[2].starts_with("warn the log is full at 12 bytes"), "{texts:?}");
}

#[tokio::test]
async fn host_calls_have_a_budget() {
    let mut room = Room::new();
    room.limits.host_calls = 10;
    let run =
        "(loop $again (call $log (i32.const 2) (i32.const 48) (i32.const 4)) (br $again)) (unreachable)";

    let execution = room.run(Guest { imports: LOG, run, ..Guest::default() }.build()).await;

    assert_failed(&execution, ErrorKind::HostCalls, "made 11 calls, limit 10 calls");
    assert_eq!(room.world.texts().len(), 10);
}

#[tokio::test]
async fn files_are_kept_up_to_their_limit() {
    let mut room = Room::new();
    room.limits.file_bytes = 6;
    // Twice the same name with 4 bytes, then another one.
    let write = |name: u32| {
        format!(
            "(call $write (i32.const {name}) (i32.const 1) (i32.const 2000) (i32.const 10)
                (i32.const 48) (i32.const 4) (i32.const 8192))"
        )
    };
    let run = format!("{0} {0} {1} (unreachable)", write(16), write(48));
    let extra = r#"(data (i32.const 2000) "text/plain")"#;

    let execution = room.run(Guest { imports: FILE, extra, run: &run }.build()).await;

    assert_failed(&execution, ErrorKind::Output, "file \"b\" makes 8 B, limit 6 B");
    let names: Vec<&str> = execution.files.iter().map(|file| file.name.as_str()).collect();
    assert_eq!(names, ["t"]);
    assert_eq!(execution.files[0].bytes, b"boom");
    assert_eq!((execution.spent.file_bytes, execution.usage.bytes_out), (4, 4));
}

#[tokio::test]
async fn mail_without_its_grant_ends_the_attempt() {
    let room = Room::new();
    let noughts = "(i32.const 0) ".repeat(12);
    let run = format!("(call $mail {noughts} (i32.const 8192)) (call $ok (i32.const 32) (i32.const 4))");

    let execution = room.run(Guest { imports: MAIL, run: &run, ..Guest::default() }.build()).await;

    assert_failed(&execution, ErrorKind::Denied, "--allow-mail");
}

#[tokio::test]
async fn a_secret_is_had_only_when_it_was_granted_and_exists() {
    let cases = [(vec![], "was not granted"), (vec!["boom".to_owned()], "knows no secret")];
    let run = "(call $secret (i32.const 48) (i32.const 4) (i32.const 8192))
        (call $err (i32.const 2) (i32.load (i32.const 8196)) (i32.load (i32.const 8200)) (i64.const 0))";

    for (secrets, expected) in cases {
        let mut room = Room::new();
        room.grants = Grants { secrets, ..Grants::default() };
        let execution = room.run(Guest { imports: SECRET, run, ..Guest::default() }.build()).await;
        assert_failed(&execution, ErrorKind::Task, expected);
    }
}

#[tokio::test]
async fn a_request_to_a_host_that_was_not_granted_never_leaves() {
    let mut room = Room::new();
    room.grants.http = vec!["b.test".parse().expect("a grant")];
    let run = format!(
        "{GET} (call $err (i32.const 2) (i32.load (i32.const 8200)) (i32.load (i32.const 8204)) (i64.const 0))"
    );

    let execution = room.run(Guest { imports: HTTP, extra: GET_DATA, run: &run }.build()).await;

    assert_failed(&execution, ErrorKind::Task, "a.test:80 was not granted");
    assert!(room.world.requests.lock().expect("nobody panics while holding it").is_empty());
}

#[tokio::test]
async fn requests_are_numbered_and_limited() {
    let mut room = Room::new();
    room.grants.http = vec!["a.test".parse().expect("a grant")];
    room.limits.http_requests = 2;
    let run = format!("{GET} {GET} {GET} (unreachable)");

    let execution = room.run(Guest { imports: HTTP, extra: GET_DATA, run: &run }.build()).await;

    assert_failed(&execution, ErrorKind::Http, "made 3 requests, limit 2 requests");
    let requests = room.world.requests.lock().expect("nobody panics while holding it");
    let keys: Vec<&str> = requests.iter().map(|request| request.idempotency_key.as_str()).collect();
    let nil = "00000000-0000-0000-0000-000000000000";
    assert_eq!(keys, [format!("{nil}-0"), format!("{nil}-1")]);
    assert_eq!(requests[1].response_bytes_max, room.limits.http_bytes - 4);
    assert!(requests[0].host_named);
}

#[tokio::test]
async fn child_jobs_need_the_grant_of_their_task() {
    let run = "(call $enqueue (i32.const 48) (i32.const 4) (i32.const 32) (i32.const 4)
            (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0)
            (i32.const 0) (i64.const 0) (i32.const 8192))
        (call $err (i32.const 2) (i32.load (i32.const 8196)) (i32.load (i32.const 8200)) (i64.const 0))";
    for (granted, expected) in [("other", "--allow-enqueue"), ("boom", "00000000-")] {
        let mut room = Room::new();
        room.grants.enqueue = vec![granted.to_owned()];

        let execution = room.run(Guest { imports: ENQUEUE, run, ..Guest::default() }.build()).await;

        assert_failed(&execution, ErrorKind::Task, expected);
        assert_eq!(
            room.world.children.lock().expect("nobody panics while holding it").len(),
            usize::from(granted == "boom")
        );
    }
}

#[tokio::test]
async fn a_checkpoint_of_an_earlier_attempt_is_there() {
    let room = Room::new();
    let imports = r#"(import "jobs:task/checkpoint@1.0.0" "load" (func $load (param i32)))"#;
    let run = "(call $load (i32.const 8192))
        (call $ok (i32.load (i32.const 8196)) (i32.load (i32.const 8200)))";

    let execution = room.run(Guest { imports, run, ..Guest::default() }.build()).await;

    assert_eq!(execution.result.expect("a result").as_str(), "\"before\"");
}

/// To print to standard error and to exit.
const WASI: &str = r#"
    (import "wasi:cli/stderr@0.2.6" "get-stderr" (func $stderr (result i32)))
    (import "wasi:cli/exit@0.2.6" "exit" (func $exit (param i32)))
    (import "wasi:io/streams@0.2.6" "[method]output-stream.blocking-write-and-flush"
        (func $print (param i32 i32 i32 i32)))"#;

#[tokio::test]
async fn what_a_guest_said_last_explains_its_trap() {
    let room = Room::new();
    let said =
        "thread 'main' panicked at src/lib.rs:1:2:\\nno such customer\\nnote: run with `RUST_BACKTRACE=1`\\n";
    let extra = format!("(data (i32.const 2000) \"{said}\")");
    let bytes = said.replace("\\n", "\n").len();
    let run = format!(
        "(call $print (call $stderr) (i32.const 2000) (i32.const {bytes}) (i32.const 8192)) (unreachable)"
    );
    let guest = Guest { imports: WASI, extra: &extra, run: &run };

    let execution = room.run(guest.build()).await;

    assert_failed(&execution, ErrorKind::Trap, "panicked at src/lib.rs:1:2: no such customer");
    assert_eq!(room.world.texts()[1], "stderr no such customer");
}

#[tokio::test]
async fn an_exit_is_not_a_result() {
    for (status, expected) in [(0, "exited with code 0"), (1, "exited with code 1")] {
        let room = Room::new();
        let run = format!("(call $exit (i32.const {status})) (unreachable)");
        let guest = Guest { imports: WASI, run: &run, ..Guest::default() };

        let execution = room.run(guest.build()).await;

        assert_failed(&execution, ErrorKind::Trap, expected);
    }
}
