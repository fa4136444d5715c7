//! What is refused without anybody being asked, and what happens when nobody is there.

use std::fs;
use std::io::Read;
use std::process::Stdio;

use crate::runner::{Runner, answer, nobody};

/// Command lines that make no sense, and what the refusal names.
const BAD_USAGE: [(&[&str], &str); 20] = [
    (&["nosuch"], "nosuch"),
    (&["enqueue"], "<TASK>"),
    (&["enqueue", "t", "{}", "--timeout", "soon"], "--timeout"),
    (&["enqueue", "t", "{}", "--priority", "10"], "--priority"),
    (&["enqueue", "t", "{}", "--at", "2026-01-01T00:00:00"], "--at"),
    (&["enqueue", "a b", "{}"], "TASK"),
    (&["task", "publish", "x.wasm", "--memory", "big"], "--memory"),
    (&["task", "publish", "x.wasm", "--allow-http", "http://x"], "--allow-http"),
    (&["enqueue", "t", "{}", "--host-calls", "-1"], "--host-calls"),
    (&["enqueue", "t", "{}", "--max-log", "big"], "--max-log"),
    (&["task", "check", "x.wasm", "--fuel", "much"], "--fuel"),
    (&["task", "run"], "<FILE.wasm>"),
    (&["job", "list", "--state", "happy"], "--state"),
    (&["job", "cancel", "012345", "--task", "t"], "--task"),
    (&["job", "cancel", "012345", "--all"], "--all"),
    (&["job", "cancel", "--all", "--queue", "q"], "--queue"),
    (&["job", "cancel", "012345", "--grace", "soon"], "--grace"),
    (&["job", "retry", "012345", "--task", "t"], "--task"),
    (&["job", "retry", "--all", "--queue", "q"], "--queue"),
    (&["host", "run", "--lease", "long"], "--lease"),
];

/// Input that is refused before a connection is made, and what the refusal names.
const BAD_INPUT: [(&[&str], &str); 18] = [
    (&["enqueue", "t", "{\"a\": oops}"], "line 1 column 7"),
    (&["enqueue", "t", "@nosuch.json"], "nosuch.json"),
    (&["enqueue", "t", "{}", "--key-ttl", "1h"], "key-ttl"),
    (&["enqueue", "t", "--batch", "nosuch.jsonl"], "nosuch.jsonl"),
    (&["enqueue", "t", "{}", "--memory", "0"], "memory: a limit of 0"),
    (&["task", "publish", "nosuch.wasm"], "nosuch.wasm"),
    (&["task", "publish", "nosuch.wasm", "--manifest", "nosuch.toml"], "manifest: nosuch.toml"),
    (&["task", "check", "nosuch.wasm"], "nosuch.wasm"),
    (&["task", "publish", "nosuch.wasm", "--fuel", "0"], "fuel: a limit of 0"),
    (&["task", "publish", "nosuch.wasm", "--secret", ""], "secret: a name may not be empty"),
    (&["task", "run", "nosuch.wasm", "t@3"], "nosuch.wasm"),
    (&["task", "run", "nosuch.wasm", "t", "{}"], "nosuch.wasm"),
    (&["job", "cancel"], "which jobs?"),
    (&["job", "cancel", "--state", "succeeded", "-y"], "a job that is succeeded has ended"),
    (&["dev", "--max-limit", "memory=5GiB"], "memory: 5 GiB is over the platform's limit of 4 GiB"),
    (&["dev", "--max-limit", "memmory=1GiB"], "no limit; there are fuel, memory"),
    (&["dev", "--cache-size", "big"], "cache-size: \"big\""),
    (&["status", "-n", "a b"], "namespace"),
];

#[test]
fn bad_usage_is_one_error_line_and_a_hint_for_people() {
    let runner = Runner::new();

    for (arguments, named) in BAD_USAGE {
        let answer = runner.run(arguments);

        assert_eq!((answer.code, answer.stdout.as_str()), (2, ""), "{arguments:?}");
        let lines: Vec<_> = answer.stderr.lines().collect();
        assert_eq!(lines.len(), 2, "{answer:?}");
        assert!(lines[0].starts_with("error: ") && lines[0].contains(named), "{answer:?}");
        assert!(lines[1].starts_with("hint: "), "{answer:?}");
    }
}

#[test]
fn bad_usage_is_one_json_document_for_programs() {
    let runner = Runner::new();

    for flags in [&["-o", "json"][..], &["-ojson"], &["--output=json"], &["--output", "jsonl"]] {
        for (arguments, named) in BAD_USAGE {
            let answer = runner.run(&[arguments, flags].concat());

            assert_eq!((answer.code, answer.stderr.as_str()), (2, ""), "{arguments:?}");
            let error = &answer.json()["error"];
            assert_eq!(error["code"], "invalid", "{answer:?}");
            assert!(error["message"].as_str().is_some_and(|text| text.contains(named)), "{answer:?}");
            assert!(error["hint"].is_string(), "{answer:?}");
        }
    }
}

