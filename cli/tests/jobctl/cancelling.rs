//! `jobctl job cancel`: one job, or all that match.

use rpc::v1;

use crate::runner::{Answer, Runner};
use crate::scripted::{Script, Scripted};

fn run(server: &Scripted, arguments: &[&str]) -> Answer {
    Runner::new().run(&[&["job", "cancel"], arguments, &["--server", server.url()]].concat())
}

/// Twelve jobs that match, cancelled in two pages.
fn twelve() -> Scripted {
    let count = v1::CancelJobsResponse { running: 10, queued: 2, ..v1::CancelJobsResponse::default() };
    let first = v1::CancelJobsResponse {
        cancelled: 2,
        stopping: 6,
        next_cursor: "more".to_owned(),
        ..v1::CancelJobsResponse::default()
    };
    let second =
        v1::CancelJobsResponse { stopping: 2, unreached: 1, ended: 1, ..v1::CancelJobsResponse::default() };
    Scripted::start(Script { cancels: [count, first, second].into(), ..Script::default() })
}

#[test]
fn jobs_that_match_are_counted_and_then_cancelled_page_by_page() {
    let server = twelve();

    let answer =
        run(&server, &["--task", "t", "--state", "running,queued", "--tag", "a=b", "--grace", "5s", "-y"]);

    let asked = server.seen(|script| script.cancels_asked.clone());
    let expected = "cancelled 2, stopping 8, told by their hosts' next heartbeat 1, ended meanwhile 1, each may go on for 5s\n";
    assert_eq!((answer.code, answer.stdout.as_str(), answer.stderr.as_str()), (0, expected, ""));
    assert_eq!(asked.iter().map(|request| request.count_only).collect::<Vec<_>>(), [true, false, false]);
    assert_eq!(asked.iter().map(|request| request.cursor.as_str()).collect::<Vec<_>>(), ["", "", "more"]);
    for request in asked {
        assert_eq!((request.task.as_str(), request.grace_ms), ("t", 5_000));
        assert_eq!(
            (request.states, request.tags),
            (vec!["running".to_owned(), "queued".to_owned()], [("a".to_owned(), "b".to_owned())].into())
        );
    }
}

#[test]
fn programs_get_one_document_of_counts() {
    let answer = run(&twelve(), &["--all", "-y", "-o", "json"]);

    let expected =
        serde_json::json!({"matched": 12, "cancelled": 2, "stopping": 8, "unreached": 1, "ended": 1});
    assert_eq!((answer.code, answer.json()), (0, expected));
}

#[test]
fn without_a_terminal_nothing_is_cancelled_unless_somebody_said_yes() {
    let (people, program) = (twelve(), twelve());

    let text = run(&people, &["--queue", "q"]);
    let json = run(&program, &["--queue", "q", "-o", "json"]);

    assert_eq!((text.code, text.stdout.as_str(), json.code), (2, "", 2));
    assert!(text.stderr.contains("12 jobs match: 10 running, 2 queued; nothing was cancelled"), "{text:?}");
    assert!(text.stderr.contains("hint: -y"), "{text:?}");
    assert!(json.json()["error"]["message"].as_str().is_some_and(|text| text.contains("12 jobs match")));
    assert_eq!(people.seen(|script| script.cancels_asked.len()), 1, "they were only counted");
}

#[test]
fn nothing_that_matches_is_no_failure() {
    let nothing = || {
        Scripted::start(Script { cancels: [v1::CancelJobsResponse::default()].into(), ..Script::default() })
    };

    let text = run(&nothing(), &["--task", "t"]);
    let json = run(&nothing(), &["--task", "t", "-o", "json"]);

    assert_eq!((text.code, text.stdout.as_str()), (0, "no unfinished jobs match\n"));
    assert_eq!((json.code, &json.json()["matched"]), (0, &0.into()));
}

#[test]
fn a_failure_half_way_tells_what_was_cancelled_before() {
    let count = v1::CancelJobsResponse { queued: 2_000, ..v1::CancelJobsResponse::default() };
    let page = v1::CancelJobsResponse {
        cancelled: 1_000,
        next_cursor: "more".to_owned(),
        ..v1::CancelJobsResponse::default()
    };
    let server = Scripted::start(Script { cancels: [count, page].into(), ..Script::default() });

    let answer = run(&server, &["--all", "-y", "-o", "json"]);

    let error = answer.json()["error"].clone();
    assert_eq!((answer.code, &error["cancelled"]), (1, &1_000.into()), "{error}");
    assert!(
        error["message"].as_str().is_some_and(|text| text.contains("1,000 jobs were cancelled before")),
        "{error}"
    );
}

#[test]
fn one_job_is_told_to_stop_with_the_grace_that_was_asked_for() {
    let cancelled = v1::CancelJobResponse {
        id: "x".to_owned(),
        state: "running".to_owned(),
        changed: true,
        host_reached: true,
    };
    let server = Scripted::start(Script { cancelled, ..Script::default() });

    let soft = run(&server, &["012345", "--grace", "1500ms"]);
    let hard = run(&server, &["012345", "-o", "json"]);

    assert_eq!(soft.stdout, "job x was told to stop; it may go on for 1s 500ms\n");
    assert_eq!(hard.json()["host_reached"], true);
    let graces =
        server.seen(|script| script.cancel_asked.iter().map(|request| request.grace_ms).collect::<Vec<_>>());
    assert_eq!(graces, [1_500, 0]);
}
