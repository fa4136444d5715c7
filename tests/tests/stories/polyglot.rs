//! The contract is neutral between languages: Python and JavaScript do what Rust does.

use serde_json::{Value, json};
use stories::{Footing, Jobctl, System, component, outcomes};

const TEXT: &str = "O rato roeu a roupa do rei de Roma; a rainha, irada, resolveu: a roupa fica!";

/// A language's example, and what its uncaught error is called.
struct Language {
    task: &'static str,
    uncaught: &'static str,
    /// A word of the place in the source where it was raised, as the log shows it.
    place: &'static str,
}

const PYTHON: Language =
    Language { task: "word_count_py", uncaught: "ZeroDivisionError: asked to raise", place: "in fail" };
const JAVASCRIPT: Language =
    Language { task: "word_count_js", uncaught: "RangeError: asked to throw", place: "fail" };

#[test]
fn a_task_in_python_and_one_in_javascript_work_and_fail_like_any_other() {
    let system = System::on(Footing::Embedded);
    let jobctl = system.jobctl();

    for language in [PYTHON, JAVASCRIPT] {
        let published = jobctl.publish(&component(language.task), &[]);
        assert_eq!((&published["task"], &published["version"]), (&json!(language.task), &json!(1)));

        assert_it_works(&jobctl, language.task);
        assert_its_errors_mean_the_same(&jobctl, language.task);
        assert_an_uncaught_error_can_be_read(&jobctl, &language);
        let refusal = jobctl.refusal(2, &["enqueue", language.task, r#"{"text": 7}"#]);
        assert!(refusal["message"].as_str().is_some_and(|text| text.contains("/text")), "{refusal}");
    }
}

fn assert_it_works(jobctl: &Jobctl, task: &str) {
    let job = jobctl.json(&["enqueue", task, &json!({"text": TEXT}).to_string(), "--wait"]);

    let top = json!([{"word": "a", "count": 3}, {"word": "roupa", "count": 2}, {"word": "de", "count": 1}]);
    assert_eq!(job["result"], json!({"words": 16, "distinct": 13, "top": top}), "{job}");
    assert_eq!(job["progress"], json!({"percent": 100, "message": "counted"}));
    let lines = jobctl.log_texts(job["id"].as_str().expect("an id"));
    assert!(lines.iter().any(|line| line.contains("attempt 1")), "{lines:?}");
}

fn assert_its_errors_mean_the_same(jobctl: &Jobctl, task: &str) {
    let wanted = |fail: Value| {
        let mut payload = json!({"text": "a b"});
        payload.as_object_mut().expect("an object").extend(fail.as_object().expect("an object").clone());
        payload.to_string()
    };

    let permanent = wanted(json!({"fail": "permanent"}));
    let (code, permanent) = jobctl.document(&["enqueue", task, &permanent, "--wait"]);
    assert_eq!((code, &permanent["state"]), (4, &json!("failed")));
    assert_eq!(permanent["error"], json!({"kind": "task", "message": "asked to fail for good"}));
    assert_eq!(outcomes(&permanent), ["failed"]);

    let for_now = wanted(json!({"fail": "retryable", "until_attempt": 3}));
    let retried = jobctl.json(&["enqueue", task, &for_now, "--wait"]);
    assert_eq!(outcomes(&retried), ["failed", "failed", "succeeded"]);
    assert_eq!(retried["attempts"][0]["error"], json!({"kind": "task", "message": "asked to fail for now"}));

    let for_ever = wanted(json!({"fail": "retryable"}));
    let (code, spent) = jobctl.document(&["enqueue", task, &for_ever, "--max-attempts", "2", "--wait"]);
    assert_eq!(code, 4);
    assert_eq!(outcomes(&spent), ["failed", "failed"]);

    let later = wanted(json!({"fail": "retry-after", "wait_ms": 3_600_000}));
    let id = jobctl.enqueue(task, &later, &[]);
    let later = jobctl.job_in(&id, "scheduled");
    assert_eq!(outcomes(&later), ["failed"]);
    let ended = later["attempts"][0]["finished_at"].as_str().expect("an instant");
    let again = later["run_at"].as_str().expect("an instant");
    assert!(seconds(again) - seconds(ended) >= 3_600, "from {ended} to {again}");
    let _ = jobctl.json(&["job", "cancel", &id]);
}

fn assert_an_uncaught_error_can_be_read(jobctl: &Jobctl, language: &Language) {
    let payload = json!({"text": "a b", "fail": "exception"}).to_string();
    let (code, job) = jobctl.document(&["enqueue", language.task, &payload, "--max-attempts", "1", "--wait"]);

    assert_eq!(code, 4);
    let message = job["error"]["message"].as_str().expect("a message");
    assert!(message.starts_with(language.uncaught), "{message}");
    let log = jobctl.log_texts(job["id"].as_str().expect("an id")).join("\n");
    assert!(log.contains(language.uncaught) && log.contains(language.place), "{log}");
}

/// Seconds since 1970 of an RFC 3339 instant, by a program that is not ours.
fn seconds(instant: &str) -> i64 {
    let output = std::process::Command::new("date").args(["+%s", "-d", instant]).output().expect("date");
    let text = String::from_utf8(output.stdout).expect("text");
    text.trim().parse().unwrap_or_else(|e| panic!("{instant:?}: {e}"))
}
