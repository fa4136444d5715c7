//! `jobctl task run`: one attempt here, in the same sandbox, without a server.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Stdio};

use guests::{Guest, Hostile, Tasks};
use rustix::process::{Pid, Signal, kill_process};

use crate::runner::{Answer, Runner};

const ECHO: &str = "(call $ok (local.get $payload) (local.get $payload_len))";

/// Logs `t` and a control character, so that a test sees that it runs.
const LOG: &str = r#"(import "jobs:task/log@1.0.0" "write" (func $log (param i32 i32 i32)))"#;
const SAY: &str = "(call $log (i32.const 2) (i32.const 4096) (i32.const 5))";
const SAID: &str = r#"(data (i32.const 4096) "hi\1b[J")"#;

/// A folder with this component in it as `x.wasm`.
fn folder(component: &[u8]) -> Runner {
    let runner = Runner::new();
    std::fs::write(runner.folder().join("x.wasm"), component).expect("written");
    runner
}

fn run(runner: &Runner, words: &[&str]) -> Answer {
    runner.run(&[&["task", "run", "x.wasm"], words].concat())
}

#[test]
fn a_result_is_printed_as_it_came_and_what_was_used_beside_it() {
    let runner = folder(&guests::running(ECHO));
    let payload = r#"{"z": 1234567890123456789012345678901234567890, "a": 1e400}"#;

    let named = run(&runner, &["t", payload]);
    let alone = run(&runner, &[payload]);
    let none = run(&runner, &[]);
    let quiet = run(&runner, &[payload, "-q"]);

    assert_eq!((named.code, named.stdout.as_str()), (0, format!("{payload}\n").as_str()), "{named:?}");
    assert_eq!((alone.code, &alone.stdout, none.stdout.as_str()), (0, &named.stdout, "{}\n"), "{alone:?}");
    for row in
        ["LIMIT ", "fuel ", "memory ", "table elements ", "time ", "output ", "log ", "files ", "host calls "]
    {
        assert!(named.stderr.lines().any(|line| line.starts_with(row)), "{row}: {named:?}");
    }
    assert!(
        named.stderr.contains("compiled in ") && alone.stderr.contains("from disk"),
        "{named:?} {alone:?}"
    );
    assert_eq!((quiet.code, quiet.stderr.as_str()), (0, ""));
}

