//! Code on its way in: what is refused costs little and leaves nothing, and what was altered afterwards does not run.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use guests::Hostile;
use serde_json::Value;
use stories::{Footing, Jobctl, Setup, System, greedy_guest, guest, hostile_guest};

const FOOTINGS: [Footing; 2] = [Footing::Embedded, Footing::Distributed { schedulers: 1, hosts: 1 }];

/// A component that makes its child twice, 24 levels deep: 16 million instances in 1.5 kB.
fn compile_bomb() -> Vec<u8> {
    let mut text = "(component (core module $m) (core instance (instantiate $m)))".to_owned();
    for _ in 0..24 {
        text = format!("(component {text} (instance (instantiate 0)) (instance (instantiate 0)))");
    }
    wat::parse_str(text).expect("it is valid")
}

/// A component that passes for a harmless one until it is compiled: code that a compiler takes long over.
fn slow_to_compile() -> Vec<u8> {
    let locals = "i64 ".repeat(1_000);
    let branches =
        "(br_if 0 (i32.eqz (local.get $c)))(local.set 5 (i64.add (local.get 7) (local.get 9)))".repeat(3_000);
    let function = format!("(func (param $c i32) (local {locals}) (block {branches}))");
    let text = format!("(component (core module {}))", function.repeat(4));
    wat::parse_str(text).expect("it is valid")
}

/// The error of a publish that is refused, which is one line for people.
fn refusal(jobctl: &Jobctl, file: &Path, flags: &[&str]) -> (i32, String) {
    let arguments = [&["task", "publish", file.to_str().expect("a plain path")], flags].concat();
    let (code, document) = jobctl.document(&arguments);
    let message = document["error"]["message"].as_str().unwrap_or_else(|| panic!("{document}"));
    assert!(!message.is_empty() && !message.contains('\n'), "one line: {message:?}");
    assert!(!message.contains('\u{1b}'), "what a guest says is escaped: {message:?}");
    (code, message.to_owned())
}

#[test]
fn a_compile_bomb_is_refused_within_seconds() {
    for footing in FOOTINGS {
        let system = System::on(footing);
        let jobctl = system.jobctl();
        let bomb = compile_bomb();
        assert!(bomb.len() < 2_000, "{}", bomb.len());
        let file = system.file("bomb.wasm", &bomb);
        let began = Instant::now();

        let (code, message) = refusal(&jobctl, &file, &[]);

        assert!(began.elapsed() < Duration::from_secs(10), "it took {:?}", began.elapsed());
        assert_eq!(code, 6, "{message}");
        assert!(message.contains("too expensive to compile"), "{message}");
        assert!(jobctl.list(&["task", "list"]).is_empty());
    }
}

#[test]
fn while_something_compiles_the_api_answers() {
    let system = System::on(Footing::Embedded);
    let jobctl = system.jobctl();
    jobctl.publish(&guest(system.folder()), &[]);
    let slow = system.file("slow.wasm", &slow_to_compile());
    let mut publish = jobctl.command(&["task", "publish", slow.to_str().expect("a plain path")]);
    let mut publishing = publish.spawn().expect("jobctl starts");
    let mut answered = 0;

    while publishing.try_wait().expect("it is ours").is_none() {
        let job = jobctl.json(&["enqueue", "echo", "1", "--wait"]);
        assert_eq!(job["state"], "succeeded", "{job}");
        assert_eq!(jobctl.list(&["task", "list"]).len(), 5);
        answered += 1;
    }

    // It is no task, so it is refused in the end, by whatever it met first.
    let status = publishing.wait().expect("it ended");
    assert!([2, 6].contains(&status.code().unwrap_or(-1)), "{status}");
    assert!(answered > 0, "it was refused before anything was asked");
    assert_eq!(jobctl.list(&["task", "list"]).len(), 5);
}

#[test]
fn what_is_refused_at_publish_leaves_nothing_behind() {
    for footing in FOOTINGS {
        let system = System::on(footing);
        let jobctl = system.jobctl();
        jobctl.publish(&guest(system.folder()), &[]);
        let before = jobctl.list(&["task", "list"]);
        let refused = [
            Hostile::DescribeTrap,
            Hostile::DescribeBadName,
            Hostile::DescribeCrowd,
            Hostile::DescribeMillion,
            Hostile::DescribeWild,
            Hostile::StartTrap,
        ];

        for guest in refused {
            let (code, message) = refusal(&jobctl, &hostile_guest(system.folder(), guest), &[]);
            assert!([2, 6].contains(&code), "{}: {code}: {message}", guest.name());
        }
        let ungranted = refusal(&jobctl, &greedy_guest(system.folder()), &[]);
        let too_much = refusal(&jobctl, &guest(system.folder()), &["--memory", "5GiB"]);

        assert_eq!((ungranted.0, too_much.0), (6, 6), "{ungranted:?} {too_much:?}");
        assert!(ungranted.1.contains("jobs:task/http"), "{ungranted:?}");
        assert!(too_much.1.contains("memory: 5 GiB is over") && too_much.1.contains("4 GiB"), "{too_much:?}");
        assert_eq!(jobctl.list(&["task", "list"]), before);
        if footing != Footing::Embedded {
            assert_eq!(system.query("select count(*) from components"), ["1"]);
            assert_eq!(system.query("select count(*) from task_versions"), ["5"]);
        }
    }
}

