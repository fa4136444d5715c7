//! Jobs for people.

use model::job::JobState;
use model::limits::LimitOverrides;
use model::units::{show_count, show_size};
use rpc::v1;

use super::escape;
use super::json::pretty;
use super::table::{table, table_with_prose};
use super::time::{Times, instant, milliseconds, said_of};
use super::view::View;

/// Longest payload or result that `job show` prints in text; `-o json` has all of it.
const SHOWN_BYTES_MAX: usize = 16 << 10;

/// Before further lines of a fact: as wide as its name.
const CONTINUED: &str = "\n              ";

/// Jobs in a table.
pub(crate) fn jobs(view: &View, times: Times, jobs: &[v1::Job]) -> String {
    if jobs.is_empty() {
        return "no jobs".to_owned();
    }
    let cells = |job: &v1::Job| {
        [
            job.id.clone(),
            job.state.clone(),
            format!("{}@{}", job.task, job.version),
            times.at(job.created_at.as_ref()),
            format!("{}/{}", job.attempt, job.max_attempts),
            job.queue.clone(),
            times.at(job.finished_at.as_ref()),
        ]
    };
    let header = ["ID", "STATE", "TASK", "CREATED", "ATTEMPT", "QUEUE", "FINISHED"];
    if jobs.iter().all(|job| job.schedule.is_empty()) {
        return table(view, header, jobs.iter().map(cells));
    }
    let rows = jobs.iter().map(|job| {
        let [id, state, task, created, attempt, queue, finished] = cells(job);
        let instant = said_of(job.scheduled_for.as_ref()).unwrap_or_default();
        [id, state, task, created, job.schedule.clone(), instant, attempt, queue, finished]
    });
    let [id, state, task, created, attempt, queue, finished] = header;
    table(view, [id, state, task, created, "SCHEDULE", "FOR", attempt, queue, finished], rows)
}

/// A job in full.
pub(crate) fn job(view: &View, times: Times, job: &v1::Job) -> String {
    let mut text = String::new();
    for (name, value) in facts(view, times, job) {
        text.push_str(&format!("{}  {value}\n", view.paint.dim(&format!("{name:<12}"))));
    }
    text.push_str(&json_block(view, "payload", Some(&job.payload)));
    text.push_str(&json_block(view, "result", job.result.as_deref()));
    if !job.attempts.is_empty() {
        let block = |name: &str, table: String| format!("\n{}\n{table}\n", view.paint.bold(name));
        text.push_str(&block("attempts", attempts(view, times, &job.attempts)));
        if job.attempts.iter().any(|attempt| attempt.run_ms.is_some()) {
            text.push_str(&block("used", used(view, &job.attempts)));
        }
    }
    if !job.files.is_empty() {
        text.push_str(&format!("\n{}\n{}\n", view.paint.bold("files"), files(view, &job.files)));
    }
    text
}

/// What may be done about a job that failed.
pub(crate) fn what_to_do(job: &v1::Job) -> Option<String> {
    if job.state != JobState::Failed.as_str() {
        return None;
    }
    let kind = job.error.as_ref().map(|failure| failure.kind.as_str()).unwrap_or_default();
    let first = match kind {
        "lost" => "look at the logs and the memory of the hosts that ran it; then ",
        _ => "",
    };
    Some(format!("{first}`jobctl job retry {}` runs it again", job.id))
}

