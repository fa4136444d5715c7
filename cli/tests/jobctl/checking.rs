//! `jobctl task check`: what publish would say, without a server.

use guests::{Hostile, Tasks};

use crate::runner::{Answer, Runner};

const OK: &str = "(return (call $ok (local.get $payload) (local.get $payload_len)))";

/// A folder with this component in it as `x.wasm`.
fn folder(component: &[u8]) -> Runner {
    let runner = Runner::new();
    std::fs::write(runner.folder().join("x.wasm"), component).expect("written");
    runner
}

fn check(runner: &Runner, flags: &[&str]) -> Answer {
    runner.run(&[&["task", "check", "x.wasm"], flags].concat())
}

fn message(answer: &Answer) -> String {
    answer.json()["error"]["message"].as_str().unwrap_or_default().to_owned()
}

#[test]
fn a_component_is_told_in_full_and_compiled_once() {
    let runner = folder(&Tasks { imports: "", extra: "", tasks: &[("one", OK), ("two", OK)] }.build());

    let first = check(&runner, &["-o", "json"]);
    let again = check(&runner, &["-o", "json"]);
    let text = check(&runner, &[]);

    let (first, again) = (first.json(), again.json());
    assert_eq!((&first["file"], &first["code"]), (&"x.wasm".into(), &"compiled".into()));
    assert!(first["compile_ms"].as_u64().is_some_and(|ms| ms > 0), "{first}");
    assert_eq!((&again["code"], &again["compile_ms"]), (&"disk".into(), &0.into()));
    assert_eq!((&first["metered"], &first["deterministic"]), (&true.into(), &false.into()));
    assert_eq!(first["sha256"].as_str().map(str::len), Some(64));
    let names: Vec<_> = first["tasks"].as_array().expect("a list").iter().map(|task| &task["task"]).collect();
    assert_eq!(names, ["one", "two"]);
    assert_eq!(first["tasks"][0]["limits"]["memory_bytes"], 128 << 20);
    assert_eq!((text.code, text.stderr.as_str()), (0, ""));
    for expected in
        ["x.wasm is fine\n", "\none\n", "\ntwo\n", "grants needed  none", "compiled before (from disk)"]
    {
        assert!(text.stdout.contains(expected), "{expected}: {text:?}");
    }
}

#[test]
fn the_flavour_is_that_of_the_version_that_would_be_made() {
    let runner = folder(&guests::running(OK));

    let shown = check(&runner, &["--fuel", "unlimited", "--deterministic", "-o", "json"]).json();

    assert_eq!((&shown["metered"], &shown["deterministic"]), (&false.into(), &true.into()));
    assert_eq!(shown["tasks"][0]["limits"]["fuel"], serde_json::Value::Null);
}

#[test]
fn grants_are_named_when_none_are_given_and_held_against_it_when_some_are() {
    let runner = folder(&Hostile::MailLoop.component());

    let open = check(&runner, &["-o", "json"]);
    let wrong = check(&runner, &["--allow-http", "example.com", "-o", "json"]);
    let right = check(&runner, &["--allow-mail"]);
    std::fs::write(runner.folder().join("task.toml"), "memory = \"64MiB\"").expect("written");
    let manifest = check(&runner, &["--manifest", "task.toml", "-o", "json"]);

    assert_eq!((open.code, &open.json()["grants_needed"]), (0, &serde_json::json!(["--allow-mail"])));
    for refused in [wrong, manifest] {
        assert_eq!((refused.code, &refused.json()["error"]["code"]), (6, &"denied".into()));
        assert!(message(&refused).contains("jobs:task/mail@1.0.0, which is not granted"), "{refused:?}");
        assert!(refused.json()["error"]["hint"].as_str().is_some_and(|hint| hint.contains("--allow-mail")));
    }
    assert_eq!(right.code, 0, "{right:?}");
}

#[test]
fn each_refusal_has_the_words_and_the_exit_code_of_publish() {
    let cases: [(Vec<u8>, &[&str], i32, &str); 6] = [
        (b"no component".to_vec(), &[], 2, "component: "),
        (guests::module(), &[], 2, "component: "),
        (Hostile::DescribeTrap.component(), &[], 2, "could not describe its tasks: trap"),
        (Hostile::DescribeBadName.component(), &[], 2, "bad name"),
        (
            guests::running(OK),
            &["--memory", "5GiB"],
            6,
            "memory: 5 GiB is over the platform's limit of 4 GiB",
        ),
        (guests::running(OK), &["--secret", ""], 2, "secret: a name may not be empty"),
    ];

    for (component, flags, code, expected) in cases {
        let answer = check(&folder(&component), &[flags, &["-o", "json"]].concat());
        assert_eq!(answer.code, code, "{expected}: {answer:?}");
        assert!(message(&answer).contains(expected), "{expected}: {answer:?}");
    }
}
