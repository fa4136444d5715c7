//! `jobctl dev`: its ports file and the lock of its folder.

use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use testkit::eventually::eventually_blocking;

use crate::runner::Runner;

/// A running `jobctl dev`; killed when dropped.
struct Dev {
    child: Child,
    ports: PathBuf,
}

impl Drop for Dev {
    fn drop(&mut self) {
        // It may have ended by itself; then there is nothing to kill.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Dev {
    fn start(runner: &Runner) -> Self {
        let ports = runner.folder().join("ports.json");
        let log = std::fs::File::create(runner.folder().join("dev.log")).expect("a log");
        let child = runner
            .command(&["dev", "--port", "0", "--data-dir", "data", "--ports-file", "ports.json"])
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .expect("jobctl can be started");
        Self { child, ports }
    }

    /// The ports file, once it is there.
    fn ready(&mut self) -> Value {
        let text = eventually_blocking("the ports file", || {
            let ended = self.child.try_wait().expect("it is ours");
            assert!(ended.is_none(), "it ended: {}", log(self.ports.parent().expect("a folder")));
            std::fs::read_to_string(&self.ports).ok()
        });
        serde_json::from_str(&text).expect("it is written whole")
    }

    /// Asks it to end, and returns its exit code.
    fn terminate(&mut self) -> Option<i32> {
        let pid = Pid::from_child(&self.child);
        kill_process(pid, Signal::TERM).expect("it runs");
        self.child.wait().expect("it is ours").code()
    }
}

fn log(folder: &Path) -> String {
    std::fs::read_to_string(folder.join("dev.log")).unwrap_or_default()
}

#[test]
fn dev_is_ready_when_its_ports_file_is_there_and_ends_in_order() {
    let runner = Runner::new();
    let mut dev = Dev::start(&runner);

    let ports = dev.ready();
    let api = ports["api"].as_str().expect("a URL").to_owned();
    let status = runner.run(&["status", "--server", &api, "-o", "json"]);
    let text = runner.run(&["status", "--server", &api]);
    let code = dev.terminate();

    assert_eq!(ports["pid"], dev.child.id());
    assert_eq!(ports["dashboard"], ports["api"]);
    assert!(status.json()["leader"]["term"].is_u64(), "{status:?}");
    assert_eq!(status.json()["hosts"][0]["id"], "dev");
    assert!(text.stdout.starts_with("leader  "), "{text:?}");
    assert_eq!(code, Some(0), "{}", log(runner.folder()));
    assert!(!dev.ports.exists());
    assert!(log(runner.folder()).contains("is ready"), "{}", log(runner.folder()));
}

#[test]
fn a_folder_in_use_is_refused_naming_who_uses_it() {
    let runner = Runner::new();
    let mut dev = Dev::start(&runner);
    let ports = dev.ready();

    let second = runner.run(&["dev", "--port", "0", "--data-dir", "data", "-o", "json"]);
    let first_goes_on = runner.run(&["status", "--server", ports["api"].as_str().expect("a URL")]);

    let message = second.json()["error"]["message"].as_str().expect("text").to_owned();
    assert_eq!(second.code, 9, "{second:?}");
    assert!(message.contains(&dev.child.id().to_string()), "{message}");
    assert_eq!(first_goes_on.code, 0);
}

#[test]
fn a_folder_is_free_again_after_a_crash() {
    let runner = Runner::new();
    let mut first = Dev::start(&runner);
    first.ready();

    first.child.kill().expect("it runs");
    first.child.wait().expect("it is ours");
    let mut second = Dev::start(&runner);
    let ports = eventually_blocking("the second process", || {
        let ports = second.ready();
        (ports["pid"] == second.child.id()).then_some(ports)
    });

    assert!(ports["api"].is_string());
}