/// The folder of compiled code of `jobctl dev`.
fn cache(system: &System) -> PathBuf {
    system.folder().join("data/cache")
}

/// Flips one bit of every stored component, as a failing disk or an intruder would.
fn alter_components(system: &System) {
    const ALTER: &str = "
import sqlite3, sys
with sqlite3.connect(sys.argv[1]) as db:
    for digest, code in db.execute('select sha256, bytes from components').fetchall():
        altered = bytearray(code)
        altered[len(altered) // 2] ^= 1
        db.execute('update components set bytes = ? where sha256 = ?', (bytes(altered), digest))
";
    let database = system.folder().join("data/jobs.db");
    let output = Command::new("python3").args(["-c", ALTER]).arg(&database).output().expect("python3");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

fn assert_altered_code_does_not_run(jobctl: &Jobctl) {
    let (code, job) = jobctl.document(&["enqueue", "echo", "1", "--max-attempts", "1", "--wait"]);
    assert_eq!((code, &job["error"]["kind"]), (4, &Value::from("invalid_module")), "{job}");
    assert!(job["error"]["message"].as_str().is_some_and(|message| message.contains("digest")), "{job}");
    assert_eq!(job["result"], Value::Null, "{job}");
}

#[test]
fn code_that_was_altered_in_the_database_does_not_run_and_raises_an_alarm() {
    let mut system = System::on(Footing::Embedded);
    system.jobctl().publish(&guest(system.folder()), &[]);
    system.stop();
    alter_components(&system);
    std::fs::remove_dir_all(cache(&system)).expect("compiled code was kept there");
    system.start_all();

    assert_altered_code_does_not_run(&system.jobctl());

    assert_alarm(&system.scheduler(0).log_text());
}

#[test]
fn a_host_does_not_run_what_was_altered_in_the_database() {
    let mut system = System::on(Footing::Distributed { schedulers: 1, hosts: 1 });
    system.jobctl().publish(&guest(system.folder()), &[]);
    let _ = system.query("update components set bytes = set_byte(bytes, 1000, get_byte(bytes, 1000) # 1)");

    assert_altered_code_does_not_run(&system.jobctl());

    assert_alarm(&system.host(0).log_text());
}

/// Somebody must look.
fn assert_alarm(log: &str) {
    let alarm = log.lines().find(|line| line.contains("ERROR") && line.contains("has been altered"));
    assert!(alarm.is_some(), "no alarm in the log:\n{log}");
}

#[test]
fn without_a_usable_folder_for_compiled_code_jobs_run() {
    let system = System::on(Footing::Embedded);
    let jobctl = system.jobctl();
    jobctl.publish(&guest(system.folder()), &[]);
    std::fs::remove_dir_all(cache(&system)).expect("compiled code was kept there");
    std::fs::write(cache(&system), "in its place").expect("the folder of data can be written");

    let known = jobctl.json(&["enqueue", "echo", "1", "--wait"]);
    jobctl.publish(&hostile_guest(system.folder(), Hostile::LogFlood), &[]);
    let new = jobctl.json(&["enqueue", "log_flood", "{}", "--wait"]);

    assert_eq!(
        (&known["state"], &new["state"]),
        (&Value::from("succeeded"), &Value::from("succeeded")),
        "{new}"
    );
}

#[test]
fn where_too_little_fits_in_the_folder_for_compiled_code_jobs_run() {
    let flags = ["--cache-size", "1KiB"].map(str::to_owned).to_vec();
    let mut system = System::start(&Setup { flags, ..Setup::on(Footing::Embedded) });
    system.jobctl().publish(&guest(system.folder()), &[]);
    let before = system.jobctl().json(&["enqueue", "echo", "1", "--wait"]);

    system.restart();

    let after = system.jobctl().json(&["enqueue", "echo", "2", "--wait"]);
    assert_eq!((&before["result"], &after["result"]), (&Value::from(1), &Value::from(2)));
}
