//! `task check` and `task run`: the same sandbox without any server.

use std::net::TcpListener;
use std::path::{Path, PathBuf};

use guests::Hostile;
use serde_json::json;
use stories::{Answer, Jobctl, greedy_guest, guest, hostile_guest, module};
use tempfile::TempDir;

/// What a component is granted that imports HTTP: the types of its requests name secrets.
const HTTP: [&str; 2] = ["--allow-http", "example.com"];

/// A folder for everything, and a `jobctl` whose server is not there.
struct Alone {
    folder: TempDir,
    jobctl: Jobctl,
}

impl Alone {
    fn new() -> Self {
        let free = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = free.local_addr().expect("it has one");
        let jobctl = Jobctl::at(&format!("http://{address}"));
        Self { folder: tempfile::tempdir().expect("a folder"), jobctl }
    }

    fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// `jobctl task VERB FILE …`, with its compiled code in the folder.
    fn task(&self, verb: &str, file: &Path, arguments: &[&str]) -> Answer {
        let (file, cache) = (text(file), text(&self.folder().join("cache")).to_owned());
        self.jobctl.run(&[&["task", verb, file], arguments, &["--cache-dir", &cache]].concat())
    }
}

fn text(path: &Path) -> &str {
    path.to_str().expect("a plain path")
}

#[test]
fn check_says_what_publish_would_say() {
    let alone = Alone::new();
    let file = guest(alone.folder());

    let checked = alone.task("check", &file, &["-o", "json"]);
    let people = alone.task("check", &file, &[]);
    let granted = alone.task("check", &greedy_guest(alone.folder()), &HTTP);

    assert_eq!((checked.code, people.code, granted.code), (0, 0, 0), "{checked:?} {people:?} {granted:?}");
    let checked = checked.json();
    let names: Vec<_> =
        checked["tasks"].as_array().expect("a list").iter().map(|task| &task["task"]).collect();
    assert_eq!(names, ["echo", "spin", "nap", "shout", "second_try"]);
    assert_eq!(checked["tasks"][0]["limits"]["memory_bytes"], 128 << 20, "{checked}");
    assert_eq!(checked["code"], "compiled", "{checked}");
    assert!(checked["size_bytes"].as_u64() == Some(std::fs::metadata(&file).expect("it is there").len()));
    assert!(people.stdout.contains("echo") && people.stdout.contains("128 MiB"), "{people:?}");
}

#[test]
fn check_refuses_what_publish_would_refuse() {
    let alone = Alone::new();
    let cases: [(PathBuf, &[&str], i32, &str); 5] = [
        (module(alone.folder()), &[], 2, "core module"),
        (hostile_guest(alone.folder(), Hostile::DescribeTrap), &[], 2, "unreachable"),
        (guest(alone.folder()), &["--memory", "5GiB"], 6, "memory: 5 GiB is over"),
        (greedy_guest(alone.folder()), &["--allow-mail"], 6, "jobs:task/http"),
        (alone.folder().join("nosuch.wasm"), &[], 2, "nosuch.wasm"),
    ];

    for (file, flags, code, expected) in cases {
        let answer = alone.task("check", &file, flags);

        assert_eq!((answer.code, answer.stdout.as_str()), (code, ""), "{answer:?}");
        assert!(answer.stderr.starts_with("error: ") && answer.stderr.contains(expected), "{answer:?}");
    }
}

#[test]
fn run_prints_the_result_and_on_the_side_what_was_used_of_each_limit() {
    let alone = Alone::new();
    let file = guest(alone.folder());

    let ran = alone.task("run", &file, &["echo", r#"{"n": 12345678901234567890123}"#]);

    assert_eq!(ran.code, 0, "{ran:?}");
    assert_eq!(ran.stdout.trim_end(), r#"{"n": 12345678901234567890123}"#);
    for limit in ["fuel", "memory", "table elements", "time", "output", "log", "host calls", "HTTP requests"]
    {
        assert!(ran.stderr.contains(limit), "{limit} is not in {ran:?}");
    }
    for most in ["50,000,000,000", "128 MiB", "100,000"] {
        assert!(ran.stderr.contains(most), "{most} is not in {ran:?}");
    }
}

#[test]
fn run_ends_as_a_job_would() {
    let alone = Alone::new();
    let guest = guest(alone.folder());
    let hoarder = hostile_guest(alone.folder(), Hostile::MemoryGrow);

    let failed = alone.task("run", &guest, &["shout", r#""no\u001b[31m""#]);
    let fuel = alone.task("run", &guest, &["spin", "--fuel", "1000000"]);
    let memory = alone.task("run", &hoarder, &["--memory", "8MiB"]);
    let late = alone.task("run", &guest, &["nap", "3600000", "--timeout", "300ms", "-o", "json"]);
    let nobody = alone.task("run", &guest, &["nosuch"]);
    let which = alone.task("run", &guest, &[]);

    assert_eq!([&failed, &fuel, &memory, &late].map(|answer| answer.code), [4; 4], "{failed:?} {fuel:?}");
    assert!(!failed.stderr.contains('\u{1b}') && !failed.stdout.contains('\u{1b}'), "{failed:?}");
    assert!(fuel.stderr.contains("fuel: used 1000000 units, limit 1000000 units"), "{fuel:?}");
    assert!(memory.stderr.contains("memory: asked for 9 MiB, limit 8 MiB"), "{memory:?}");
    assert_eq!(late.json()["error"]["kind"], "timeout", "{late:?}");
    assert!([2, 3].contains(&nobody.code) && nobody.stderr.contains("nosuch"), "{nobody:?}");
    assert!(which.code == 2 && which.stderr.contains("echo"), "it has several tasks: {which:?}");
}

#[test]
fn run_gives_bits_that_are_the_same_everywhere_when_asked() {
    let alone = Alone::new();

    let ran = alone.task("run", &hostile_guest(alone.folder(), Hostile::NotANumber), &["--deterministic"]);

    assert_eq!((ran.code, ran.stdout.trim_end()), (0, "true"), "{ran:?}");
}

#[test]
fn run_takes_no_network_that_was_not_granted() {
    let alone = Alone::new();
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.set_nonblocking(true).expect("it is looked at once");
    let url = json!(format!("http://{}/", listener.local_addr().expect("it has an address"))).to_string();
    let file = hostile_guest(alone.folder(), Hostile::HttpLoop);

    let arguments = [&["http_loop", &url, "--host-calls", "5"], &HTTP[..]].concat();
    let ran = alone.task("run", &file, &arguments);

    assert_eq!(ran.code, 4, "{ran:?}");
    assert!(listener.accept().is_err(), "it was called");
}
