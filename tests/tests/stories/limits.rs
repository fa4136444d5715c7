//! What an attempt may use: a version says it, a job lowers it, the operator has the last word; and what it did use.

use guests::Hostile;
use serde_json::{Value, json};
use stories::{Footing, Jobctl, Receiver, Setup, System, guest, hostile_guest};

const FOOTINGS: [Footing; 2] = [Footing::Embedded, Footing::Distributed { schedulers: 1, hosts: 1 }];

/// A guest, what its job is told of limits, how it ends, and a function that its backtrace names.
struct Case {
    guest: Hostile,
    flags: &'static [&'static str],
    kind: &'static str,
    message: &'static str,
    function: &'static str,
}

const CASES: [Case; 7] = [
    Case {
        guest: Hostile::TightLoop,
        flags: &["--fuel", "1000000"],
        kind: "fuel",
        message: "used 1000000 units, limit 1000000 units",
        function: "run",
    },
    Case {
        guest: Hostile::MemoryGrow,
        flags: &["--memory", "8MiB"],
        kind: "memory",
        message: "asked for 9 MiB, limit 8 MiB",
        function: "run",
    },
    Case {
        guest: Hostile::TableGrow,
        flags: &["--table-elements", "5000"],
        kind: "table",
        message: "asked for 6000 elements, limit 5000 elements",
        function: "run",
    },
    Case {
        guest: Hostile::HostCallLoop,
        flags: &["--host-calls", "50"],
        kind: "host_calls",
        message: "made 51 calls, limit 50 calls",
        function: "run",
    },
    Case {
        guest: Hostile::Recursion,
        flags: &[],
        kind: "stack",
        message: "overflowed its stack, limit 512 KiB",
        function: "again_and_again",
    },
    Case {
        guest: Hostile::Unreachable,
        flags: &[],
        kind: "trap",
        message: "unreachable",
        function: "divide_the_bill",
    },
    Case {
        guest: Hostile::FileFlood,
        flags: &["--max-files", "3MiB"],
        kind: "output",
        message: "makes 4 MiB, limit 3 MiB",
        function: "run",
    },
];

/// Runs a job of `task` to its end, which must be a failure, and returns it.
fn failed(jobctl: &Jobctl, task: &str, payload: &str, flags: &[&str]) -> Value {
    let arguments = [&["enqueue", task, payload, "--max-attempts", "1", "--wait"], flags].concat();
    let (code, job) = jobctl.document(&arguments);
    assert_eq!((code, &job["state"]), (4, &json!("failed")), "{task}: {job}");
    job
}

/// The kind of a job's error, the first line of its message, and the lines of the backtrace.
fn error_of(job: &Value) -> (&str, &str, String) {
    let kind = job["error"]["kind"].as_str().unwrap_or_else(|| panic!("{job}"));
    let message = job["error"]["message"].as_str().unwrap_or_else(|| panic!("{job}"));
    let (first, rest) = message.split_once('\n').unwrap_or((message, ""));
    (kind, first, rest.to_owned())
}

#[test]
fn each_limit_that_a_job_lowers_ends_it_by_its_own_kind_and_says_what_and_where() {
    for footing in FOOTINGS {
        let system = System::on(footing);
        let jobctl = system.jobctl();
        for Case { guest, flags, kind, message, function } in CASES {
            jobctl.publish(&hostile_guest(system.folder(), guest), &[]);

            let job = failed(&jobctl, guest.name(), "{}", flags);

            let (seen, first, backtrace) = error_of(&job);
            assert_eq!(seen, kind, "{job}");
            assert!(first.contains(message), "{message:?} is not in {job}");
            assert!(backtrace.contains(function), "no {function} in the backtrace: {job}");
        }
    }
}

