//! What the client makes of answers, lost answers and servers that go away in between.

use std::fs;

use rpc::v1;

use crate::runner::{Answer, Runner};
use crate::scripted::{End, Script, Scripted, Told};

/// What a value tree would round, refuse or reorder.
const LONG: &str = r#"{"z": 1234567890123456789012345678901234567890, "a": 1e400}"#;

fn job(state: &str) -> v1::Job {
    v1::Job {
        state: state.to_owned(),
        payload: LONG.into(),
        result: (state == "succeeded").then(|| LONG.into()),
        error: (state == "failed")
            .then(|| v1::Failure { kind: "task".to_owned(), message: "it \x1b[31mbroke".to_owned() }),
        ..v1::Job::default()
    }
}

fn told<T>(messages: Vec<T>, end: End) -> Told<T> {
    Told { messages, end }
}

/// A server where a job ends in `state` as soon as somebody waits for it.
fn ending(state: &str) -> Script {
    Script { job: job(state), waits: [told(Vec::new(), End::Whole)].into(), ..Script::default() }
}

fn run(server: &Scripted, arguments: &[&str]) -> Answer {
    Runner::new().run(&[arguments, &["--server", server.url()]].concat())
}

#[test]
fn a_call_whose_answer_was_lost_is_made_again_with_the_same_id() {
    let server = Scripted::start(Script { enqueues_lost: 1, ..Script::default() });

    let answer = run(&server, &["enqueue", "t", "{}"]);

    let ids = server
        .seen(|script| script.enqueued.iter().map(|request| request.jobs[0].id.clone()).collect::<Vec<_>>());
    assert_eq!(answer.code, 0, "{answer:?}");
    assert_eq!(ids.len(), 2);
    assert_eq!((ids[0].as_str(), ids[1].as_str()), (answer.stdout.trim_end(), answer.stdout.trim_end()));
    assert_eq!(ids[0].as_bytes()[14], b'7', "a UUID of version 7: {ids:?}");
}

#[test]
fn a_wait_goes_on_after_the_server_was_away() {
    let waits = [told(Vec::new(), End::Cut), told(Vec::new(), End::Whole)];
    let server = Scripted::start(Script { job: job("succeeded"), waits: waits.into(), ..Script::default() });

    let answer = run(&server, &["enqueue", "t", LONG, "--wait"]);

    assert_eq!((answer.code, answer.stdout.as_str()), (0, format!("{LONG}\n").as_str()), "{answer:?}");
    assert_eq!(server.seen(|script| script.enqueued[0].jobs[0].payload.clone()), LONG.as_bytes());
}

#[test]
fn how_a_job_ended_is_the_exit_code() {
    for (state, code) in [("succeeded", 0), ("failed", 4), ("cancelled", 5)] {
        let people = run(&Scripted::start(ending(state)), &["enqueue", "t", "--wait"]);
        let program = run(&Scripted::start(ending(state)), &["enqueue", "t", "--wait", "-o", "json"]);
        let batch = Runner::new();
        fs::write(batch.folder().join("b.jsonl"), "{}\n{}\n").expect("written");
        let server = Scripted::start(ending(state));
        let lines = batch.run(&[
            "enqueue",
            "t",
            "--batch",
            "b.jsonl",
            "--wait",
            "-o",
            "jsonl",
            "--server",
            server.url(),
        ]);

        assert_eq!((people.code, program.code, lines.code), (code, code, code), "{state}");
        assert!(program.stdout.contains(&format!("\"state\": \"{state}\"")), "{program:?}");
        assert!(program.stdout.contains(LONG), "the payload as it came: {program:?}");
        assert_eq!(lines.stdout.lines().count(), 2, "{lines:?}");
        assert_eq!(people.stderr.contains("error: job "), code != 0, "{people:?}");
        assert!(!people.stderr.contains('\x1b'), "{people:?}");
    }
}

#[test]
fn a_batch_that_was_waited_for_keeps_numbers_of_any_length() {
    let runner = Runner::new();
    fs::write(runner.folder().join("b.jsonl"), "{}\n").expect("written");
    let server = Scripted::start(ending("succeeded"));

    let answer =
        runner.run(&["enqueue", "t", "--batch", "b.jsonl", "--wait", "-o", "json", "--server", server.url()]);

    assert_eq!(answer.code, 0, "{answer:?}");
    assert!(answer.stdout.contains(LONG), "{answer:?}");
}

