//! The gallery of hostile guests against a whole system: each ends as it must, and nobody else notices.

use std::fmt::Write as _;
use std::net::TcpListener;

use guests::Hostile;
use model::grants::Capability;
use serde_json::Value;
use stories::{Footing, Jobctl, Setup, System, guest, hostile_guest, page};
use testkit::eventually::eventually_blocking;

/// A peer that takes connections and never says a word.
struct Silent {
    port: u16,
    _listener: TcpListener,
}

impl Silent {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = listener.local_addr().expect("it has one").port();
        Self { port, _listener: listener }
    }
}

/// Publishes a guest with all that it imports granted, and `flags` besides.
fn publish(system: &System, guest: Hostile, port: u16, flags: &[&str]) {
    let http = format!("127.0.0.1:{port}");
    let mut all = flags.to_vec();
    for capability in guest.capabilities() {
        all.extend(match capability {
            Capability::Http => vec!["--allow-http", &http],
            Capability::Mail => vec!["--allow-mail"],
            Capability::Secrets => vec!["--secret", "other"],
            Capability::Enqueue => vec!["--allow-enqueue", "boom"],
        });
    }
    system.jobctl().publish(&hostile_guest(system.folder(), guest), &all);
}

/// The job of a guest that is tried once, after its end.
fn ended(jobctl: &Jobctl, guest: Hostile, payload: &str, flags: &[&str]) -> (i32, Value) {
    let mut arguments = vec!["enqueue", guest.name(), payload, "--max-attempts", "1", "--wait"];
    arguments.extend(flags);
    jobctl.document(&arguments)
}

#[test]
fn every_endless_guest_is_cancelled_while_all_of_them_run() {
    let (peer, relay) = (Silent::start(), Silent::start());
    let relay = Some(format!("smtp://127.0.0.1:{}", relay.port)).zip(Some(relay));
    let (relay, _relay) = relay.unzip();
    // A start function that loops does so when the component is to describe itself, and is never published.
    let publishable = |guest: &Hostile| guest.endless() && *guest != Hostile::StartLoop;
    let endless: Vec<Hostile> = Hostile::ALL.into_iter().filter(publishable).collect();
    let flags = ["--slots".to_owned(), (endless.len() + 2).to_string()].to_vec();
    let system = System::start(&Setup { relay, flags, ..Setup::on(Footing::Embedded) });
    let jobctl = system.jobctl();
    let payload = format!("\"http://127.0.0.1:{}/\"", peer.port);
    for guest in &endless {
        publish(&system, *guest, peer.port, &["--fuel", "unlimited", "--host-calls", "10000000"]);
    }
    let jobs: Vec<(Hostile, String)> =
        endless.into_iter().map(|guest| (guest, jobctl.enqueue(guest.name(), &payload, &[]))).collect();
    for (_, id) in &jobs {
        let _ = jobctl.job_in(id, "running");
    }

    for (guest, id) in &jobs {
        let told = jobctl.json(&["job", "cancel", id]);
        assert_eq!(told["changed"], true, "{guest:?}: {told}");
    }

    for (guest, id) in &jobs {
        assert_eq!(jobctl.run(&["job", "wait", id]).code, 5, "{guest:?}");
        let job = jobctl.job(id);
        assert_eq!(job["state"], "cancelled", "{job}");
        let [attempt] = job["attempts"].as_array().expect("a list").as_slice() else { panic!("{job}") };
        assert_eq!(attempt["outcome"], "cancelled", "{job}");
        assert_eq!(attempt["stop"]["reason"], "cancel", "{job}");
        assert!(attempt["stop"]["latency_ms"].is_number(), "{job}");
    }
}

#[test]
fn a_guest_that_fails_says_by_which_limit() {
    let peer = Silent::start();
    let closed = TcpListener::bind("127.0.0.1:0").expect("a free port").local_addr().expect("it has one");
    let payload = format!("\"http://{closed}/\"");
    let system = System::on(Footing::Embedded);
    let jobctl = system.jobctl();
    let cases: [(Hostile, &[&str], &str); 29] = [
        (Hostile::TightLoop, &["--fuel", "1000000"], "fuel"),
        (Hostile::ReallocLoop, &["--timeout", "200ms"], "timeout"),
        (Hostile::PollSleep, &["--timeout", "200ms"], "timeout"),
        (Hostile::HostCallLoop, &["--host-calls", "10"], "host_calls"),
        (Hostile::HttpLoop, &["--http-requests", "2"], "http"),
        (Hostile::HttpUpload, &["--http-bytes", "3MiB"], "http"),
        (Hostile::HttpDenied, &[], "task"),
        (Hostile::EnqueueLoop, &["--host-calls", "10"], "host_calls"),
        (Hostile::SecretDenied, &[], "task"),
        (Hostile::MemoryGrow, &[], "memory"),
        (Hostile::MemoryBomb, &[], "memory"),
        (Hostile::MemoryAtTheStart, &[], "memory"),
        (Hostile::TableGrow, &[], "table"),
        (Hostile::Recursion, &[], "stack"),
        (Hostile::RecursionInMemory, &[], "stack"),
        (Hostile::HugeResult, &[], "output"),
        (Hostile::ResultNotJson, &[], "output"),
        (Hostile::FileFlood, &[], "output"),
        (Hostile::ResultNotText, &[], "trap"),
        (Hostile::WildResult, &[], "trap"),
        (Hostile::Unreachable, &[], "trap"),
        (Hostile::WrongType, &[], "trap"),
        (Hostile::HandleFlood, &[], "trap"),
        (Hostile::RandomFlood, &[], "trap"),
        (Hostile::ReallocWild, &[], "trap"),
        (Hostile::ExitZero, &[], "trap"),
        (Hostile::ForgedName, &[], "trap"),
        (Hostile::HugeError, &[], "task"),
        (Hostile::ErrorWithNul, &[], "task"),
    ];

    for (guest, flags, kind) in cases {
        let port = if guest == Hostile::HttpDenied { peer.port } else { closed.port() };
        publish(&system, guest, port, flags);
        let (code, job) = ended(&jobctl, guest, &payload, &[]);
        assert_eq!((code, job["error"]["kind"].as_str()), (4, Some(kind)), "{guest:?}: {job}");
        assert_eq!(jobctl.job(job["id"].as_str().expect("an id"))["error"], job["error"]);
    }
}