#[test]
fn the_limits_on_time_results_and_http_say_both_numbers_too() {
    let system = System::on(Footing::Embedded);
    let jobctl = system.jobctl();
    let receiver = Receiver::saying(&["200 OK\r\n\r\n"]);
    let url = json!(receiver.url("/")).to_string();
    jobctl.publish(&guest(system.folder()), &[]);
    for guest in [Hostile::HttpLoop, Hostile::HttpUpload] {
        let grants = ["--allow-http", &receiver.place()];
        jobctl.publish(&hostile_guest(system.folder(), guest), &grants);
    }

    let slow = failed(&jobctl, "nap", "3600000", &["--timeout", "300ms"]);
    let large = failed(&jobctl, "echo", r#""four""#, &["--max-output", "3"]);
    let often = failed(&jobctl, "http_loop", &url, &["--http-requests", "3"]);
    let much = failed(&jobctl, "http_upload", &url, &["--http-bytes", "2MiB"]);

    let (kind, message, _) = error_of(&slow);
    assert!(
        kind == "timeout" && message.starts_with("ran for 3") && message.ends_with("ms, limit 300ms"),
        "{slow}"
    );
    assert_eq!(slow["attempts"][0]["stop"]["reason"], "deadline", "{slow}");
    let said = |job: &Value| {
        let (kind, message, _) = error_of(job);
        format!("{kind}: {message}")
    };
    assert_eq!(said(&large), "output: the result has 6 B, limit 3 B");
    assert_eq!(said(&often), "http: made 4 requests, limit 3 requests");
    assert_eq!(said(&much), "http: the bodies make 3 MiB, limit 2 MiB");
    assert_eq!(receiver.received().len(), 3 + 2, "what is over a limit is not sent");
}

#[test]
fn a_job_may_not_have_more_than_its_version() {
    let system = System::on(Footing::Embedded);
    let jobctl = system.jobctl();
    jobctl.publish(&guest(system.folder()), &[]);
    let batch = system.file("batch.jsonl", b"{\"payload\": 1}\n{\"payload\": 2, \"memory\": \"1GiB\"}\n");

    let memory = jobctl.refusal(6, &["enqueue", "echo", "1", "--memory", "256MiB"]);
    let fuel = jobctl.refusal(6, &["enqueue", "echo", "1", "--fuel", "unlimited"]);
    let timeout = jobctl.refusal(6, &["enqueue", "echo", "1", "--timeout", "1h"]);
    let line = jobctl.refusal(6, &["enqueue", "echo", "--batch", batch.to_str().expect("a plain path")]);
    let nought = jobctl.run(&["enqueue", "echo", "1", "--host-calls", "0"]);

    assert_eq!(memory["code"], "denied");
    assert_says(&memory, "memory: 256 MiB is over the version's limit of 128 MiB");
    assert_says(&fuel, "fuel: unlimited is over the version's limit of 50");
    assert_says(&timeout, "timeout: 1h is over the version's limit of 5m");
    assert_says(&line, "memory: 1 GiB is over the version's limit of 128 MiB");
    assert!([2, 6].contains(&nought.code) && nought.stderr.contains("host-calls"), "{nought:?}");
    assert!(jobctl.list(&["job", "list"]).is_empty(), "nothing is stored");
}

#[test]
fn what_is_over_the_operators_maximum_is_not_published() {
    for footing in FOOTINGS {
        let environment = vec![("JOBCTL_MAX_LIMITS", "memory=256MiB,timeout=10m".to_owned())];
        let system = System::start(&Setup { environment, ..Setup::on(footing) });
        let jobctl = system.jobctl();
        let file = guest(system.folder());
        let file = file.to_str().expect("a plain path");

        let memory = jobctl.refusal(6, &["task", "publish", file, "--memory", "512MiB"]);
        let timeout = jobctl.refusal(6, &["task", "publish", file, "--timeout", "1h"]);

        assert_eq!(memory["code"], "denied");
        assert_says(&memory, "memory: 512 MiB is over");
        assert_says(&memory, "256 MiB");
        assert_says(&timeout, "timeout: 1h is over");
        assert_says(&timeout, "10m");
        assert!(jobctl.list(&["task", "list"]).is_empty(), "nothing is stored");
        let most = jobctl.json(&["task", "publish", file, "--memory", "256MiB", "--timeout", "10m"]);
        assert_eq!(most[0]["limits"]["memory_bytes"], 256 << 20, "{most}");
    }
}

#[test]
fn a_host_gives_no_more_than_its_operator_allows_whatever_was_published() {
    let flags = ["--max-limit", "memory=8MiB"].map(str::to_owned).to_vec();
    let footing = Footing::Distributed { schedulers: 1, hosts: 1 };
    let system = System::start(&Setup { flags, ..Setup::on(footing) });
    let jobctl = system.jobctl();
    jobctl.publish(&hostile_guest(system.folder(), Hostile::MemoryGrow), &[]);

    let job = failed(&jobctl, "memory_grow", "{}", &[]);

    assert_eq!(error_of(&job).1, "asked for 9 MiB, limit 8 MiB", "{job}");
}

#[test]
fn an_attempt_tells_all_that_it_used() {
    let mut system = System::on(Footing::Distributed { schedulers: 1, hosts: 1 });
    system.jobctl().publish(&guest(system.folder()), &[]);
    let run = |system: &System| {
        let job = failed(&system.jobctl(), "shout", r#""hello""#, &[]);
        job["attempts"][0].clone()
    };

    let [first, second] = [run(&system), run(&system)];
    system.restart();
    let third = run(&system);

    for attempt in [&first, &second, &third] {
        let at_least = |field: &str, least: f64| {
            assert!(attempt[field].as_f64().is_some_and(|value| value >= least), "{field}: {attempt}");
        };
        at_least("fuel", 10.0);
        at_least("peak_memory_bytes", 131_072.0);
        at_least("host_call_ms", 0.0);
        at_least("load_ms", 0.0);
        at_least("duration_ms", attempt["run_ms"].as_f64().unwrap_or(f64::MAX));
        at_least("bytes_in", 7.0);
        // Its progress and its log.
        at_least("bytes_out", 7.0);
        assert_eq!(attempt["host_calls"], 2, "{attempt}");
    }
    let code = [&first, &second, &third].map(|attempt| attempt["code"].clone());
    assert_eq!(code, ["compiled", "memory", "disk"]);
    assert!(first["load_ms"].as_f64() > second["load_ms"].as_f64(), "{first} {second}");
}

#[test]
fn without_a_budget_no_fuel_is_counted_and_a_job_may_ask_for_one() {
    let system = System::on(Footing::Embedded);
    let jobctl = system.jobctl();
    jobctl.publish(&guest(system.folder()), &["--fuel", "unlimited"]);

    let unmetered = jobctl.json(&["enqueue", "echo", "1", "--wait"]);
    let metered = jobctl.json(&["enqueue", "echo", "1", "--fuel", "1000000", "--wait"]);

    assert_eq!(unmetered["attempts"][0]["fuel"], Value::Null, "{unmetered}");
    assert!(metered["attempts"][0]["fuel"].as_u64().is_some_and(|fuel| fuel > 0), "{metered}");
}

#[test]
fn deterministic_floating_point_is_part_of_the_version() {
    let system = System::on(Footing::Embedded);
    let jobctl = system.jobctl();
    let file = hostile_guest(system.folder(), Hostile::NotANumber);

    let plain = jobctl.publish(&file, &[]);
    let deterministic = jobctl.publish(&file, &["--deterministic"]);
    let again = jobctl.publish(&file, &["--deterministic"]);
    let job = jobctl.json(&["enqueue", "not_a_number", "--wait"]);

    let seen =
        [&plain, &deterministic, &again].map(|task| (task["version"].clone(), task["unchanged"].clone()));
    assert_eq!(seen, [(json!(1), json!(false)), (json!(2), json!(false)), (json!(2), json!(true))]);
    assert_eq!(jobctl.json(&["task", "show", "not_a_number"])["deterministic"], true);
    assert_eq!((&job["version"], &job["result"]), (&json!(2), &json!(true)), "{job}");
}

fn assert_says(error: &Value, expected: &str) {
    let message = error["message"].as_str().unwrap_or_else(|| panic!("{error}"));
    assert!(message.contains(expected), "{expected:?} is not in {error}");
}
