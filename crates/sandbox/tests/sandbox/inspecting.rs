//! What publish is told about a component.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::time::{Duration, Instant};

use guests::Guest;
use model::attempt::CodeOrigin;
use model::grants::Capability;
use model::id::Digest;
use sandbox::{Config, Flavour, Refusal, RefusalKind, Sandbox};

use crate::room::{Room, config_in};

const METERED: Flavour = Flavour { metered: true, deterministic: false };

async fn refusal(bytes: Vec<u8>) -> Refusal {
    Room::new().sandbox.inspect(bytes, METERED).await.expect_err("it is refused")
}

#[tokio::test]
async fn a_component_says_what_it_is() {
    let imports = r#"(import "jobs:task/mail@1.0.0" "send"
            (func $mail (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32)))
        (import "jobs:task/log@1.0.0" "write" (func $log (param i32 i32 i32)))"#;
    let bytes = Guest { imports, ..Guest::default() }.build();
    let room = Room::new();

    let first = room.sandbox.inspect(bytes.clone(), METERED).await.expect("it is fine");
    let second = room.sandbox.inspect(bytes.clone(), METERED).await.expect("it is fine");

    assert_eq!(first.sha256, Digest::of(&bytes));
    assert_eq!(first.size_bytes, bytes.len() as u64);
    assert_eq!(first.imports, ["jobs:task/log@1.0.0", "jobs:task/mail@1.0.0"]);
    assert_eq!(first.capabilities, BTreeSet::from([Capability::Mail]));
    assert_eq!(first.tasks.len(), 1);
    assert_eq!(first.tasks[0].name.as_str(), "t");
    assert!(first.compile_ms > 0);
    assert_eq!((second.compile_ms, room.sandbox.compiled()), (0, 1));
}

#[tokio::test]
async fn secrets_are_asked_for_by_who_calls_them_not_by_every_http_client() {
    const HTTP: &str = r#"(import "jobs:task/http@1.0.0" "send"
        (func $http (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i64 i32)))"#;
    const BOTH: &str = r#"(import "jobs:task/http@1.0.0" "send"
        (func $http (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i64 i32)))
        (import "jobs:task/secrets@1.0.0" "get" (func $secret (param i32 i32 i32)))"#;
    let room = Room::new();
    let inspect = |imports| room.sandbox.inspect(Guest { imports, ..Guest::default() }.build(), METERED);

    let http = inspect(HTTP).await.expect("it is fine");
    let both = inspect(BOTH).await.expect("it is fine");

    assert_eq!(http.capabilities, BTreeSet::from([Capability::Http]));
    assert!(http.imports.contains(&"jobs:task/secrets@1.0.0".to_owned()), "{:?}", http.imports);
    assert_eq!(both.capabilities, BTreeSet::from([Capability::Http, Capability::Secrets]));
}

#[tokio::test]
async fn what_is_no_component_is_told_what_it_is() {
    let core = refusal(wat::parse_str("(module)").expect("valid")).await;
    let text = refusal(b"(component)".to_vec()).await;
    let other = refusal(b"\x7fELF".to_vec()).await;
    let cut = refusal(Guest::default().build()[..500].to_vec()).await;

    assert!(core.message.contains("core module") && core.hint.is_some(), "{core:?}");
    assert!(text.hint.is_some_and(|hint| hint.contains("text format")));
    assert!(other.message.contains("not WebAssembly"), "{other}");
    assert!(cut.message.contains("not a valid component"), "{cut}");
}

#[tokio::test]
async fn an_unknown_import_is_refused_by_its_name() {
    let wit = "package test:w;
        interface disk { wipe: func(); }
        world w { import disk; export jobs:task/guest@1.0.0; }";
    let imports = r#"(import "test:w/disk" "wipe" (func $wipe))"#;

    let refusal = refusal(Guest { imports, ..Guest::default() }.build_for(wit)).await;

    assert!(refusal.kind == RefusalKind::Policy);
    assert!(refusal.message.contains("test:w/disk"), "{refusal}");
}

#[tokio::test]
async fn a_known_name_with_another_type_is_refused() {
    let bytes = wat::parse_str(
        r#"(component
            (import "jobs:task/log@1.0.0" (instance (export "write" (func (param "message" string)))))
            (core module $m (func (export "f")))
            (core instance $i (instantiate $m))
            (func $f (canon lift (core func $i "f")))
            (instance $guest (export "describe" (func $f)) (export "run" (func $f)))
            (export "jobs:task/guest@1.0.0" (instance $guest)))"#,
    )
    .expect("valid");

    let refusal = refusal(bytes).await;

    assert!(refusal.message.starts_with("cannot be linked"), "{refusal}");
    assert!(refusal.message.contains("jobs:task/log@1.0.0"), "{refusal}");
}

