//! Code is stored once and compiled once for each host.

use serde_json::Value;
use stories::{Footing, Setup, System, guest};

#[test]
fn jobs_of_one_component_compile_it_once_for_each_host() {
    let setup = Setup { slots: 1, ..Setup::on(Footing::Distributed { schedulers: 1, hosts: 2 }) };
    let system = System::start(&setup);
    let jobctl = system.jobctl();
    jobctl.publish(&guest(system.folder()), &[]);

    // More at once than one host has room for, twice.
    let mut hosts = std::collections::BTreeSet::new();
    for _ in 0..2 {
        let ids: Vec<_> = (0..4).map(|_| jobctl.enqueue("nap", "300", &[])).collect();
        for id in ids {
            let job = jobctl.job_in(&id, "succeeded");
            hosts.insert(job["attempts"][0]["host"].to_string());
        }
    }

    assert_eq!(hosts.len(), 2, "both hosts had work");
    assert_eq!(system.components_compiled(), [1, 1]);
}

#[test]
fn the_same_bytes_are_the_same_version() {
    let system = System::on(Footing::Embedded);
    let jobctl = system.jobctl();
    let file = guest(system.folder());

    let first = jobctl.publish(&file, &[]);
    let again = jobctl.publish(&file, &[]);
    let faster = jobctl.publish(&file, &["--timeout", "1m"]);

    let all = |published: &Value, field: &str| -> Vec<Value> {
        published.as_array().expect("five tasks").iter().map(|task| task[field].clone()).collect()
    };
    assert_eq!(all(&first, "task"), ["echo", "spin", "nap", "shout", "second_try"]);
    assert_eq!(all(&first, "unchanged"), [false; 5]);
    assert_eq!(all(&again, "unchanged"), [true; 5]);
    assert_eq!(all(&again, "version"), [1; 5]);
    assert_eq!(all(&again, "compile_ms"), [0; 5]);
    assert_eq!(all(&again, "sha256"), all(&first, "sha256"));
    assert_eq!(all(&faster, "unchanged"), [false; 5]);
    assert_eq!(all(&faster, "version"), [2; 5]);
    let versions = jobctl.list(&["task", "versions", "echo"]);
    assert_eq!(versions.len(), 2, "{versions:?}");
}

#[test]
fn a_job_stays_with_the_version_it_was_made_for() {
    let system = System::on(Footing::Embedded);
    let jobctl = system.jobctl();
    let file = guest(system.folder());
    let first = jobctl.publish(&file, &[]);
    let waiting = jobctl.enqueue("echo", "1", &["--delay", "2s"]);
    jobctl.publish(&file, &["--timeout", "1m"]);
    jobctl.publish(&file, &["--timeout", "2m", "--no-promote"]);

    let version = |task: &str| jobctl.json(&["enqueue", task, "2", "--wait"])["version"].clone();

    let sha256 = first[0]["sha256"].as_str().expect("a digest");
    let by_digest = format!("echo@sha256:{}", &sha256[..12]);
    let seen = ["echo", "echo@1", "echo@2", "echo@3", &by_digest].map(version);
    assert_eq!(seen, [2, 1, 2, 3, 3], "the active one; by number; the newest of the digest");
    assert_eq!(jobctl.job_in(&waiting, "succeeded")["version"], 1);
}
