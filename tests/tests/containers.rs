//! The files that containers are made from, checked without a container engine.

use std::path::Path;
use std::process::Command;

fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

#[test]
fn the_compose_file_is_well_formed_and_starts_the_whole_system() {
    let output = Command::new("docker-compose")
        .args(["-f", "docker-compose.yml", "config", "--services"])
        .current_dir(root())
        .output()
        .expect("docker-compose is there after `scripts/setup compose`");

    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let mut services: Vec<_> = std::str::from_utf8(&output.stdout).expect("text").lines().collect();
    services.sort_unstable();
    assert_eq!(services, ["host-1", "host-2", "migrate", "postgres", "redis", "scheduler-1", "scheduler-2"]);
}

#[test]
fn every_command_of_the_compose_file_is_one_that_jobctl_has() {
    let output = Command::new("docker-compose")
        .args(["-f", "docker-compose.yml", "config"])
        .current_dir(root())
        .output()
        .expect("docker-compose is there after `scripts/setup compose`");
    let config: serde_json::Value = yaml(&output.stdout);

    for (name, service) in config["services"].as_object().expect("services") {
        if service["image"] != "jobctl:latest" {
            continue;
        }
        let command = service["command"].as_array().expect("a list");
        let help = Command::new(stories::jobctl_path())
            .args(command.iter().map(|word| word.as_str().expect("text")))
            .arg("--help")
            .output()
            .expect("jobctl");
        assert!(help.status.success(), "{name}: {}", String::from_utf8_lossy(&help.stderr));
    }
}

/// The compose file as JSON, read by the Python that docker-compose itself stands on.
fn yaml(text: &[u8]) -> serde_json::Value {
    use std::io::Write;
    let mut python = Command::new("/usr/bin/python3")
        .args(["-c", "import json, sys, yaml; json.dump(yaml.safe_load(sys.stdin), sys.stdout)"])
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .expect("python3");
    python.stdin.take().expect("piped").write_all(text).expect("written");
    let output = python.wait_with_output().expect("python3 ends");
    serde_json::from_slice(&output.stdout).expect("JSON")
}

#[test]
fn the_image_is_described_as_its_linter_wants_it() {
    let output = Command::new(root().join(".tools/peers/bin/hadolint"))
        .arg("Dockerfile")
        .current_dir(root())
        .output()
        .expect("hadolint is there after `scripts/setup peers`");

    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}