#[tokio::test]
async fn a_guest_with_other_functions_is_refused() {
    let bytes = wat::parse_str(
        r#"(component
            (core module $m (func (export "f")))
            (core instance $i (instantiate $m))
            (func $f (canon lift (core func $i "f")))
            (instance $guest (export "describe" (func $f)) (export "run" (func $f)))
            (export "jobs:task/guest@1.0.0" (instance $guest)))"#,
    )
    .expect("valid");

    let refusal = refusal(bytes).await;

    assert!(refusal.message.contains("could not describe its tasks"), "{refusal}");
}

#[tokio::test]
async fn a_component_that_traps_in_describe_is_told_why() {
    let extra = "(func $begin (unreachable)) (start $begin)";

    let refusal = refusal(Guest { extra, ..Guest::default() }.build()).await;

    assert!(refusal.message.contains("unreachable"), "{refusal}");
}

#[tokio::test]
async fn a_component_is_described_as_it_will_run() {
    let room = Room::new();

    for flavour in [(false, false), (false, true), (true, true)] {
        let (metered, deterministic) = flavour;
        let bytes = Guest::default().build();
        let inspection =
            room.sandbox.inspect(bytes, Flavour { metered, deterministic }).await.expect("it is fine");
        assert_eq!((inspection.code, inspection.tasks.len()), (CodeOrigin::Compiled, 1), "{flavour:?}");
    }
}

/// A component that instantiates its child twice, on so many levels: 2^levels instances.
fn bomb(levels: u32) -> Vec<u8> {
    let mut text = "(component (core module $m) (core instance (instantiate $m)))".to_owned();
    for _ in 0..levels {
        text = format!("(component {text} (instance (instantiate 0)) (instance (instantiate 0)))");
    }
    wat::parse_str(text).expect("valid")
}

#[tokio::test]
async fn a_compile_bomb_is_refused_before_it_is_compiled() {
    let began = Instant::now();
    let bytes = bomb(24);
    assert!(bytes.len() < 2_000, "{}", bytes.len());

    // It is no task either; the cost is looked at first.
    let refusal = refusal(bytes).await;

    assert!(refusal.kind == RefusalKind::Policy && refusal.message.contains("too expensive"), "{refusal}");
    assert!(began.elapsed() < Duration::from_secs(10));
}

#[tokio::test]
async fn each_way_to_be_too_expensive_is_named() {
    let nested = (0..40).fold("(component)".to_owned(), |text, _| format!("(component {text})"));
    let mut parts = "(component ".to_owned();
    for _ in 0..501 {
        parts.push_str("(core module)");
    }
    parts.push(')');
    let mut functions = "(component (core module ".to_owned();
    for _ in 0..200_001 {
        functions.push_str("(func)");
    }
    functions.push_str("))");
    let mut body = "(component (core module (func ".to_owned();
    for number in 0..400_000 {
        write!(body, "i32.const {} drop ", number % 60).expect("a String takes everything");
    }
    body.push_str(")))");
    let passing = "(component (component $c (import \"x\" (component))))".to_owned();
    let cases = [
        (nested, "nests deeper"),
        (parts, "modules and components"),
        (functions, "functions"),
        (body, "a function has"),
        (passing, "components as values"),
    ];

    for (text, expected) in cases {
        let refusal = refusal(wat::parse_str(text).expect("valid")).await;
        assert!(refusal.kind == RefusalKind::Policy && refusal.message.contains(expected), "{refusal}");
    }
}

/// Inspects a small component with this shell script in place of the compile worker.
async fn with_worker(script: &str) -> Refusal {
    let folder = tempfile::tempdir().expect("a folder");
    let compile_command = ["/bin/sh", "-c", script].map(str::to_owned).to_vec();
    let config = Config { compile_command, ..config_in(folder.path()) };
    let sandbox = Sandbox::new(config).expect("the engines can be made");
    sandbox.inspect(Guest::default().build(), METERED).await.expect_err("the worker is broken")
}

#[tokio::test]
async fn a_worker_that_a_limit_ended_means_too_expensive() {
    let refusal = with_worker("kill -9 $$").await;

    assert!(
        refusal.kind == RefusalKind::Policy && refusal.message.contains("too expensive to compile"),
        "{refusal}"
    );
}

#[tokio::test]
async fn a_worker_that_breaks_is_not_the_components_fault() {
    let refusal = with_worker("echo no such library >&2; exit 127").await;

    assert!(refusal.kind == RefusalKind::Fault && refusal.message.contains("no such library"), "{refusal}");
}

#[tokio::test]
async fn the_worker_sees_nothing_of_the_environment() {
    assert!(std::env::vars_os().any(|(name, _)| name == "CARGO_MANIFEST_DIR"), "there is something to hide");

    let refusal = with_worker("printf E; /usr/bin/env").await;

    assert!(refusal.message.contains("MALLOC_ARENA_MAX"), "{refusal}");
    assert!(!refusal.message.contains("CARGO_"), "{refusal}");
}