#[test]
fn programs_get_one_document_with_log_files_and_usage() {
    let imports = format!(
        r#"{LOG} (import "jobs:task/files@1.0.0" "write" (func $file (param i32 i32 i32 i32 i32 i32 i32)))"#
    );
    let extra = format!(r#"{SAID} (data (i32.const 4200) "a.csvtext/csv")"#);
    let body = format!(
        "{SAY} (call $file (i32.const 4200) (i32.const 5) (i32.const 4205) (i32.const 8) (i32.const 4200) (i32.const 3) (i32.const 4300)) {ECHO}"
    );
    let runner = folder(&Guest { imports: &imports, extra: &extra, run: &body }.build());

    let json = run(&runner, &["--out", "made", "-o", "json"]);
    let text = run(&runner, &[]);
    let colored = run(&runner, &["--color", "always"]);

    let shown = json.json();
    assert_eq!((json.code, json.stderr.as_str()), (0, ""));
    assert_eq!((&shown["task"], &shown["outcome"]), (&"t".into(), &"succeeded".into()));
    assert_eq!(
        (&shown["logs"][0]["text"], &shown["logs"][0]["level"]),
        (&"hi\u{1b}[J".into(), &"info".into())
    );
    assert_eq!(
        (&shown["files"][0]["path"], &shown["files"][0]["size_bytes"]),
        (&"made/a.csv".into(), &3.into())
    );
    assert_eq!(std::fs::read(runner.folder().join("made/a.csv")).expect("kept"), b"a.c");
    assert_eq!((&shown["usage"]["host_calls"], &shown["usage"]["file_bytes"]), (&2.into(), &3.into()));
    assert!(shown["usage"]["fuel"].is_u64() && shown["limits"]["fuel"].is_u64(), "{shown}");
    assert!(text.stderr.contains(" #1 info   hi\\u{1b}[J\n"), "{text:?}");
    assert!(colored.stderr.contains("\x1b[36minfo  \x1b[0m hi\\u{1b}[J\n"), "{colored:?}");
    assert!(text.stderr.contains("file a.csv (text/csv, 3 B)\nhint: --out FOLDER"), "{text:?}");
}

#[test]
fn each_limit_ends_it_with_its_kind_and_names_the_flag_that_allows_more() {
    let cases: [(Hostile, &[&str], &str, &str); 6] = [
        (Hostile::MemoryBomb, &[], "memory: asked for ", "--memory SIZE"),
        (Hostile::TightLoop, &["--fuel", "1_000_000"], "fuel: used ", "--fuel unlimited"),
        (
            Hostile::TightLoop,
            &["--fuel", "unlimited", "--timeout", "60ms"],
            "timeout: ran for ",
            "--timeout DURATION",
        ),
        (
            Hostile::HostCallLoop,
            &["--host-calls", "5"],
            "host_calls: made 6 calls, limit 5 calls",
            "--host-calls N",
        ),
        (Hostile::TableGrow, &["--table-elements", "10"], "table: asked for ", "--table-elements N"),
        (Hostile::FileFlood, &["--max-files", "1KiB"], "output: file ", "--max-files SIZE"),
    ];

    for (guest, flags, expected, hint) in cases {
        let runner = folder(&guest.component());
        let text = run(&runner, flags);
        let json = run(&runner, &[flags, &["-o", "json"]].concat());

        let begins = format!("\nerror: task {} failed: {expected}", guest.name());
        assert_eq!((text.code, text.stdout.as_str(), json.code), (4, "", 4), "{text:?}");
        assert!(text.stderr.contains(&begins) && text.stderr.contains(hint), "{begins}: {text:?}");
        let kind = expected.split(':').next().expect("a kind");
        assert_eq!(
            (&json.json()["outcome"], &json.json()["error"]["kind"]),
            (&"failed".into(), &kind.into())
        );
    }
}

#[test]
fn a_backtrace_stands_below_the_error_a_function_a_line() {
    let runner = folder(&Hostile::Recursion.component());

    let answer = run(&runner, &[]);

    assert_eq!(answer.code, 4, "{answer:?}");
    assert!(answer.stderr.contains("error: task recursion failed: stack: "), "{answer:?}");
    assert!(answer.stderr.contains("\n    at again_and_again\n"), "{answer:?}");
}

#[test]
fn a_payload_is_refused_as_at_enqueue() {
    let schema = r#"{"type":"object","required":["to"]}"#;
    let length = schema.len();
    let quoted = schema.replace('"', "\\22");
    // The description's option of an input schema: there is one, at 4096.
    let extra = format!(
        r#"(data (i32.const 4096) "{quoted}") (data (i32.const 40976) "\01\00\00\00\00\10\00\00\{length:02x}\00\00\00")"#
    );
    let runner = folder(&Guest { imports: "", extra: &extra, run: ECHO }.build());

    let fits = run(&runner, &[r#"{"to": 1}"#]);
    let lacks = run(&runner, &["{}", "-o", "json"]);
    let broken = run(&runner, &["t", "{oops", "-o", "json"]);
    let missing = run(&runner, &["@nosuch.json", "-o", "json"]);

    assert_eq!(fits.code, 0, "{fits:?}");
    for (answer, expected) in
        [(lacks, "\"to\""), (broken, "payload: not valid JSON"), (missing, "nosuch.json")]
    {
        let message = answer.json()["error"]["message"].as_str().unwrap_or_default().to_owned();
        assert_eq!(answer.code, 2, "{answer:?}");
        assert!(message.starts_with("payload: ") && message.contains(expected), "{expected}: {message}");
    }
}

#[test]
fn of_several_tasks_one_must_be_named() {
    let tasks = [("one", "(return (call $ok (i32.const 32) (i32.const 4)))"), ("two", "(unreachable)")];
    let runner = folder(&Tasks { imports: "", extra: "", tasks: &tasks }.build());

    let missing = run(&runner, &[]);
    let unknown = run(&runner, &["three"]);
    let named = run(&runner, &["one"]);

    assert_eq!((missing.code, unknown.code, named.code), (2, 3, 0), "{missing:?} {unknown:?} {named:?}");
    assert!(missing.stderr.contains("TASK is missing: x.wasm has 2 tasks"), "{missing:?}");
    assert!(unknown.stderr.contains("one, two"), "{unknown:?}");
}

#[test]
fn what_is_imported_must_be_granted_and_e_mail_goes_to_the_outbox() {
    let runner = folder(&Hostile::MailLoop.component());

    let refused = run(&runner, &["-o", "json"]);
    let sent = run(&runner, &["--allow-mail", "--outbox", "outbox", "--host-calls", "3", "-o", "json"]);

    assert_eq!((refused.code, &refused.json()["error"]["code"]), (6, &"denied".into()));
    assert_eq!(sent.code, 4, "{sent:?}");
    let kept = std::fs::read_dir(runner.folder().join("outbox")).expect("made").count();
    assert_eq!(sent.json()["mails"].as_array().map(Vec::len), Some(kept), "{sent:?}");
    assert!(kept > 0, "{sent:?}");
}

#[test]
fn a_checkpoint_is_kept_in_its_file_and_given_to_the_next_run() {
    // Answers with what it loads, or saves `12` and answers `null`.
    let imports = r#"(import "jobs:task/checkpoint@1.0.0" "load" (func $load (param i32)))
        (import "jobs:task/checkpoint@1.0.0" "save" (func $save (param i32 i32 i32)))"#;
    let body = "(call $load (i32.const 4200))
        (if (i32.load8_u (i32.const 4200))
          (then (return (call $ok (i32.load (i32.const 4204)) (i32.load (i32.const 4208))))))
        (call $save (i32.const 4096) (i32.const 2) (i32.const 4300))
        (call $ok (i32.const 32) (i32.const 4))";
    let runner = folder(&Guest { imports, extra: r#"(data (i32.const 4096) "12")"#, run: body }.build());

    let first = run(&runner, &["--checkpoint", "saved"]);
    let second = run(&runner, &["--checkpoint", "saved"]);

    assert_eq!((first.stdout.as_str(), second.stdout.as_str()), ("null\n", "12\n"), "{first:?} {second:?}");
    assert_eq!(std::fs::read(runner.folder().join("saved")).expect("kept"), b"12");
}

/// A run whose task says that it has begun.
struct Begun {
    child: Child,
    stderr: BufReader<std::process::ChildStderr>,
}

impl Begun {
    fn start(runner: &Runner) -> Self {
        let mut child = runner
            .command(&["task", "run", "x.wasm"])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("jobctl can be started");
        let mut stderr = BufReader::new(child.stderr.take().expect("piped"));
        let mut line = String::new();
        stderr.read_line(&mut line).expect("text");
        assert!(line.contains("hi"), "{line}");
        Self { child, stderr }
    }

    fn interrupt(&self) {
        kill_process(Pid::from_child(&self.child), Signal::INT).expect("it runs");
    }

    fn said(&mut self) -> String {
        let mut line = String::new();
        self.stderr.read_line(&mut line).expect("text");
        line
    }

    /// Its exit code and what was left on standard output and standard error.
    fn ended(mut self) -> (Option<i32>, String, String) {
        let (mut stdout, mut stderr) = (String::new(), String::new());
        self.stderr.read_to_string(&mut stderr).expect("text");
        self.child.stdout.take().expect("piped").read_to_string(&mut stdout).expect("text");
        (self.child.wait().expect("it is ours").code(), stdout, stderr)
    }
}

#[test]
fn ctrl_c_cancels_and_a_second_one_ends_it_at_once() {
    let body = format!("{SAY} (loop $again (br $again)) (unreachable)");
    let runner = folder(&Guest { imports: LOG, extra: SAID, run: &body }.build());
    let mut run = Begun::start(&runner);

    run.interrupt();
    let first = run.said();
    run.interrupt();
    let (code, stdout, stderr) = run.ended();

    assert!(first.contains("cancelling"), "{first}");
    assert_eq!((code, stdout.as_str()), (Some(5), ""), "{stderr}");
    assert!(stderr.contains("stopped         (cancel) in "), "{stderr}");
    assert!(stderr.ends_with("error: task t was cancelled\n"), "{stderr}");
}

#[test]
fn a_task_that_heeds_the_cancel_ends_with_its_result() {
    let imports = format!(
        r#"{LOG} (import "jobs:task/context@1.0.0" "cancel-requested" (func $cancelled (result i32)))"#
    );
    let body = format!(
        "{SAY} (loop $again (br_if $again (i32.eqz (call $cancelled)))) (call $ok (i32.const 32) (i32.const 4))"
    );
    let runner = folder(&Guest { imports: &imports, extra: SAID, run: &body }.build());
    let run = Begun::start(&runner);

    run.interrupt();
    let (code, stdout, stderr) = run.ended();

    assert_eq!((code, stdout.as_str()), (Some(0), "null\n"), "{stderr}");
}