#[test]
fn what_a_guest_wrote_to_confuse_is_shown_and_confuses_nobody() {
    let system = System::on(Footing::Embedded);
    let jobctl = system.jobctl();
    for guest in [Hostile::ForgedName, Hostile::DeepResult, Hostile::LogFlood] {
        publish(&system, guest, 1, &[]);
    }

    let (_, forged) = ended(&jobctl, Hostile::ForgedName, "{}", &[]);
    let deep = jobctl.enqueue(Hostile::DeepResult.name(), "{}", &[]);
    let (flooded, _) = ended(&jobctl, Hostile::LogFlood, "{}", &[]);

    let shown = jobctl.run(&["job", "show", forged["id"].as_str().expect("an id")]);
    assert_eq!(shown.code, 0, "{shown:?}");
    assert!(shown.stdout.contains("red") && !shown.stdout.contains('\u{1b}'), "{shown:?}");
    assert!(!shown.stdout.lines().any(|line| line.trim_start().starts_with("state: ")), "{shown:?}");
    assert_eq!(flooded, 0);
    assert_eq!(jobctl.run(&["job", "wait", &deep]).code, 0);
    let readers: [&[&str]; 5] = [
        &["job", "show", &deep],
        &["job", "show", &deep, "-o", "json"],
        &["job", "wait", &deep, "-o", "json"],
        &["job", "list", "-o", "jsonl"],
        &["job", "result", &deep],
    ];
    for arguments in readers {
        let answer = jobctl.run(arguments);
        assert_eq!(answer.code, 0, "{arguments:?}: {}", answer.stderr);
    }
    assert_eq!(page(jobctl.server(), &format!("/jobs/default/{deep}")).status, 200);
    let result = jobctl.run(&["job", "result", &deep]);
    assert_eq!(result.stdout.trim_end().len(), 400_000);
}

#[test]
fn a_guest_that_lies_about_itself_is_not_published() {
    let system = System::on(Footing::Embedded);
    let jobctl = system.jobctl();

    for guest in [
        Hostile::StartTrap,
        Hostile::DescribeTrap,
        Hostile::DescribeCrowd,
        Hostile::DescribeMillion,
        Hostile::DescribeBadName,
        Hostile::DescribeWild,
        Hostile::TableTooLarge,
    ] {
        let file = hostile_guest(system.folder(), guest);
        let answer = jobctl.run(&["task", "publish", file.to_str().expect("a plain path")]);
        assert!(answer.code != 0 && answer.stderr.starts_with("error: "), "{guest:?}: {answer:?}");
        assert!(!answer.stderr.contains('\u{1b}'), "{guest:?}: {answer:?}");
    }

    assert!(jobctl.list(&["task", "list"]).is_empty());
}

/// What the process has in memory, in MiB.
fn resident_mib(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("the kernel tells");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("it has some");
    let kib: u64 = line.trim().trim_end_matches(" kB").parse().expect("a number");
    kib / 1024
}

#[test]
fn a_thousand_traps_and_a_thousand_bombs_leave_the_host_as_it_was() {
    let mut system = System::on(Footing::Embedded);
    let jobctl = system.jobctl();
    let pid = system.scheduler(0).pid();
    jobctl.publish(&guest(system.folder()), &[]);
    let short = || {
        let job =
            jobctl.json(&["enqueue", "echo", "1", "--queue", "short", "--wait", "--wait-timeout", "30s"]);
        assert_eq!(job["state"], "succeeded", "{job}");
    };
    short();
    let before = resident_mib(pid);

    for (guest, kind) in [(Hostile::Unreachable, "trap"), (Hostile::MemoryBomb, "memory")] {
        publish(&system, guest, 1, &["--memory", "8MiB"]);
        let mut lines = String::new();
        for number in 0..1_000 {
            writeln!(lines, r#"{{"payload": {number}, "max-attempts": 1}}"#).expect("a String takes it");
        }
        let batch = system.file("batch.jsonl", lines.as_bytes());
        let batch = batch.to_str().expect("a plain path");
        let made = jobctl.run(&["enqueue", guest.name(), "--batch", batch]);
        assert_eq!(made.code, 0, "{made:?}");

        eventually_blocking("a thousand jobs to have ended", || {
            short();
            let mut unfinished = vec!["job", "list", "--task", guest.name(), "--limit", "1"];
            unfinished.extend(["--state", "queued", "--state", "running"]);
            jobctl.list(&unfinished).is_empty().then_some(())
        });
        let failed =
            jobctl.list(&["job", "list", "--task", guest.name(), "--state", "failed", "--limit", "1000"]);
        assert_eq!(failed.len(), 1_000);
        assert!(failed.iter().all(|job| job["error"]["kind"] == kind), "{failed:?}");
    }

    let after = resident_mib(pid);
    assert!(after <= before + 64, "{before} MiB before, {after} MiB after");
}
