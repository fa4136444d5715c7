//! A task reaches the world by HTTP: where it was granted, with secrets that it never sees.

use std::net::TcpListener;
use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};
use stories::{Footing, Jobctl, Receiver, Setup, System, TlsReceiver, component};

/// Nothing else may look like it.
const TOKEN: &str = "tok-5d0c6b7e1f";

/// A system on `footing` whose hosts know the secrets, and have `environment` besides.
fn system(footing: Footing, environment: &[(&'static str, String)]) -> System {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("secrets.toml");
    std::fs::write(&file, format!("WEBHOOK_TOKEN = \"{TOKEN}\"\nPARTNER = \"of the partner\"\n"))
        .expect("written");
    let mut environment = environment.to_vec();
    environment.push(("JOBCTL_SECRETS_FILE", file.display().to_string()));
    // The file is read when a host starts, and is gone afterwards.
    System::start(&Setup { environment, ..Setup::on(footing) })
}

fn publish(jobctl: &Jobctl, place: &str) {
    jobctl.publish(&component("call_webhook"), &["--allow-http", place, "--secret", "WEBHOOK_TOKEN"]);
}

/// The payload of a call of `url`.
fn call(url: &str) -> String {
    json!({"url": url, "body": {"order": 7}}).to_string()
}

/// Its one attempt failed for good; why.
fn failed_for_good(jobctl: &Jobctl, id: &str) -> String {
    let job = jobctl.job_in(id, "failed");
    assert_eq!(job["attempts"].as_array().map(Vec::len), Some(1), "{job}");
    message(&job)
}

/// Its first attempt failed, and it will be tried again; why the first did.
fn to_be_tried_again(jobctl: &Jobctl, id: &str) -> String {
    message(&jobctl.job_in(id, "scheduled"))
}

fn message(job: &Value) -> String {
    let error = &job["attempts"][0]["error"];
    assert_eq!(error["kind"], "task", "{job}");
    error["message"].as_str().unwrap_or_else(|| panic!("{job}")).to_owned()
}

/// Which files of `folder`, however deep, hold `text`.
fn holding(folder: &Path, text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for entry in folder.read_dir().expect("it can be read") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            found.extend(holding(&path, text));
        } else if let Ok(bytes) = std::fs::read(&path)
            && bytes.windows(text.len()).any(|window| window == text.as_bytes())
        {
            found.push(path.display().to_string());
        }
    }
    found
}

#[test]
fn a_secret_reaches_the_server_and_stands_nowhere_else_embedded() {
    a_secret_reaches_the_server_and_stands_nowhere_else(Footing::Embedded);
}

#[test]
fn a_secret_reaches_the_server_and_stands_nowhere_else_distributed() {
    a_secret_reaches_the_server_and_stands_nowhere_else(Footing::Distributed { schedulers: 1, hosts: 1 });
}

