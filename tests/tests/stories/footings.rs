//! The same story on every footing: publish, enqueue, result.

use serde_json::{Value, json};
use stories::{Footing, Jobctl, Setup, SmtpServer, System, component};

/// What the mission asks for.
const EMAIL: &str = r#"{"email": "ana@example.com", "message": "The Q3 figures are ready."}"#;
const REPORT: &str = r#"{"report_type": "vendas_Q3", "filters": {}}"#;

#[test]
fn a_job_runs_end_to_end_embedded() {
    let system = System::on(Footing::Embedded);

    publish_both(&system.jobctl());

    assert_the_mission_is_done(&system.jobctl());
}

#[test]
fn a_job_runs_end_to_end_over_postgres_and_redis() {
    let smtp = SmtpServer::start();
    let system = distributed(&smtp, 1);

    publish_both(&system.jobctl());

    assert_the_mission_is_done(&system.jobctl());
    assert_eq!(smtp.letters().len(), 1);
}

#[test]
fn either_of_two_schedulers_answers_for_both_and_two_hosts_share_the_work() {
    let smtp = SmtpServer::start();
    let system = distributed(&smtp, 2);

    publish_both(&system.jobctl_at(0));

    for scheduler in 0..2 {
        assert_the_mission_is_done(&system.jobctl_at(scheduler));
    }
    let [one, other] = [0, 1].map(|scheduler| jobs(&system.jobctl_at(scheduler)));
    assert_eq!(one, other);
    assert_eq!(one.len(), 4);
    let status = system.jobctl().json(&["status"]);
    assert_eq!(status["schedulers"].as_array().map(Vec::len), Some(2), "{status}");
    assert_eq!(status["hosts"].as_array().map(Vec::len), Some(2), "{status}");
    assert!(status["leader"]["term"].as_i64().is_some_and(|term| term > 0), "{status}");
}

#[test]
fn after_a_restart_of_everything_all_is_there_and_works() {
    let smtp = SmtpServer::start();
    for mut system in [System::on(Footing::Embedded), distributed(&smtp, 2)] {
        publish_both(&system.jobctl());
        let before = assert_the_mission_is_done(&system.jobctl());

        system.restart();

        let jobctl = system.jobctl();
        for job in &before {
            let id = job["id"].as_str().expect("an id");
            assert_eq!(&jobctl.job(id), job);
            assert!(!jobctl.log_texts(id).is_empty());
        }
        assert_the_mission_is_done(&jobctl);
    }
}

fn distributed(smtp: &SmtpServer, replicas: usize) -> System {
    let footing = Footing::Distributed { schedulers: replicas, hosts: replicas };
    System::start(&Setup { relay: Some(smtp.url()), ..Setup::on(footing) })
}

fn publish_both(jobctl: &Jobctl) {
    let mail = jobctl.publish(&component("send_email"), &["--allow-mail"]);
    let report = jobctl.publish(&component("generate_report"), &[]);

    for (published, task) in [(&mail, "send_email"), (&report, "generate_report")] {
        assert_eq!(published["task"], task, "{published}");
        assert_eq!(
            (&published["version"], &published["unchanged"]),
            (&json!(1), &json!(false)),
            "{published}"
        );
        assert_eq!(published["sha256"].as_str().map(str::len), Some(64), "{published}");
    }
    assert_eq!(mail["grants"]["mail"], true, "{mail}");
}

/// Enqueues both examples and waits; the jobs are returned as they are shown afterwards.
fn assert_the_mission_is_done(jobctl: &Jobctl) -> [Value; 2] {
    let mail = jobctl.json(&["enqueue", "send_email", EMAIL, "--wait"]);
    let report = jobctl.json(&["enqueue", "generate_report", REPORT, "--wait"]);

    for job in [&mail, &report] {
        assert_told_in_full(jobctl, job);
    }
    assert!(mail["result"]["message_id"].as_str().is_some_and(|id| id.contains('@')), "{mail}");
    assert_eq!(report["progress"]["percent"], 100, "{report}");
    let files: Vec<_> = report["files"].as_array().into_iter().flatten().map(|file| &file["name"]).collect();
    assert!(files.contains(&&json!("report.html")) && files.contains(&&json!("report.csv")), "{report}");
    [mail, report].map(|job| jobctl.job(job["id"].as_str().expect("an id")))
}

/// Each field that the contract names has its value, and the attempt says what it used.
fn assert_told_in_full(jobctl: &Jobctl, job: &Value) {
    let id = job["id"].as_str().expect("an id");
    assert_eq!(job["state"], "succeeded", "{job}");
    assert_eq!((&job["version"], &job["queue"], &job["priority"]), (&json!(1), &json!("default"), &json!(5)));
    assert_eq!(job["attempt"], 1, "{job}");
    for instant in ["created_at", "run_at", "started_at", "finished_at"] {
        assert!(job[instant].as_str().is_some_and(|text| text.ends_with('Z')), "{instant}: {job}");
    }
    let [attempt] = job["attempts"].as_array().expect("a list").as_slice() else { panic!("{job}") };
    assert_eq!((&attempt["number"], &attempt["outcome"]), (&json!(1), &json!("succeeded")), "{job}");
    assert!(attempt["host"].as_str().is_some_and(|host| !host.is_empty()), "{job}");
    assert!(attempt["fuel"].as_u64().is_some_and(|fuel| fuel > 10_000), "{job}");
    assert!(attempt["peak_memory_bytes"].as_u64().is_some_and(|bytes| bytes >= 65_536), "{job}");
    assert!(attempt["duration_ms"].as_f64().is_some_and(|ms| ms > 0.0), "{job}");
    assert_eq!((&attempt["error"], &attempt["stop"]), (&Value::Null, &Value::Null), "{job}");
    assert!(!jobctl.log_texts(id).is_empty(), "it logged nothing");

    let result = jobctl.run(&["job", "result", id]);
    assert_eq!(result.code, 0, "{result:?}");
    assert_eq!(result.json(), job["result"]);
}

fn jobs(jobctl: &Jobctl) -> Vec<Value> {
    jobctl.list(&["job", "list"])
}
