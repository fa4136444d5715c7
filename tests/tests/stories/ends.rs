//! How jobs end when they do not succeed by themselves: cancelled, failed, out of time, tried again.

use serde_json::{Value, json};
use stories::{Footing, System, guest};

fn system() -> System {
    let system = System::on(Footing::Embedded);
    system.jobctl().publish(&guest(system.folder()), &["--fuel", "unlimited"]);
    system
}

#[test]
fn a_running_job_is_cancelled_whether_it_computes_or_waits() {
    let system = system();
    let jobctl = system.jobctl();

    for (task, payload) in [("spin", "{}"), ("nap", "3600000")] {
        let id = jobctl.enqueue(task, payload, &[]);
        let _ = jobctl.job_in(&id, "running");

        let told = jobctl.json(&["job", "cancel", &id]);
        let waited = jobctl.run(&["job", "wait", &id]);

        assert_eq!(told["changed"], true, "{told}");
        assert_eq!(waited.code, 5, "{waited:?}");
        let job = jobctl.job(&id);
        assert_eq!(job["state"], "cancelled", "{job}");
        let [attempt] = job["attempts"].as_array().expect("a list").as_slice() else { panic!("{job}") };
        assert_eq!(
            (&attempt["outcome"], &attempt["stop"]["reason"]),
            (&json!("cancelled"), &json!("cancel"))
        );
        assert!(attempt["stop"]["latency_ms"].as_f64().is_some_and(|ms| ms < 1000.0), "{job}");
        let again = jobctl.json(&["job", "cancel", &id]);
        assert_eq!((&again["state"], &again["changed"]), (&json!("cancelled"), &json!(false)));
    }
}

#[test]
fn a_waiting_job_is_cancelled_at_once_and_never_runs() {
    let system = system();
    let jobctl = system.jobctl();
    let id = jobctl.enqueue("echo", "1", &["--delay", "1h"]);

    let told = jobctl.json(&["job", "cancel", &id]);

    assert_eq!((&told["state"], &told["changed"]), (&json!("cancelled"), &json!(true)));
    let job = jobctl.job(&id);
    assert_eq!((&job["state"], &job["attempts"]), (&json!("cancelled"), &json!([])));
    assert_eq!(jobctl.run(&["job", "result", &id]).code, 5);
}

#[test]
fn a_failed_job_says_so_and_runs_again_when_asked() {
    let system = system();
    let jobctl = system.jobctl();

    let (code, failed) = jobctl.document(&["enqueue", "second_try", r#""not yet""#, "--wait"]);

    assert_eq!(code, 4);
    assert_eq!(failed["state"], "failed", "{failed}");
    assert_eq!(failed["error"], json!({"kind": "task", "message": r#""not yet""#}));
    let id = failed["id"].as_str().expect("an id");
    assert_eq!(jobctl.run(&["job", "wait", id]).code, 4);
    assert_eq!(jobctl.run(&["job", "result", id]).code, 4);

    let retried = jobctl.json(&["job", "retry", id]);

    assert!(
        ["queued", "running", "succeeded"].contains(&retried["state"].as_str().expect("a state")),
        "{retried}"
    );
    let waited = jobctl.json(&["job", "wait", id]);
    assert_eq!((&waited["state"], &waited["result"]), (&json!("succeeded"), &json!("not yet")), "{waited}");
    assert_eq!(waited["error"], Value::Null, "{waited}");
    let outcomes: Vec<_> = waited["attempts"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|attempt| (attempt["number"].clone(), attempt["outcome"].clone()))
        .collect();
    assert_eq!(outcomes, [(json!(1), json!("failed")), (json!(2), json!("succeeded"))]);
    let refusal = jobctl.refusal(9, &["job", "retry", id]);
    assert_eq!(refusal["code"], "conflict", "a job that succeeded stays so");
}

#[test]
fn a_deadline_ends_what_takes_too_long() {
    let system = system();
    let jobctl = system.jobctl();

    for (task, payload) in [("spin", "{}"), ("nap", "3600000")] {
        let enqueue = ["enqueue", task, payload, "--timeout", "300ms", "--max-attempts", "1", "--wait"];
        let (code, job) = jobctl.document(&enqueue);

        assert_eq!(code, 4);
        assert_eq!(job["error"]["kind"], "timeout", "{job}");
        assert_eq!(job["attempts"][0]["stop"]["reason"], "deadline", "{job}");
        assert!(job["attempts"][0]["duration_ms"].as_f64().is_some_and(|ms| ms >= 300.0), "{job}");
    }
}

#[test]
fn a_budget_of_instructions_ends_what_computes_too_much() {
    let system = System::on(Footing::Embedded);
    let jobctl = system.jobctl();
    jobctl.publish(&guest(system.folder()), &["--fuel", "1000000"]);

    let (code, job) = jobctl.document(&["enqueue", "spin", "{}", "--wait"]);

    assert_eq!(code, 4);
    assert_eq!(job["error"]["kind"], "fuel", "{job}");
    // The same budget would end the next attempt too.
    assert_eq!(job["attempts"].as_array().map(Vec::len), Some(1), "{job}");
    assert_eq!(job["attempts"][0]["fuel"], 1_000_000, "{job}");
}

#[test]
fn waiting_ends_in_time_and_the_job_goes_on() {
    let system = system();
    let jobctl = system.jobctl();
    let id = jobctl.enqueue("nap", "4000", &[]);

    let waited = jobctl.run(&["job", "wait", &id, "--timeout", "500ms"]);
    let enqueued = jobctl.run(&["enqueue", "nap", "3000", "--wait", "--wait-timeout", "500ms"]);

    assert_eq!((waited.code, enqueued.code), (8, 8), "{waited:?} {enqueued:?}");
    let _ = jobctl.job_in(&id, "succeeded");
}

#[test]
fn a_job_that_was_not_started_in_time_expires() {
    let system = system();
    let jobctl = system.jobctl();

    let id = jobctl.enqueue("echo", "1", &["--delay", "2s", "--expires-in", "1s"]);

    let job = jobctl.job_in(&id, "failed");
    assert_eq!(job["error"]["kind"], "expired", "{job}");
    assert_eq!(job["attempts"], json!([]), "{job}");
}
