//! What is refused leaves nothing behind, and says what was wrong.

use std::net::TcpListener;
use std::time::{Duration, Instant};

use stories::{Footing, Jobctl, System, component, greedy_guest, guest, module};

#[test]
fn a_job_that_cannot_be_is_refused_and_not_stored() {
    let system = System::on(Footing::Embedded);
    let jobctl = system.jobctl();
    jobctl.publish(&component("generate_report"), &[]);

    let unknown = jobctl.refusal(3, &["enqueue", "nosuch", "{}"]);
    let version = jobctl.refusal(3, &["enqueue", "generate_report@9", "{}"]);
    let not_json = jobctl.refusal(2, &["enqueue", "generate_report", "{not json"]);
    let not_fitting = jobctl.refusal(2, &["enqueue", "generate_report", r#"{"report_type": 3}"#]);
    let nested = r#"{"report_type": "vendas_Q3", "filters": {"region": 7}}"#;
    let nested = jobctl.refusal(2, &["enqueue", "generate_report", nested]);
    let priority = jobctl.refusal(2, &["enqueue", "generate_report", "{}", "--priority", "11"]);

    assert_eq!(unknown["code"], "not_found");
    assert_says(&unknown["message"], "nosuch");
    assert_eq!(version["code"], "not_found");
    assert_eq!(not_json["code"], "invalid");
    assert_says(&not_json["message"], "JSON");
    assert_says(&not_fitting["message"], "/report_type");
    assert_says(&nested["message"], "/filters/region");
    assert_says(&priority["message"], "11");
    assert!(jobctl.list(&["job", "list"]).is_empty());
}

#[test]
fn a_batch_with_one_bad_line_stores_none_of_it() {
    let system = System::on(Footing::Embedded);
    let jobctl = system.jobctl();
    let folder = tempfile::tempdir().expect("a folder");
    jobctl.publish(&component("generate_report"), &[]);
    let batch = folder.path().join("batch.jsonl");
    let lines = "{\"payload\": {\"report_type\": \"vendas_Q3\"}}\n{\"payload\": {\"report_type\": null}}\n";
    std::fs::write(&batch, lines).expect("written");

    let refusal =
        jobctl.refusal(2, &["enqueue", "generate_report", "--batch", batch.to_str().expect("a plain path")]);

    assert_says(&refusal["message"], "/report_type");
    assert!(jobctl.list(&["job", "list"]).is_empty());
}

#[test]
fn a_payload_is_as_large_as_the_limit_at_the_most() {
    let system = System::on(Footing::Embedded);
    let jobctl = system.jobctl();
    jobctl.publish(&guest(system.folder()), &[]);
    let file = system.folder().join("payload.json");
    let argument = format!("@{}", file.display());
    let fitting = format!("\"{}\"", "a".repeat((1 << 20) - 2));

    std::fs::write(&file, &fitting).expect("written");
    let largest = jobctl.json(&["enqueue", "echo", &argument, "--wait"]);
    std::fs::write(&file, format!(" {fitting}")).expect("written");
    let refusal = jobctl.refusal(2, &["enqueue", "echo", &argument]);

    assert_eq!(largest["result"].as_str().map(str::len), Some((1 << 20) - 2));
    assert_says(&refusal["message"], "1048576");
    assert_eq!(jobctl.list(&["job", "list"]).len(), 1);
}

#[test]
fn a_component_that_may_not_be_is_refused_and_not_stored() {
    let system = System::on(Footing::Embedded);
    let jobctl = system.jobctl();
    let folder = tempfile::tempdir().expect("a folder");
    let text = folder.path().join("task.wasm");
    std::fs::write(&text, "this is no WebAssembly\n").expect("written");
    let publish = |code, path: &std::path::Path, flags: &[&str]| {
        let mut arguments = vec!["task", "publish", path.to_str().expect("a plain path")];
        arguments.extend(flags);
        jobctl.refusal(code, &arguments)
    };

    let no_file = publish(2, &folder.path().join("nosuch.wasm"), &[]);
    let text = publish(2, &text, &[]);
    let core = publish(2, &module(folder.path()), &[]);
    let mail = publish(6, &component("send_email"), &[]);
    let http = publish(6, &greedy_guest(folder.path()), &["--allow-mail"]);
    let planned = jobctl.publish(&guest(folder.path()), &["--plan"]);

    assert_says(&no_file["message"], "nosuch.wasm");
    assert_says(&text["message"], "WebAssembly");
    assert_says(&core["message"], "core module");
    assert_eq!(mail["code"], "denied");
    assert_says(&mail["message"], "jobs:task/mail");
    assert_says(&mail["hint"], "--allow-mail");
    assert_says(&http["message"], "jobs:task/http");
    assert_says(&http["hint"], "--allow-http");
    assert_eq!(planned.as_array().map(Vec::len), Some(5), "{planned}");
    assert!(jobctl.list(&["task", "list"]).is_empty());
}

#[test]
fn what_is_not_there_is_not_found() {
    let system = System::on(Footing::Embedded);
    let jobctl = system.jobctl();
    let nobody = "018f0000-0000-7000-8000-000000000000";

    for verb in ["show", "wait", "logs", "result", "cancel", "retry"] {
        let refusal = jobctl.refusal(3, &["job", verb, nobody]);
        assert_eq!(refusal["code"], "not_found", "{verb}");
    }
    for verb in ["show", "versions"] {
        let refusal = jobctl.refusal(3, &["task", verb, "nosuch"]);
        assert_says(&refusal["message"], "nosuch");
    }
}

#[test]
fn a_server_that_is_down_is_told_within_seconds() {
    let free = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = free.local_addr().expect("it has one");
    drop(free);
    let jobctl = Jobctl::at(&format!("http://{address}"));
    let began = Instant::now();

    let refusal = jobctl.refusal(7, &["job", "list"]);
    let people = jobctl.run(&["enqueue", "generate_report", "{}"]);

    assert!(began.elapsed() < Duration::from_secs(10), "two calls took {:?}", began.elapsed());
    assert_eq!(refusal["code"], "unavailable");
    assert_says(&refusal["message"], &address.to_string());
    assert_eq!((people.code, people.stdout.as_str()), (7, ""));
    assert!(people.stderr.starts_with("error: ") && people.stderr.contains("\nhint: "), "{people:?}");
}

#[test]
fn bad_usage_is_told_as_such() {
    let jobctl = Jobctl::at("http://127.0.0.1:9");

    for arguments in [
        vec!["frobnicate"],
        vec!["enqueue"],
        vec!["job", "list", "--state", "happy"],
        vec!["enqueue", "t", "{}", "--delay", "soon"],
        vec!["job", "list", "--server", "nowhere"],
    ] {
        let answer = jobctl.run(&arguments);
        assert_eq!(answer.code, 2, "{arguments:?}: {answer:?}");
        assert_eq!(answer.stdout, "", "{arguments:?}");
        assert!(answer.stderr.contains("error"), "{arguments:?}: {answer:?}");
    }
}

fn assert_says(text: &serde_json::Value, expected: &str) {
    assert!(text.as_str().is_some_and(|text| text.contains(expected)), "{expected:?} is not in {text}");
}
