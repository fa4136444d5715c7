//! Help, completions and version.

use crate::runner::Runner;

const COMMANDS: [&[&str]; 40] = [
    &[],
    &["dev"],
    &["scheduler"],
    &["scheduler", "run"],
    &["host"],
    &["host", "run"],
    &["migrate"],
    &["task"],
    &["task", "check"],
    &["task", "run"],
    &["task", "publish"],
    &["task", "list"],
    &["task", "show"],
    &["task", "versions"],
    &["enqueue"],
    &["job"],
    &["job", "list"],
    &["job", "show"],
    &["job", "wait"],
    &["job", "logs"],
    &["job", "result"],
    &["job", "files"],
    &["job", "file"],
    &["job", "cancel"],
    &["job", "retry"],
    &["schedule"],
    &["schedule", "create"],
    &["schedule", "list"],
    &["schedule", "show"],
    &["schedule", "update"],
    &["schedule", "pause"],
    &["schedule", "resume"],
    &["schedule", "delete"],
    &["schedule", "trigger"],
    &["schedule", "preview"],
    &["schedule", "backfill"],
    &["schedule", "history"],
    &["status"],
    &["completions"],
    &["version"],
];

/// The limits of an attempt, wherever a version or a job is made.
const LIMITS: [&str; 10] = [
    "--fuel",
    "--memory",
    "--table-elements",
    "--timeout",
    "--max-output",
    "--max-log",
    "--max-files",
    "--host-calls",
    "--http-requests",
    "--http-bytes",
];

/// What makes a version besides its limits.
const VERSION: [&str; 7] =
    ["--allow-http", "--allow-mail", "--allow-enqueue", "--secret", "--env", "--deterministic", "--manifest"];

/// What the jobs of a schedule say, and so does a job.
const RUN: [&str; 5] = ["--queue", "--priority", "--max-attempts", "--expires-in", "--tag"];

/// What a schedule is.
const SCHEDULE: [&str; 15] = [
    "--task",
    "--cron",
    "--every",
    "--at",
    "--timezone",
    "--payload",
    "--overlap",
    "--missed",
    "--missed-after",
    "--jitter",
    "--dst-gap",
    "--dst-overlap",
    "--start",
    "--end",
    "--note",
];

/// The flags that the contract promises.
const FLAGS: [(&[&str], &[&str]); 19] = [
    (&["schedule", "create"], &["--paused"]),
    (&["schedule", "update"], &["--unset"]),
    (&["schedule", "list"], &["--state", "--task", "--limit", "--cursor"]),
    (&["schedule", "trigger"], &["--overlap", "--wait", "--wait-timeout"]),
    (&["schedule", "preview"], &["--timezone", "--from", "--count", "--year", "--dst-gap", "--dst-overlap"]),
    (&["schedule", "backfill"], &["--from", "--to", "--count-only", "-y, --yes"]),
    (&["schedule", "history"], &["--limit", "--before"]),
    (&["dev"], &["--data-dir", "--port", "--ports-file", "--max-limit", "--cache-size", "--allow-network"]),
    (&["task", "check"], &["--cache-dir"]),
    (
        &["task", "run"],
        &[
            "--out",
            "--checkpoint",
            "--outbox",
            "--secrets-file",
            "--smtp-url",
            "--mail-from",
            "--cache-dir",
            "--allow-network",
        ],
    ),
    (
        &["job", "cancel"],
        &["--grace", "--task", "--state", "--queue", "--tag", "--since", "--all", "-y, --yes"],
    ),
    (&["job", "retry"], &["--task", "--state", "--queue", "--tag", "--since", "--all", "-y, --yes"]),
    (&["migrate"], &["--dry-run"]),
    (&["task", "publish"], &["--no-promote", "--plan"]),
    (
        &["enqueue"],
        &[
            "--queue",
            "--priority",
            "--delay",
            "--at",
            "--key",
            "--key-ttl",
            "--max-attempts",
            "--expires-in",
            "--tag",
            "--batch",
            "--wait",
            "--wait-timeout",
        ],
    ),
    (&["job", "list"], &["--state", "--task", "--queue", "--tag", "--since", "--limit", "--cursor"]),
    (&["job", "logs"], &["-f, --follow"]),
    (
        &["scheduler", "run"],
        &[
            "--database-url",
            "--redis-url",
            "--listen",
            "--advertise",
            "--drain-timeout",
            "--max-limit",
            "--cache-size",
        ],
    ),
    (
        &["host", "run"],
        &[
            "--database-url",
            "--redis-url",
            "--name",
            "--listen",
            "--advertise",
            "--slots",
            "--queue",
            "--lease",
            "--allow-network",
            "--max-limit",
            "--cache-size",
        ],
    ),
];

const FLAGS_OF_EVERY_COMMAND: [&str; 8] = [
    "--server",
    "--token",
    "-n, --namespace",
    "-o, --output",
    "--color",
    "--time",
    "-q, --quiet",
    "-v, --verbose",
];