#[test]
fn a_wait_that_takes_too_long_is_exit_8_and_names_the_job() {
    let script =
        || Script { job: job("running"), waits: [told(Vec::new(), End::Open)].into(), ..Script::default() };
    let arguments = ["enqueue", "t", "--wait", "--wait-timeout", "100ms"];

    let people = run(&Scripted::start(script()), &arguments);
    let program = run(&Scripted::start(script()), &[&arguments[..], &["-o", "json"]].concat());

    assert_eq!((people.code, program.code, people.stdout.as_str()), (8, 8, ""));
    assert!(people.stderr.contains("jobctl job wait"), "{people:?}");
    let error = program.json()["error"].clone();
    assert_eq!(error["code"], "timeout", "{error}");
    assert_eq!(error["job"].as_str().map(str::len), Some(36), "{error}");
}

#[test]
fn a_followed_log_prints_each_line_once() {
    let entry = |text: &str| v1::LogEntry { text: text.to_owned(), ..v1::LogEntry::default() };
    let (one, two, three) = (entry("one"), entry("two"), entry("three"));
    let logs = [told(vec![one.clone(), two.clone()], End::Cut), told(vec![one, two, three], End::Whole)];
    let server = Scripted::start(Script { logs: logs.into(), ..Script::default() });

    let answer = run(&server, &["job", "logs", "012345", "-f", "-o", "jsonl"]);

    let texts = answer.stdout.lines().map(|line| {
        let entry: serde_json::Value = serde_json::from_str(line).expect("JSON");
        entry["text"].as_str().expect("text").to_owned()
    });
    assert_eq!(answer.code, 0, "{answer:?}");
    assert_eq!(texts.collect::<Vec<_>>(), ["one", "two", "three"]);
}

#[test]
fn a_file_is_there_whole_or_not_at_all() {
    let chunk = |data: &[u8]| v1::FileChunk {
        info: Some(v1::FileInfo {
            name: "r.csv".to_owned(),
            media_type: "text/csv".to_owned(),
            size_bytes: 6,
        }),
        data: data.to_vec(),
    };
    let fetch = |end, arguments: &[&str]| {
        let files = [told(vec![chunk(b"abc"), chunk(b"\xff\0f")], end)];
        let server = Scripted::start(Script { files: files.into(), ..Script::default() });
        let runner = Runner::new();
        let common = ["job", "file", "012345", "r.csv", "--server", server.url()];
        let command = runner.command(&[&common[..], arguments].concat()).output().expect("started");
        (command, runner)
    };

    let (whole, folder) = fetch(End::Whole, &["--out", "."]);
    let (cut, empty) = fetch(End::Cut, &["--out", "x.csv"]);
    let (plain, _) = fetch(End::Whole, &[]);
    let (json, _) = fetch(End::Whole, &["-o", "json"]);

    assert_eq!(whole.status.code(), Some(0));
    assert_eq!(fs::read(folder.folder().join("r.csv")).expect("there"), b"abc\xff\0f");
    assert_eq!(cut.status.code(), Some(7));
    assert_eq!(fs::read_dir(empty.folder()).expect("there").count(), 0, "nothing half is left");
    assert_eq!(plain.stdout, b"abc\xff\0f");
    assert_eq!(json.status.code(), Some(2), "standard output is for JSON");
}

#[test]
fn the_token_is_shown_to_the_server() {
    let server = Scripted::start(Script::default());

    let with = run(&server, &["enqueue", "t", "--token", "secret"]);
    let without = run(&server, &["enqueue", "t"]);

    assert_eq!((with.code, without.code), (0, 0));
    assert_eq!(server.seen(|script| script.authorizations.clone()), [Some("Bearer secret".to_owned()), None]);
}

#[test]
fn a_large_batch_goes_in_calls_of_bounded_size_and_is_answered_in_order() {
    let runner = Runner::new();
    let lines: String = (0..2_500).map(|n| format!("{{\"payload\": {n}, \"priority\": 1}}\n")).collect();
    fs::write(runner.folder().join("b.jsonl"), lines).expect("written");
    let server = Scripted::start(Script::default());

    let answer =
        runner.run(&["enqueue", "t", "--batch", "b.jsonl", "--queue", "q", "--server", server.url()]);

    let (sizes, ids) = server.seen(|script| {
        let sizes: Vec<_> = script.enqueued.iter().map(|request| request.jobs.len()).collect();
        let jobs = script.enqueued.iter().flat_map(|request| &request.jobs);
        for (number, job) in jobs.clone().enumerate() {
            assert_eq!(job.payload, number.to_string().into_bytes());
            assert!(
                job.options.as_ref().is_some_and(|options| options.queue == "q" && options.priority == 1)
            );
        }
        (sizes, jobs.map(|job| job.id.clone()).collect::<Vec<_>>())
    });
    assert_eq!((answer.code, sizes), (0, vec![1_000, 1_000, 500]));
    assert_eq!(answer.stdout.lines().collect::<Vec<_>>(), ids);
}
