use std::time::Duration;

use serde_json::{Value, json};
use task_sdk::testing::{Host, Played};
use task_sdk::{Kind, TaskError, http};

use super::{BODY_BYTES_MAX, beginning, call_webhook, place};

/// A host of the usual grants, whose network answers `answer` to everybody.
fn host(answer: Result<http::Response, http::Error>) -> Host {
    Host::new().secret("WEBHOOK_TOKEN").http(move |_| answer.clone())
}

fn play(answer: Result<http::Response, http::Error>, payload: Value) -> Played<Result<Value, TaskError>> {
    host(answer).run::<call_webhook>(payload)
}

fn call() -> Value {
    json!({"url": "https://hooks.example.com/T0/s3cr3t?key=s3cr3t", "body": {"order": 7}})
}

fn failure(answer: Result<http::Response, http::Error>) -> TaskError {
    play(answer, call()).result.expect_err("it fails")
}

fn with_header(status: u16, name: &str, value: &str) -> http::Response {
    let mut response = http::Response::new(status, "");
    response.headers.push((name.to_owned(), value.to_owned()));
    response
}

#[test]
fn a_body_is_posted_as_json_with_the_secret() {
    let played = play(Ok(http::Response::new(201, "made")), call());

    assert_eq!(played.result, Ok(json!({"status": 201, "body": "made", "truncated": false})));
    let [request] = played.recording.requests.as_slice() else { panic!("one request") };
    assert_eq!((request.method(), request.url()), ("POST", "https://hooks.example.com/T0/s3cr3t?key=s3cr3t"));
    assert_eq!(request.body_bytes(), br#"{"order":7}"#);
    assert_eq!(request.header_value("content-type").as_deref(), Some("application/json"));
    assert_eq!(request.header_value("authorization").as_deref(), Some("Bearer [WEBHOOK_TOKEN]"));
    assert_eq!(played.recording.progress.last(), Some(&(100, "taken".to_owned())));
}

#[test]
fn what_was_said_goes_before_what_is_usual() {
    let mut call = call();
    call["method"] = json!("PUT");
    call["headers"] = json!({"Content-Type": "application/cloudevents+json", "x-source": "jobs"});
    let host = host(Ok(http::Response::new(204, ""))).config("SECRET", "PARTNER").secret("PARTNER");

    let played = host.run::<call_webhook>(call);

    let request = &played.recording.requests[0];
    assert_eq!(request.method(), "PUT");
    assert_eq!(request.header_value("content-type").as_deref(), Some("application/cloudevents+json"));
    assert_eq!(request.header_value("x-source").as_deref(), Some("jobs"));
    assert_eq!(request.header_value("authorization").as_deref(), Some("Bearer [PARTNER]"));
}

#[test]
fn a_call_that_cannot_be_is_not_made() {
    let mut own_token = call();
    own_token["headers"] = json!({"AUTHORIZATION": "Basic x"});
    let mut get = call();
    get["method"] = json!("GET");

    for payload in [own_token, get, json!({"url": "https://hooks.example.com/"})] {
        let played = play(Ok(http::Response::new(200, "")), payload);
        assert_eq!(played.result.expect_err("it cannot be").kind(), Kind::Permanent);
        assert!(played.recording.requests.is_empty());
    }
}

#[test]
fn without_the_secret_nothing_is_sent() {
    let host = Host::new().secret("OTHER").http(|_| Ok(http::Response::new(200, "")));

    let played = host.run::<call_webhook>(call());

    let error = played.result.expect_err("not granted");
    assert!(error.message().contains("WEBHOOK_TOKEN"), "{error}");
    assert!(played.recording.requests.is_empty());
}

#[test]
fn only_what_may_pass_is_tried_again() {
    for status in [408, 425, 429, 500, 503] {
        assert_eq!(failure(Ok(http::Response::new(status, ""))).kind(), Kind::Retryable, "{status}");
    }
    for status in [302, 304, 400, 401, 404, 410] {
        let error = failure(Ok(http::Response::new(status, "")));
        assert_eq!(error.kind(), Kind::Permanent, "{status}");
        assert!(error.message().contains(&status.to_string()), "{error}");
    }
    let why = || "because".to_owned();
    assert_eq!(failure(Err(http::Error::Failed(why()))).kind(), Kind::Retryable);
    assert_eq!(failure(Err(http::Error::Denied(why()))).kind(), Kind::Permanent);
    assert_eq!(failure(Err(http::Error::Invalid(why()))).kind(), Kind::Permanent);
}

#[test]
fn a_busy_server_says_when_to_come_back_and_a_moved_one_where_it_is() {
    let busy = failure(Ok(with_header(503, "retry-after", "120")));
    let moved = failure(Ok(with_header(307, "location", "https://evil.example.com/")));

    assert_eq!(busy.kind(), Kind::RetryAfter(Duration::from_secs(120)));
    assert!(moved.message().contains("https://evil.example.com/"), "{moved}");
}

#[test]
fn the_log_names_the_host_and_not_the_path() {
    let played = play(Err(http::Error::Failed("no connection".to_owned())), call());

    let lines: Vec<_> = played.recording.logs.iter().map(|(_, text)| text.as_str()).collect();
    let text = lines.join("\n");
    assert!(text.contains("hooks.example.com") && text.contains("no connection"), "{text}");
    assert!(!text.contains("s3cr3t"), "{text}");
    for (url, expected) in [
        ("http://a:1?x", "a:1"),
        ("https://user:s3cr3t@b/c", "b"),
        ("https://b\\@c", "b"),
        ("nonsense", "nonsense"),
        ("", ""),
    ] {
        assert_eq!(place(url), expected, "{url}");
    }
}

#[test]
fn a_long_answer_is_cut_between_two_characters() {
    let long = format!("a{}", "é".repeat(BODY_BYTES_MAX));

    let (text, truncated) = beginning(long);

    assert_eq!((text.len(), truncated), (BODY_BYTES_MAX - 1, true));
    assert_eq!(beginning("short".to_owned()), ("short".to_owned(), false));
}
