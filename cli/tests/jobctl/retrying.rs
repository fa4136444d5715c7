//! `jobctl job retry`: all jobs that match.

use rpc::v1;

use crate::runner::{Answer, Runner};
use crate::scripted::{Script, Scripted};

fn run(server: &Scripted, arguments: &[&str]) -> Answer {
    Runner::new().run(&[&["job", "retry"], arguments, &["--server", server.url()]].concat())
}

const COUNTED: prost_types::Timestamp = prost_types::Timestamp { seconds: 1_700_000_000, nanos: 5 };

/// Twelve jobs that match, retried in two pages.
fn twelve() -> Scripted {
    let none = v1::RetryJobsResponse::default;
    let count = v1::RetryJobsResponse { failed: 10, cancelled: 2, counted_at: Some(COUNTED), ..none() };
    let first = v1::RetryJobsResponse { retried: 8, next_cursor: "more".to_owned(), ..none() };
    let second = v1::RetryJobsResponse { retried: 3, skipped: 1, ..none() };
    Scripted::start(Script { retries: [count, first, second].into(), ..Script::default() })
}

#[test]
fn jobs_that_match_are_counted_and_then_retried_page_by_page() {
    let server = twelve();

    let answer = run(&server, &["--task", "t", "--state", "failed,cancelled", "--tag", "a=b", "-y"]);

    let asked = server.seen(|script| script.retries_asked.clone());
    let expected = "retried 11, skipped 1 that changed meanwhile\n";
    assert_eq!((answer.code, answer.stdout.as_str(), answer.stderr.as_str()), (0, expected, ""));
    assert_eq!(asked.iter().map(|request| request.count_only).collect::<Vec<_>>(), [true, false, false]);
    assert_eq!(asked.iter().map(|request| request.cursor.as_str()).collect::<Vec<_>>(), ["", "", "more"]);
    for request in &asked {
        assert_eq!(request.task, "t");
        assert_eq!(request.states, ["failed", "cancelled"]);
        assert_eq!(request.tags, [("a".to_owned(), "b".to_owned())].into());
    }
}

#[test]
fn what_ended_after_the_count_is_not_meant() {
    let server = twelve();

    run(&server, &["--all", "-y"]);

    let by = server.seen(|script| script.retries_asked.iter().map(|one| one.ended_by).collect::<Vec<_>>());
    assert_eq!(by, [None, Some(COUNTED), Some(COUNTED)]);
}

#[test]
fn programs_get_one_document_of_counts() {
    let answer = run(&twelve(), &["--all", "-y", "-o", "json"]);

    let expected = serde_json::json!({"matched": 12, "retried": 11, "skipped": 1});
    assert_eq!((answer.code, answer.json()), (0, expected));
}

#[test]
fn without_a_terminal_nothing_is_retried_unless_somebody_said_yes() {
    let server = twelve();

    let text = run(&server, &["--queue", "q"]);

    assert_eq!((text.code, text.stdout.as_str()), (2, ""));
    assert!(text.stderr.contains("12 jobs match: 10 failed, 2 cancelled; nothing was retried"), "{text:?}");
    assert!(text.stderr.contains("hint: -y retries them"), "{text:?}");
    assert_eq!(server.seen(|script| script.retries_asked.len()), 1, "they were only counted");
}

#[test]
fn nothing_that_matches_is_no_failure() {
    let nothing = Script { retries: [v1::RetryJobsResponse::default()].into(), ..Script::default() };

    let text = run(&Scripted::start(nothing), &["--task", "t"]);

    assert_eq!((text.code, text.stdout.as_str()), (0, "no failed or cancelled jobs match\n"));
}

#[test]
fn a_failure_half_way_tells_what_was_retried_before() {
    let none = v1::RetryJobsResponse::default;
    let count = v1::RetryJobsResponse { failed: 2_000, ..none() };
    let page = v1::RetryJobsResponse { retried: 1_000, next_cursor: "more".to_owned(), ..none() };
    let server = Scripted::start(Script { retries: [count, page].into(), ..Script::default() });

    let answer = run(&server, &["--all", "-y", "-o", "json"]);

    let error = answer.json()["error"].clone();
    assert_eq!((answer.code, &error["retried"]), (1, &1_000.into()), "{error}");
    let message = error["message"].as_str().expect("text");
    assert!(message.contains("1,000 jobs were retried before"), "{error}");
}

#[test]
fn what_cannot_be_retried_is_refused_before_anybody_is_asked() {
    let runner = Runner::new();
    let cases: [(&[&str], &str, &str); 3] = [
        (&["--state", "running"], "a job that is running has not ended", "--state failed or cancelled"),
        (&["--state", "failed,succeeded"], "a job that is succeeded is done", "--state failed or cancelled"),
        (&[], "which jobs?", "--all for every failed job"),
    ];

    for (flags, message, hint) in cases {
        let answer = runner.run(&[&["job", "retry", "--server", "http://127.0.0.1:1"], flags].concat());

        assert_eq!(answer.code, 2, "{flags:?}");
        assert!(answer.stderr.contains(message) && answer.stderr.contains(hint), "{answer:?}");
    }
}
