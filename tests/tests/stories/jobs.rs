//! What people ask about jobs, and how they say what they want.

use serde_json::{Value, json};
use stories::{Footing, Jobctl, Setup, System, guest};

/// An embedded system with the misbehaving guests published.
fn system() -> System {
    let system = System::on(Footing::Embedded);
    system.jobctl().publish(&guest(system.folder()), &[]);
    system
}

fn ids(jobs: &[Value]) -> Vec<&str> {
    jobs.iter().map(|job| job["id"].as_str().expect("an id")).collect()
}

#[test]
fn a_key_makes_one_job_and_refuses_other_content() {
    let system = system();
    let jobctl = system.jobctl();

    let first = jobctl.json(&["enqueue", "echo", "[1]", "--key", "order-7"]);
    let again = jobctl.json(&["enqueue", "echo", "[1]", "--key", "order-7"]);
    let other = jobctl.refusal(9, &["enqueue", "echo", "[2]", "--key", "order-7"]);
    let options = jobctl.refusal(9, &["enqueue", "echo", "[1]", "--key", "order-7", "--priority", "1"]);

    assert_eq!((&first["duplicate"], &again["duplicate"]), (&json!(false), &json!(true)));
    assert_eq!(first["id"], again["id"]);
    assert_eq!((&other["code"], &options["code"]), (&json!("conflict"), &json!("conflict")));
    assert_eq!(jobctl.list(&["job", "list"]).len(), 1);
}

#[test]
fn a_batch_is_answered_in_its_order() {
    let system = system();
    let jobctl = system.jobctl();
    let file = system.folder().join("batch.jsonl");
    let lines = [
        json!({"payload": {"n": 1}}),
        json!({"payload": {"n": 2}, "priority": 1, "tags": {"kind": "big"}, "key": "k"}),
        json!({"payload": {"n": 2}, "priority": 1, "tags": {"kind": "big"}, "key": "k"}),
        json!({"payload": {"n": 3}, "delay": "1h", "queue": "slow"}),
    ];
    std::fs::write(&file, lines.map(|line| format!("{line}\n")).concat()).expect("written");

    let jobs = jobctl.list(&["enqueue", "echo", "--batch", file.to_str().expect("a plain path")]);

    assert_eq!(jobs.len(), 4, "{jobs:?}");
    let payloads: Vec<_> = ids(&jobs).iter().map(|id| jobctl.job(id)["payload"]["n"].clone()).collect();
    assert_eq!(payloads, [1, 2, 2, 3]);
    let duplicates: Vec<_> = jobs.iter().map(|job| job["duplicate"].clone()).collect();
    assert_eq!(duplicates, [false, false, true, false]);
    assert_eq!(jobs[1]["id"], jobs[2]["id"]);
    assert_eq!((&jobs[3]["state"], &jobs[3]["queue"]), (&json!("scheduled"), &json!("slow")));
    assert_eq!(jobctl.job_in(ids(&jobs)[1], "succeeded")["tags"], json!({"kind": "big"}));
}

#[test]
fn a_payload_comes_from_an_argument_a_file_or_standard_input_and_stays_as_it_came() {
    let system = system();
    let jobctl = system.jobctl();
    // What a careless program would round, overflow or reorder.
    let payload = r#"{"z": 1234567890123456789012345678901234567890, "a": 1e400, "s": "\u0000 é"}"#;
    let file = system.folder().join("payload.json");
    std::fs::write(&file, payload).expect("written");
    let from_file = format!("@{}", file.display());

    for (argument, input) in [(payload, ""), (from_file.as_str(), ""), ("-", payload)] {
        let enqueued = jobctl.run_with(&["enqueue", "echo", argument], input);
        let result = jobctl.run(&["job", "wait", enqueued.stdout.trim()]);
        assert_eq!((enqueued.code, result.code), (0, 0), "{enqueued:?} {result:?}");
        assert_eq!(result.stdout.trim_end(), payload);
    }
    let none = jobctl.json(&["enqueue", "echo", "--wait"]);
    assert_eq!(none["payload"], json!({}));
}

#[test]
fn jobs_are_found_by_state_task_queue_tag_and_page() {
    let system = system();
    let jobctl = system.jobctl();
    let red = jobctl.enqueue("echo", "1", &["--tag", "colour=red", "--tag", "size=xl"]);
    let blue = jobctl.enqueue("echo", "2", &["--tag", "colour=blue", "--queue", "other"]);
    let later = jobctl.enqueue("nap", "3", &["--delay", "1h", "--tag", "colour=red"]);
    let loud = jobctl.enqueue("shout", "4", &[]);
    let _ =
        (jobctl.job_in(&red, "succeeded"), jobctl.job_in(&blue, "succeeded"), jobctl.job_in(&loud, "failed"));

    let found = |filters: &[&str]| {
        let jobs = jobctl.list(&[&["job", "list"], filters].concat());
        ids(&jobs).into_iter().map(str::to_owned).collect::<Vec<_>>()
    };

    assert_eq!(found(&[]), [&*loud, &*later, &*blue, &*red]);
    assert_eq!(found(&["--state", "succeeded"]), [&*blue, &*red]);
    assert_eq!(found(&["--state", "failed", "--state", "scheduled"]), [&*loud, &*later]);
    assert_eq!(found(&["--task", "nap"]), [&*later]);
    assert_eq!(found(&["--queue", "other"]), [&*blue]);
    assert_eq!(found(&["--tag", "colour=red"]), [&*later, &*red]);
    assert_eq!(found(&["--tag", "colour=red", "--tag", "size=xl"]), [&*red]);
    assert_eq!(found(&["--since", "1h"]).len(), 4);
    let first = jobctl.json(&["job", "list", "--limit", "3"]);
    let cursor = first["next_cursor"].as_str().unwrap_or_else(|| panic!("{first}"));
    assert_eq!(found(&["--limit", "3", "--cursor", cursor]), [&*red]);
}