#[test]
fn every_command_explains_itself_and_has_the_common_flags() {
    let runner = Runner::new();

    for command in COMMANDS {
        let answer = runner.run(&[command, &["--help"]].concat());

        assert_eq!((answer.code, answer.stderr.as_str()), (0, ""), "{command:?}");
        assert!(
            answer.stdout.contains(&format!("Usage: {}", [&["jobctl"], command].concat().join(" "))),
            "{answer:?}"
        );
        for flag in FLAGS_OF_EVERY_COMMAND {
            assert!(answer.stdout.contains(flag), "{command:?} has no {flag}");
        }
    }
}

#[test]
fn every_flag_of_the_contract_is_there() {
    let runner = Runner::new();

    let versions = [&["task", "publish"][..], &["task", "check"], &["task", "run"]];
    let of_limits = versions.into_iter().chain([&["enqueue"][..]]).map(|command| (command, &LIMITS[..]));
    let of_versions = versions.into_iter().map(|command| (command, &VERSION[..]));
    let schedules = [&["schedule", "create"][..], &["schedule", "update"]];
    let of_schedules = schedules
        .into_iter()
        .flat_map(|command| [&SCHEDULE[..], &RUN, &LIMITS].map(|flags| (command, flags)));
    for (command, flags) in FLAGS.into_iter().chain(of_limits).chain(of_versions).chain(of_schedules) {
        let help = runner.run(&[command, &["--help"]].concat()).stdout;
        for flag in flags {
            assert!(
                help.contains(&format!("{flag} ")) || help.contains(&format!("{flag}\n")),
                "{command:?}: {flag}"
            );
        }
    }
}

#[test]
fn limits_and_grants_stand_apart_with_what_is_usual() {
    let runner = Runner::new();

    let run = runner.run(&["task", "run", "--help"]).stdout;
    let enqueue = runner.run(&["enqueue", "--help"]).stdout;
    let cancel = runner.run(&["job", "cancel", "--help"]).stdout;

    for heading in ["\nOptions:\n", "\nGrants (none unless given):\n", "\nLimits of an attempt:\n"] {
        assert!(run.contains(heading), "{heading}: {run}");
    }
    assert!(run.contains("[usual: 128 MiB]") && run.contains("[usual: 5m]"), "{run}");
    assert!(run.starts_with("Run a task here"), "{run}");
    assert!(enqueue.contains("\nLimits of each attempt (a job lowers"), "{enqueue}");
    let limits = enqueue.find("\nLimits of each attempt").expect("a heading");
    assert!(enqueue.find("--wait-timeout").is_some_and(|other| other < limits), "{enqueue}");
    assert!(cancel.contains("cancel-requested"), "{cancel}");
}

#[test]
fn the_exit_codes_are_told_by_help() {
    let help = Runner::new().run(&["--help"]).stdout;

    assert!(help.contains("Exit codes:"));
    for line in ["0  done", "4  the job failed", "7  server unreachable", "8  timed out", "9  conflict"] {
        assert!(help.contains(line), "{line}");
    }
    assert!(help.contains("schedule     Run tasks by the clock"), "{help}");
    assert!(!help.contains("compile-worker"), "it is not for people");
}

#[test]
fn each_command_tells_what_it_does_and_not_what_its_flags_do() {
    let runner = Runner::new();

    assert!(runner.run(&["dev", "--help"]).stdout.starts_with("Run everything in one process"));
    assert!(runner.run(&["enqueue", "--help"]).stdout.starts_with("Make a job"));
    assert!(runner.run(&["job", "wait", "--help"]).stdout.starts_with("Wait until a job has ended"));
    assert!(runner.run(&["--help"]).stdout.starts_with("A job platform"));
}

#[test]
fn shells_get_their_completions() {
    let runner = Runner::new();

    for (shell, expected) in
        [("bash", "complete -F _jobctl"), ("zsh", "#compdef jobctl"), ("fish", "complete -c jobctl")]
    {
        let answer = runner.run(&["completions", shell]);

        assert_eq!(answer.code, 0);
        assert!(answer.stdout.contains(expected), "{shell}");
        assert!(answer.stdout.contains("enqueue"), "{shell}");
    }
}

#[test]
fn the_version_names_what_the_binary_is_made_of() {
    let runner = Runner::new();

    let text = runner.run(&["version"]).stdout;
    let json = runner.run(&["version", "-o", "json"]).json();
    let flag = runner.run(&["--version"]).stdout;

    assert!(text.starts_with(&format!("jobctl {}\nwasmtime 48.", env!("CARGO_PKG_VERSION"))), "{text}");
    assert_eq!(json["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(json["wit"], "jobs:task@1.0.0");
    let (release, origin) = (&json["tzdb"]["release"], &json["tzdb"]["origin"]);
    assert!(release.as_str().is_some_and(|release| release.starts_with("20")), "{json}");
    let zones =
        format!("time zones {} ({})", release.as_str().expect("text"), origin.as_str().expect("text"));
    assert_eq!(text.lines().last(), Some(zones.as_str()), "{text}");
    assert_eq!(flag, format!("jobctl {}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn the_contract_that_is_named_is_the_one_of_the_wit_file() {
    let wit =
        std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../wit/task.wit")).expect("there");

    let named = Runner::new().run(&["version", "-o", "json"]).json();

    assert!(wit.contains(&format!("package {};", named["wit"].as_str().expect("text"))), "{named}");
}