fn facts(view: &View, times: Times, job: &v1::Job) -> Vec<(&'static str, String)> {
    let mut tags: Vec<_> = job.tags.iter().map(|(key, value)| format!("{key}={value}")).collect();
    tags.sort_unstable();
    let stopping = if job.cancel_requested { " (was told to stop)" } else { "" };
    let progress =
        job.progress.as_ref().map(|progress| format!("{} % {}", progress.percent, progress.message));
    let error = job.error.as_ref().map(|failure| format!("{}: {}", failure.kind, failure.message));
    let optional = |text: &String| Some(text.clone()).filter(|text| !text.is_empty());
    let lines = [
        ("id", Some(job.id.clone())),
        ("task", Some(format!("{}@{} (sha256 {})", job.task, job.version, short(&job.sha256)))),
        ("state", Some(format!("{}{stopping}", job.state))),
        ("error", error),
        ("progress", progress),
        ("queue", Some(format!("{} (priority {})", job.queue, job.priority))),
        ("attempt", Some(format!("{} of at most {}", job.attempt, job.max_attempts))),
        ("limits", optional(&limits(job))),
        ("key", optional(&job.key)),
        ("tags", optional(&tags.join(" "))),
        ("schedule", optional(&schedule(times, job))),
        ("parent", optional(&job.parent)),
        ("created", Some(times.at(job.created_at.as_ref()))),
        ("run at", Some(times.at(job.run_at.as_ref()))),
        ("started", job.started_at.as_ref().map(|at| times.at(Some(at)))),
        ("finished", job.finished_at.as_ref().map(|at| times.at(Some(at)))),
    ];
    lines
        .into_iter()
        .filter_map(|(name, value)| {
            // Further lines of an error, its backtrace, stand below it.
            let value = escape::lines(&value?).replace("\n    ", CONTINUED);
            let shown = match name {
                "state" => value.replacen(&job.state, &view.paint.state(&job.state), 1),
                _ => value,
            };
            Some((name, shown))
        })
        .collect()
}

/// The schedule that made it, and the instant that it was made for.
fn schedule(times: Times, job: &v1::Job) -> String {
    match job.scheduled_for.as_ref().and_then(instant) {
        Some(at) => format!("{}, for {}", job.schedule, times.at_both(at)),
        None => job.schedule.clone(),
    }
}

/// Limits that the job set lower than its version's.
fn limits(job: &v1::Job) -> String {
    let limits = job.limits.and_then(|limits| LimitOverrides::try_from(limits).ok()).unwrap_or_default();
    let shown = limits.shown().into_iter().map(|(name, amount)| format!("{name} {amount}"));
    shown.collect::<Vec<_>>().join(", ")
}

pub(super) fn json_block(view: &View, name: &str, bytes: Option<&[u8]>) -> String {
    let Some(bytes) = bytes else {
        return String::new();
    };
    let shown = match std::str::from_utf8(bytes) {
        Ok(json) if bytes.len() <= SHOWN_BYTES_MAX => escape::json(&pretty(json)).replace('\n', "\n  "),
        _ => format!("{}: `-o json` prints it", show_size(bytes.len() as u64)),
    };
    format!("\n{}\n  {shown}\n", view.paint.bold(name))
}

fn attempts(view: &View, times: Times, attempts: &[v1::Attempt]) -> String {
    let rows = attempts.iter().map(|attempt| {
        let error = attempt
            .error
            .as_ref()
            .map(|failure| format!("{}: {}", failure.kind, first_line(&failure.message)));
        let stop = attempt.stop.as_ref().map(stop);
        [
            attempt.number.to_string(),
            if attempt.outcome.is_empty() { "running".to_owned() } else { attempt.outcome.clone() },
            attempt.host.clone(),
            times.at(attempt.started_at.as_ref()),
            attempt.duration_ms.map(milliseconds).unwrap_or_default(),
            [error, stop].into_iter().flatten().collect::<Vec<_>>().join("; "),
        ]
    });
    table_with_prose(view, ["NO", "OUTCOME", "HOST", "STARTED", "TOOK", "ERROR"], rows)
}

/// How an attempt was stopped.
fn stop(stop: &v1::Stop) -> String {
    format!("stopped ({}) in {}", stop.reason, milliseconds(stop.latency_ms))
}

/// What attempts used: how long they ran, what of it in host calls, and where their code came from.
fn used(view: &View, attempts: &[v1::Attempt]) -> String {
    let rows = attempts.iter().map(|attempt| {
        let calls = attempt.host_calls.map(|calls| {
            let time = milliseconds(attempt.host_call_ms.unwrap_or_default());
            format!("{} in {time}", show_count(calls))
        });
        let code = attempt.load_ms.map(|ms| format!("{} {}", milliseconds(ms), attempt.code));
        [
            attempt.number.to_string(),
            attempt.fuel.map(show_count).unwrap_or_default(),
            attempt.peak_memory_bytes.map(show_size).unwrap_or_default(),
            attempt.run_ms.map(milliseconds).unwrap_or_default(),
            calls.unwrap_or_default(),
            code.unwrap_or_default().trim_end().to_owned(),
            attempt.bytes_in.map(show_size).unwrap_or_default(),
            attempt.bytes_out.map(show_size).unwrap_or_default(),
        ]
    });
    table(view, ["NO", "FUEL", "MEMORY", "RUN", "HOST CALLS", "CODE", "IN", "OUT"], rows)
}