#[test]
fn an_id_may_be_given_by_a_prefix_that_is_unique() {
    let system = system();
    let jobctl = system.jobctl();
    let first = jobctl.enqueue("echo", "1", &[]);

    assert_eq!(jobctl.job(&first[..6])["id"], *first);
    let second = jobctl.enqueue("echo", "2", &[]);
    let ambiguous = jobctl.refusal(2, &["job", "show", &first[..6]]);
    let short = jobctl.refusal(2, &["job", "show", &first[..5]]);

    // Ids begin with the time, so that those of one minute differ late.
    assert!(ambiguous["message"].as_str().is_some_and(|text| text.contains(&first[..6])), "{ambiguous}");
    assert!(short["message"].as_str().is_some_and(|text| text.contains('6')), "{short}");
    assert_eq!(jobctl.job(&second[..30])["id"], *second);
}

#[test]
fn a_job_starts_when_it_was_told_to_and_not_before() {
    let system = system();
    let jobctl = system.jobctl();
    let at = later_by("2 seconds");

    let delayed = jobctl.json(&["enqueue", "echo", "1", "--delay", "1500ms"]);
    let at = jobctl.json(&["enqueue", "echo", "2", "--at", &at]);

    for job in [&delayed, &at] {
        assert_eq!(job["state"], "scheduled", "{job}");
        let done = jobctl.job_in(job["id"].as_str().expect("an id"), "succeeded");
        // RFC 3339 in UTC with one precision sorts as text.
        assert!(done["started_at"].as_str() >= done["run_at"].as_str(), "{done}");
    }
    let past = jobctl.json(&["enqueue", "echo", "3", "--at", "2020-01-01T00:00:00+02:00", "--wait"]);
    assert_eq!(past["state"], "succeeded");
}

/// An instant from now, by the clock of a program that is not ours.
fn later_by(words: &str) -> String {
    let output = std::process::Command::new("date").args(["-Iseconds", "-d", words]).output().expect("date");
    String::from_utf8(output.stdout).expect("text").trim().to_owned()
}

#[test]
fn the_urgent_go_first() {
    let setup = Setup { slots: 1, ..Setup::on(Footing::Distributed { schedulers: 1, hosts: 1 }) };
    let system = System::start(&setup);
    let jobctl = system.jobctl();
    jobctl.publish(&guest(system.folder()), &[]);
    let busy = jobctl.enqueue("nap", "3000", &[]);
    let _ = jobctl.job_in(&busy, "running");

    let enqueued: Vec<_> = ["9", "5", "1"]
        .iter()
        .map(|priority| jobctl.enqueue("echo", priority, &["--priority", priority]))
        .collect();

    let ends: Vec<_> =
        enqueued.iter().map(|id| jobctl.job_in(id, "succeeded")["started_at"].to_string()).collect();
    assert!(ends[2] < ends[1] && ends[1] < ends[0], "{ends:?}");
}

#[test]
fn namespaces_do_not_see_each_other() {
    let system = system();
    let jobctl = system.jobctl();
    let id = jobctl.enqueue("echo", "1", &["--key", "k"]);

    let job = jobctl.refusal(3, &["job", "show", &id, "-n", "other"]);
    let task = jobctl.refusal(3, &["enqueue", "echo", "1", "-n", "other"]);
    jobctl.publish(&guest(system.folder()), &["-n", "other"]);
    let other = jobctl.json(&["enqueue", "echo", "2", "--key", "k", "-n", "other", "--wait"]);

    assert_eq!((&job["code"], &task["code"]), (&json!("not_found"), &json!("not_found")));
    assert_eq!(other["result"], 2);
    assert_eq!(jobctl.list(&["job", "list", "-n", "other"]).len(), 1);
    assert_eq!(jobctl.list(&["job", "list"]).len(), 1);
}

#[test]
fn logs_can_be_followed_to_the_end_of_the_job() {
    let system = system();
    let jobctl = system.jobctl();
    let id = jobctl.enqueue("shout", r#""heard""#, &["--delay", "1s"]);

    let followed = jobctl.run(&["job", "logs", &id, "-f", "-o", "jsonl"]);

    assert_eq!(followed.code, 0, "{followed:?}");
    let lines = followed.lines();
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert_eq!((&lines[0]["text"], &lines[0]["level"]), (&json!(r#""heard""#), &json!("info")));
    assert_eq!(lines[0]["attempt"], 1);
    assert_eq!(state(&jobctl, &id), "failed");
}

fn state(jobctl: &Jobctl, id: &str) -> Value {
    jobctl.job(id)["state"].clone()
}