fn a_secret_reaches_the_server_and_stands_nowhere_else(footing: Footing) {
    let receiver = Receiver::saying(&["200 OK\r\n\r\nthanks"]);
    let system = system(footing, &[("JOBCTL_LOG", "trace".to_owned())]);
    let jobctl = system.jobctl();
    publish(&jobctl, &receiver.place());
    // What a careless program would round or write anew.
    let body = r#"{"units":  12345678901234567890123.10, "text": "\u00e9"}"#;
    let url = receiver.url("/orders?from=jobs");
    let payload =
        format!(r#"{{"url": "{url}", "method": "PUT", "headers": {{"X-Source": "jobs"}}, "body": {body}}}"#);

    let id = jobctl.enqueue("call_webhook", &payload, &[]);
    let job = jobctl.job_in(&id, "succeeded");

    assert_eq!(job["result"], json!({"status": 200, "body": "thanks", "truncated": false}));
    let received = receiver.received();
    let [request] = received.as_slice() else { panic!("{received:?}") };
    assert_eq!(request.line, "PUT /orders?from=jobs HTTP/1.1");
    assert_eq!(request.header("authorization"), Some(format!("Bearer {TOKEN}").as_str()));
    assert_eq!(request.header("content-type"), Some("application/json"));
    assert_eq!(request.header("x-source"), Some("jobs"));
    assert_eq!(request.body, body);
    let logged = jobctl.log_texts(&id).join("\n");
    assert!(logged.contains(&receiver.place()), "{logged}");
    assert!(!logged.contains(TOKEN) && !job.to_string().contains(TOKEN), "{logged}\n{job}");
    // Logs in all detail; on the embedded footing the database too.
    assert_ne!(holding(system.folder(), &id), Vec::<String>::new());
    assert_eq!(holding(system.folder(), TOKEN), Vec::<String>::new());
}

#[test]
fn a_busy_server_is_called_again_when_it_said_by_the_same_key() {
    let receiver = Receiver::saying(&["503 Busy\r\nRetry-After: 3\r\n\r\nlater", "202 Accepted\r\n\r\n"]);
    let system = system(Footing::Embedded, &[]);
    let jobctl = system.jobctl();
    publish(&jobctl, &receiver.place());

    let id = jobctl.enqueue("call_webhook", &call(&receiver.url("/")), &[]);
    let job = jobctl.job_in(&id, "succeeded");

    assert_eq!(job["result"]["status"], 202, "{job}");
    assert_eq!(message(&job), "status 503: later");
    let received = receiver.received();
    let [first, second] = received.as_slice() else { panic!("{received:?}") };
    let key = first.header("idempotency-key").expect("a key");
    assert!(key.contains(&id), "{key}");
    assert_eq!(second.header("idempotency-key"), Some(key));
    // The usual wait before a second attempt is a second at the most.
    assert!(second.at - first.at > Duration::from_secs(2), "{:?}", second.at - first.at);
}

#[test]
fn another_place_than_the_granted_one_fails_the_job_for_good_and_sees_nothing() {
    let [granted, other] = [(); 2].map(|()| Receiver::saying(&["200 OK\r\n\r\n"]));
    let system = system(Footing::Embedded, &[]);
    let jobctl = system.jobctl();
    publish(&jobctl, &granted.place());
    let places = [other.place(), format!("localhost:{}", granted.port()), "example.com:443".to_owned()];

    for place in places {
        let id = jobctl.enqueue("call_webhook", &call(&format!("http://{place}/")), &[]);
        let why = failed_for_good(&jobctl, &id);
        assert!(why.contains(&format!("{place} was not granted")), "{why}");
    }

    assert!(granted.received().is_empty() && other.received().is_empty());
}

#[test]
fn a_wildcard_opens_this_machine_only_where_the_operator_does() {
    let receiver = Receiver::saying(&["200 OK\r\n\r\n"]);
    let closed = system(Footing::Embedded, &[]);
    let open = system(Footing::Embedded, &[("JOBCTL_ALLOW_NETWORKS", "10.0.0.0/8,127.0.0.0/8".to_owned())]);
    // It covers 127.0.0.1, which needs no name server.
    let place = format!("*.0.0.1:{}", receiver.port());
    publish(&closed.jobctl(), &place);
    publish(&open.jobctl(), &place);

    let id = closed.jobctl().enqueue("call_webhook", &call(&receiver.url("/")), &[]);
    let why = failed_for_good(&closed.jobctl(), &id);
    let before = receiver.received().len();
    let called = open.jobctl().json(&["enqueue", "call_webhook", &call(&receiver.url("/")), "--wait"]);

    assert!(why.contains("127.0.0.1 is an address of the host's own machine"), "{why}");
    assert!(why.contains("names the address itself") && why.contains("--allow-network"), "{why}");
    assert_eq!(called["state"], "succeeded", "{called}");
    assert_eq!((before, receiver.received().len()), (0, 1));
}

#[test]
fn a_redirect_is_told_and_not_followed() {
    let target = Receiver::saying(&["200 OK\r\n\r\n"]);
    let moved = format!("307 Moved\r\nLocation: {}\r\n\r\n", target.url("/new"));
    let receiver = Receiver::saying(&[&moved]);
    let system = system(Footing::Embedded, &[]);
    let jobctl = system.jobctl();
    let places = ["--allow-http", &receiver.place(), "--allow-http", &target.place()];
    jobctl.publish(&component("call_webhook"), &[&places[..], &["--secret", "WEBHOOK_TOKEN"]].concat());

    let id = jobctl.enqueue("call_webhook", &call(&receiver.url("/old")), &[]);

    let why = failed_for_good(&jobctl, &id);
    assert!(why.contains("307") && why.contains(&target.url("/new")), "{why}");
    assert_eq!((receiver.received().len(), target.received().len()), (1, 0));
}

#[test]
fn what_was_configured_at_publish_reaches_the_task() {
    let receiver = Receiver::saying(&["200 OK\r\n\r\n"]);
    let system = system(Footing::Embedded, &[]);
    let jobctl = system.jobctl();
    let place = receiver.place();
    let flags = |secret| ["--allow-http", &place, "--env", "SECRET=PARTNER", "--secret", secret];

    jobctl.publish(&component("call_webhook"), &flags("PARTNER"));
    let granted = jobctl.json(&["enqueue", "call_webhook", &call(&receiver.url("/")), "--wait"]);
    jobctl.publish(&component("call_webhook"), &flags("WEBHOOK_TOKEN"));
    let not_granted = jobctl.enqueue("call_webhook", &call(&receiver.url("/")), &["--max-attempts", "1"]);

    assert_eq!(granted["state"], "succeeded", "{granted}");
    let why = message(&jobctl.job_in(&not_granted, "failed"));
    assert!(why.contains("\"PARTNER\" was not granted"), "{why}");
    let received = receiver.received();
    let [request] = received.as_slice() else { panic!("{received:?}") };
    assert_eq!(request.header("authorization"), Some("Bearer of the partner"));
}

#[test]
fn a_task_that_asks_for_secrets_is_refused_without_and_told_when_its_host_has_none() {
    let free = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let place = free.local_addr().expect("it has one").to_string();
    let system = System::on(Footing::Embedded);
    let jobctl = system.jobctl();
    let component = component("call_webhook");
    let publish = ["task", "publish", component.to_str().expect("a plain path"), "--allow-http", &place];

    let refusal = jobctl.refusal(6, &publish);
    jobctl.publish(&component, &["--allow-http", &place, "--secret", "NOSUCH", "--env", "SECRET=NOSUCH"]);
    let id = jobctl.enqueue("call_webhook", &call(&format!("http://{place}/")), &[]);

    let told = refusal.to_string();
    assert!(told.contains("jobs:task/secrets") && told.contains("--secret"), "{told}");
    let why = to_be_tried_again(&jobctl, &id);
    assert!(why.contains("this host knows no secret \"NOSUCH\""), "{why}");
}

#[test]
fn a_server_that_is_away_is_called_again() {
    let free = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let place = free.local_addr().expect("it has one").to_string();
    drop(free);
    let system = system(Footing::Embedded, &[]);
    let jobctl = system.jobctl();
    publish(&jobctl, &place);

    let id = jobctl.enqueue("call_webhook", &call(&format!("http://{place}/")), &[]);

    let why = to_be_tried_again(&jobctl, &id);
    assert!(why.contains("no connection"), "{why}");
}

#[test]
fn https_is_spoken_with_whom_the_host_trusts() {
    let receiver = TlsReceiver::start();
    let authority = ("SSL_CERT_FILE", receiver.authority().display().to_string());
    let system = system(Footing::Embedded, &[authority]);
    let jobctl = system.jobctl();
    publish(&jobctl, &receiver.place());

    let job = jobctl.json(&["enqueue", "call_webhook", &call(&receiver.url("/tls")), "--wait"]);

    assert_eq!(job["result"], json!({"status": 200, "body": "{\"order\":7}", "truncated": false}));
    let received = receiver.received();
    let [request] = received.as_slice() else { panic!("{received:?}") };
    assert_eq!(request["path"], "/tls");
    assert_eq!(request["headers"]["authorization"], format!("Bearer {TOKEN}"));
}

#[test]
fn https_is_not_spoken_with_whom_the_host_does_not_trust() {
    let receiver = TlsReceiver::start();
    let system = system(Footing::Embedded, &[]);
    let jobctl = system.jobctl();
    publish(&jobctl, &receiver.place());

    let id = jobctl.enqueue("call_webhook", &call(&receiver.url("/tls")), &[]);

    let why = to_be_tried_again(&jobctl, &id);
    assert!(why.contains("certificate"), "{why}");
    assert_eq!(receiver.received(), Vec::<Value>::new());
}