/// Files in a table.
pub(crate) fn files(view: &View, files: &[v1::FileInfo]) -> String {
    if files.is_empty() {
        return "no files".to_owned();
    }
    let rows =
        files.iter().map(|file| [file.name.clone(), file.media_type.clone(), show_size(file.size_bytes)]);
    table(view, ["NAME", "TYPE", "SIZE"], rows)
}

/// One line of a log; further lines of its text are set off, so that none can pose as an entry.
pub(crate) fn log_entry(view: &View, times: Times, entry: &v1::LogEntry) -> String {
    let text = escape::block(entry.text.trim_end_matches('\n')).replace('\n', "\n    | ");
    let head = format!("{} #{}", times.at(entry.at.as_ref()), entry.attempt);
    let level = format!("{:<6}", escape::line(&entry.level));
    let level = if entry.level == "error" { view.paint.red(&level) } else { view.paint.cyan(&level) };
    format!("{} {level} {text}", view.paint.dim(&head))
}

/// The first line of a text: what was wrong, without the backtrace; what a task does, without the rest.
pub(crate) fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or_default()
}

/// The first digits of a digest.
pub(crate) fn short(sha256: &str) -> &str {
    sha256.get(..12).unwrap_or(sha256)
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;
    use crate::args::TimeStyle;

    const TIMES: Times = Times { style: TimeStyle::Iso, now: DateTime::UNIX_EPOCH };

    #[test]
    fn hostile_text_of_a_guest_stays_text() {
        let hostile = "\x1b[2J\u{202e}";
        let message = v1::Job {
            state: "failed".to_owned(),
            payload: format!("{{\"a\":\"\u{9b}{}\"}}", "\u{202e}").into_bytes(),
            error: Some(v1::Failure { kind: "task".to_owned(), message: hostile.to_owned() }),
            progress: Some(v1::Progress { percent: 1, message: hostile.to_owned() }),
            tags: [("k".to_owned(), hostile.to_owned())].into(),
            attempts: vec![v1::Attempt {
                error: Some(v1::Failure { kind: "task".to_owned(), message: hostile.to_owned() }),
                ..v1::Attempt::default()
            }],
            files: vec![v1::FileInfo { name: hostile.to_owned(), ..v1::FileInfo::default() }],
            ..v1::Job::default()
        };

        let shown = job(&View::default(), TIMES, &message);

        assert!(!shown.contains(['\x1b', '\u{202e}', '\u{9b}']), "{shown:?}");
        assert!(shown.contains("\\u{1b}[2J"), "{shown}");
    }

    fn ended() -> v1::Job {
        let attempt = v1::Attempt {
            number: 1,
            host: "worker-1".to_owned(),
            outcome: "failed".to_owned(),
            duration_ms: Some(412.0),
            fuel: Some(50_000_000_000),
            peak_memory_bytes: Some(131 << 20),
            error: Some(v1::Failure {
                kind: "memory".to_owned(),
                message: "asked for 131 MiB, limit 128 MiB\n  at grow\n  at run".to_owned(),
            }),
            stop: Some(v1::Stop { reason: "deadline".to_owned(), latency_ms: 0.25 }),
            host_calls: Some(1_000),
            host_call_ms: Some(0.42),
            bytes_in: Some(1_536),
            bytes_out: Some(64 << 20),
            code: "compiled".to_owned(),
            load_ms: Some(812.0),
            run_ms: Some(400.0),
            ..v1::Attempt::default()
        };
        v1::Job {
            id: "018f0000-0000-7000-8000-000000000000".to_owned(),
            state: "failed".to_owned(),
            payload: b"{}".to_vec(),
            error: attempt.error.clone(),
            limits: Some(v1::LimitOverrides {
                memory_bytes: Some(128 << 20),
                ..v1::LimitOverrides::default()
            }),
            attempts: vec![attempt],
            ..v1::Job::default()
        }
    }

    #[test]
    fn a_backtrace_stands_below_its_error_and_not_in_the_table() {
        let shown = job(&View::default(), TIMES, &ended());

        let expected = "error         memory: asked for 131 MiB, limit 128 MiB\n              at grow\n              at run\n";
        assert!(shown.contains(expected), "{shown}");
        assert_eq!(shown.matches("at grow").count(), 1, "{shown}");
        assert!(shown.contains("stopped (deadline) in 0.25ms"), "{shown}");
    }

    #[test]
    fn what_an_attempt_used_and_what_it_was_allowed_is_told() {
        let shown = job(&View::default(), TIMES, &ended());

        for expected in [
            "limits        memory 128 MiB\n",
            "NO  FUEL            MEMORY   RUN    HOST CALLS       CODE            IN       OUT",
            "1   50,000,000,000  131 MiB  400ms  1,000 in 0.42ms  812ms compiled  1.5 KiB  64 MiB",
        ] {
            assert!(shown.contains(expected), "{expected}: {shown}");
        }
    }

    #[test]
    fn a_job_in_full_fits_eighty_columns() {
        let view = View { width: Some(80), ..View::default() };

        let shown = job(&view, Times { style: TimeStyle::Relative, ..TIMES }, &ended());

        assert!(shown.contains("HOST CALLS"), "{shown}");
        for line in shown.lines() {
            assert!(line.chars().count() <= 80, "{line}");
        }
    }

    #[test]
    fn what_failed_may_be_retried_and_what_took_its_hosts_down_is_to_be_looked_at_first() {
        let of_kind = |kind: &str| v1::Job {
            error: Some(v1::Failure { kind: kind.to_owned(), message: String::new() }),
            ..ended()
        };

        let task = what_to_do(&of_kind("task")).expect("a hint");
        let lost = what_to_do(&of_kind("lost")).expect("a hint");

        assert!(task.starts_with("`jobctl job retry 018f0000-"), "{task}");
        assert!(lost.contains("memory of the hosts") && lost.contains("jobctl job retry"), "{lost}");
        assert_eq!(what_to_do(&v1::Job { state: "running".to_owned(), ..ended() }), None);
    }

    #[test]
    fn a_job_of_a_schedule_says_which_and_for_when() {
        let scheduled_for = Some(prost_types::Timestamp { seconds: 60, nanos: 0 });
        let message = v1::Job { schedule: "nightly".to_owned(), scheduled_for, ..ended() };
        let times = Times { style: TimeStyle::Relative, ..TIMES };

        let shown = job(&View::default(), times, &message);
        let with = jobs(&View::default(), times, &[message]);
        let without = jobs(&View::default(), times, &[ended()]);

        assert!(shown.contains("schedule      nightly, for 1970-01-01T00:01:00Z (in 1 min)\n"), "{shown}");
        assert!(with.contains("SCHEDULE") && with.contains("1970-01-01T00:01:00Z"), "{with}");
        assert!(!without.contains("SCHEDULE"), "{without}");
    }

    #[test]
    fn a_log_line_cannot_pose_as_another() {
        let entry = v1::LogEntry {
            attempt: 1,
            at: Some(prost_types::Timestamp { seconds: 0, nanos: 0 }),
            level: "info".to_owned(),
            text: "one\n1970-01-01T00:00:00Z #1 error forged\r\n".to_owned(),
        };

        let shown = log_entry(&View::default(), TIMES, &entry);

        assert_eq!(
            shown,
            "1970-01-01T00:00:00.000000Z #1 info   one\n    | 1970-01-01T00:00:00Z #1 error forged\\r"
        );
    }

    #[test]
    fn a_large_result_is_named_and_not_printed() {
        let message = v1::Job { result: Some(vec![b'1'; SHOWN_BYTES_MAX + 1]), ..v1::Job::default() };

        assert!(job(&View::default(), TIMES, &message).contains("`-o json` prints it"));
    }
}