#[test]
fn bad_input_is_refused_before_anybody_is_asked() {
    let runner = Runner::new();
    let server = nobody();

    for (arguments, named) in BAD_INPUT {
        let answer = runner.run(&[arguments, &["--server", &server, "-o", "json"]].concat());

        assert_eq!(answer.code, 2, "{answer:?}");
        let message = answer.json()["error"]["message"].as_str().expect("text").to_owned();
        assert!(message.contains(named), "{arguments:?}: {message}");
    }
}

#[test]
fn a_bad_line_of_a_batch_is_named_before_anybody_is_asked() {
    let runner = Runner::new();
    fs::write(runner.folder().join("b.jsonl"), "{\"payload\": 1}\n\n{\"payload\": 1, \"prio\": 2}\n")
        .expect("written");

    let answer = runner.run(&["enqueue", "t", "--batch", "b.jsonl", "--server", &nobody()]);

    assert_eq!(answer.code, 2, "{answer:?}");
    assert!(answer.stderr.contains("line 3") && answer.stderr.contains("prio"), "{answer:?}");
}

#[test]
fn a_server_that_is_down_is_exit_7_with_a_hint() {
    let runner = Runner::new();
    let server = nobody();

    let people = runner.run(&["enqueue", "t", "{}", "--server", &server]);
    let program = runner.run(&["status", "--server", &server, "-o", "json"]);
    let lines = runner.run(&["job", "list", "--server", &server, "-o", "jsonl"]);

    assert_eq!((people.code, people.stdout.as_str()), (7, ""));
    assert!(people.stderr.starts_with("error: ") && people.stderr.contains(&server), "{people:?}");
    assert!(people.stderr.contains("\nhint: "), "{people:?}");
    assert_eq!((program.code, &program.json()["error"]["code"]), (7, &"unavailable".into()));
    assert_eq!(lines.code, 7);
    assert_eq!(lines.stdout.lines().count(), 1, "{lines:?}");
}

#[test]
fn a_reader_that_has_had_enough_is_no_failure() {
    let runner = Runner::new();
    let mut child = runner
        .command(&["completions", "bash"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("jobctl can be started");

    drop(child.stdout.take());
    let mut stderr = String::new();
    child.stderr.take().expect("piped").read_to_string(&mut stderr).expect("text");

    assert!(child.wait().expect("it ends").success());
    assert_eq!(stderr, "");
}

#[test]
fn roles_that_lack_what_they_need_say_what() {
    let runner = Runner::new();

    let scheduler = runner.run(&["scheduler", "run", "-o", "json"]);
    let host = runner.run(&["host", "run", "--database-url", "postgres://127.0.0.1:1/x", "-o", "json"]);
    let migrate = runner.run(&["migrate"]);
    let relay = runner.run(&["dev", "--smtp-url", "smtp://127.0.0.1:1"]);

    assert_eq!((scheduler.code, host.code, migrate.code, relay.code), (2, 2, 2, 2));
    assert!(
        scheduler.json()["error"]["message"].as_str().is_some_and(|text| text.contains("--database-url"))
    );
    assert!(host.json()["error"]["message"].as_str().is_some_and(|text| text.contains("--redis-url")));
    assert!(migrate.stderr.contains("JOBCTL_DATABASE_URL"), "{migrate:?}");
    assert!(relay.stderr.contains("--mail-from"), "{relay:?}");
}

#[test]
fn a_network_that_nobody_may_open_is_refused_at_the_start_wherever_it_stands() {
    let runner = Runner::new();
    let backends = ["--database-url", "postgres://127.0.0.1:1/x", "--redis-url", "redis://127.0.0.1:1"];
    let host = [&["host", "run", "--allow-network", "10.0.0.0/8,169.254.0.0/16"][..], &backends].concat();

    let flag = runner.run(&host);
    let mut dev = runner.command(&["dev", "--port", "0"]);
    let variable = answer(dev.env("JOBCTL_ALLOW_NETWORKS", "fd00:ec2::254").output().expect("it starts"));
    fs::write(runner.folder().join("jobctl.toml"), "allow_networks = [\"10.0.0.5/8\"]").expect("written");
    let file = runner.run(&["dev", "--port", "0"]);

    assert_eq!((flag.code, variable.code, file.code), (2, 2, 2), "{flag:?} {variable:?} {file:?}");
    assert!(flag.stderr.contains("allow-network: \"169.254.0.0/16\" is link-local"), "{flag:?}");
    assert!(variable.stderr.contains("allow-network: \"fd00:ec2::254\" is link-local"), "{variable:?}");
    assert!(
        file.stderr.contains("allow-network: \"10.0.0.5/8\" has bits beyond its prefix: 10.0.0.0/8"),
        "{file:?}"
    );
}
