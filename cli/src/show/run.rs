//! How a task went that was run here, as JSON and for people.

use std::path::PathBuf;
use std::time::Duration;

use host::local::Event;
use model::attempt::CodeOrigin;
use model::error::Failure;
use model::id::JobId;
use model::job::{LogLine, OutputFile, Progress};
use model::limits::Limits;
use model::retry::Ending;
use model::task::Manifest;
use model::units::{show_count, show_duration_ms, show_size};
use sandbox::{ChildJob, Execution, MailMessage};
use serde::Serialize;
use serde_json::value::RawValue;

use super::escape;
use super::json::raw;
use super::table::table;
use super::time::{exact, milliseconds};
use super::view::View;

/// Where the compiled code came from, and how long that took.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Loaded {
    pub(crate) code: CodeOrigin,
    /// How long the compiler took; 0 when it was compiled before.
    pub(crate) compile_ms: u64,
    /// Until the task could be run, checks included.
    pub(crate) took: Duration,
}

/// What a task did while it ran.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    lines: Vec<LogLine>,
    progress: Option<Progress>,
    mails: Vec<(String, MailMessage)>,
    children: Vec<(JobId, ChildJob)>,
}

impl Seen {
    /// Keeps one more thing.
    pub(crate) fn add(&mut self, event: Event) {
        match event {
            Event::Line(line) => self.lines.push(line),
            Event::Progress(progress) => self.progress = Some(progress),
            Event::Mail(id, message) => self.mails.push((id, message)),
            Event::Child(id, child) => self.children.push((id, child)),
        }
    }
}

/// A file that the task made.
#[derive(Debug, Serialize)]
pub(crate) struct Kept<'a> {
    name: &'a str,
    media_type: &'a str,
    size_bytes: u64,
    /// Where it is now; none: it was not to be kept.
    pub(crate) path: Option<PathBuf>,
}

impl<'a> Kept<'a> {
    /// `file`, now at `path`.
    pub(crate) fn of(file: &'a OutputFile, path: Option<PathBuf>) -> Self {
        let size_bytes = file.bytes.len() as u64;
        Self { name: &file.name, media_type: &file.media_type, size_bytes, path }
    }

    /// One line for people.
    pub(crate) fn text(&self) -> String {
        let name = self.path.as_ref().map_or(self.name.to_owned(), |path| path.display().to_string());
        escape::line(&format!("file {name} ({}, {})", self.media_type, show_size(self.size_bytes)))
    }
}

/// What `task run` answers.
#[derive(Debug, Serialize)]
pub(crate) struct Ran<'a> {
    task: &'a str,
    outcome: &'static str,
    result: Option<&'a RawValue>,
    error: Option<&'a Failure>,
    stop: Option<Stop>,
    usage: Usage,
    limits: &'a Limits,
    logs: Vec<Line<'a>>,
    files: &'a [Kept<'a>],
    children: Vec<Child<'a>>,
    mails: Vec<Mail<'a>>,
    progress: Option<&'a Progress>,
}

#[derive(Debug, Serialize)]
struct Stop {
    reason: &'static str,
    latency_ms: f64,
}

#[derive(Debug, Serialize)]
struct Usage {
    fuel: Option<u64>,
    peak_memory_bytes: u64,
    table_elements: u64,
    run_ms: f64,
    output_bytes: u64,
    log_bytes: u64,
    file_bytes: u64,
    host_calls: u64,
    host_call_ms: f64,
    http_requests: u64,
    http_bytes: u64,
    bytes_in: u64,
    bytes_out: u64,
    code: &'static str,
    compile_ms: u64,
    load_ms: f64,
}

#[derive(Debug, Serialize)]
struct Line<'a> {
    at: String,
    level: &'static str,
    text: &'a str,
}

#[derive(Debug, Serialize)]
struct Child<'a> {
    id: String,
    task: &'a str,
    payload: Option<&'a RawValue>,
    queue: Option<&'a str>,
    priority: u8,
    delay_ms: u128,
}

#[derive(Debug, Serialize)]
struct Mail<'a> {
    id: &'a str,
    to: &'a [String],
    subject: &'a str,
}

fn ms(micros: u64) -> f64 {
    Duration::from_micros(micros).as_secs_f64() * 1_000.0
}

impl<'a> Ran<'a> {
    /// Of the task of `manifest`.
    pub(crate) fn of(
        manifest: &'a Manifest,
        execution: &'a Execution,
        loaded: Loaded,
        files: &'a [Kept<'a>],
        seen: &'a Seen,
    ) -> Self {
        let error = match &execution.ending {
            Ending::Failed { failure, .. } => Some(failure),
            _ => None,
        };
        let stop =
            execution.stop.map(|stop| Stop { reason: stop.reason.as_str(), latency_ms: ms(stop.latency_us) });
        let line =
            |line: &'a LogLine| Line { at: exact(line.at), level: line.level.as_str(), text: &line.text };
        Self {
            task: manifest.description.name.as_str(),
            outcome: execution.ending.outcome().as_str(),
            result: execution.result.as_ref().and_then(|result| raw(result.as_bytes())),
            error,
            stop,
            usage: Usage::of(execution, loaded),
            limits: &manifest.limits,
            logs: seen.lines.iter().map(line).collect(),
            files,
            children: seen.children.iter().map(Child::from).collect(),
            mails: seen
                .mails
                .iter()
                .map(|(id, message)| Mail { id, to: &message.to, subject: &message.subject })
                .collect(),
            progress: seen.progress.as_ref(),
        }
    }
}

impl Usage {
    fn of(execution: &Execution, loaded: Loaded) -> Self {
        let (usage, spent) = (&execution.usage, &execution.spent);
        Self {
            fuel: usage.fuel,
            peak_memory_bytes: usage.peak_memory_bytes,
            table_elements: spent.table_elements,
            run_ms: ms(usage.wall_us),
            output_bytes: spent.output_bytes,
            log_bytes: spent.log_bytes,
            file_bytes: spent.file_bytes,
            host_calls: usage.host_calls,
            host_call_ms: ms(usage.host_call_us),
            http_requests: spent.http_requests,
            http_bytes: spent.http_bytes,
            bytes_in: usage.bytes_in,
            bytes_out: usage.bytes_out,
            code: loaded.code.as_str(),
            compile_ms: loaded.compile_ms,
            load_ms: loaded.took.as_secs_f64() * 1_000.0,
        }
    }
}

impl<'a> From<&'a (JobId, ChildJob)> for Child<'a> {
    fn from((id, child): &'a (JobId, ChildJob)) -> Self {
        Self {
            id: id.to_string(),
            task: child.task.as_str(),
            payload: raw(child.payload.as_bytes()),
            queue: child.queue.as_ref().map(|queue| queue.as_str()),
            priority: child.priority.get(),
            delay_ms: child.delay.as_millis(),
        }
    }
}

/// What was used of each limit, for people.
pub(crate) fn used(view: &View, limits: &Limits, execution: &Execution, loaded: Loaded) -> String {
    let (usage, spent) = (&execution.usage, &execution.spent);
    let size = |name, used, of| row(name, used, Some(of), show_size);
    let count = |name, used, of| row(name, used, Some(of), show_count);
    let fuel = match usage.fuel {
        Some(units) => row("fuel", units, limits.fuel, show_count),
        None => ["fuel", "not metered", "unlimited", ""].map(str::to_owned),
    };
    let mut time = row("time", usage.wall_us, Some(limits.timeout_ms.saturating_mul(1_000)), show_count);
    time[1] = milliseconds(ms(usage.wall_us));
    time[2] = show_duration_ms(limits.timeout_ms);
    let rows = [
        fuel,
        size("memory", usage.peak_memory_bytes, limits.memory_bytes),
        count("table elements", spent.table_elements, limits.table_elements),
        time,
        size("output", spent.output_bytes, limits.output_bytes),
        size("log", spent.log_bytes, limits.log_bytes),
        size("files", spent.file_bytes, limits.file_bytes),
        count("host calls", usage.host_calls, limits.host_calls),
        count("HTTP requests", spent.http_requests, limits.http_requests),
        size("HTTP bytes", spent.http_bytes, limits.http_bytes),
    ];
    let code = match loaded.compile_ms {
        0 => format!("from {}", loaded.code),
        ms => format!("compiled in {ms} ms"),
    };
    let mut facts = vec![
        ("code", format!("{code}, ready after {}", milliseconds(loaded.took.as_secs_f64() * 1_000.0))),
        ("in host calls", milliseconds(ms(usage.host_call_us))),
        ("bytes", format!("{} in, {} out", show_size(usage.bytes_in), show_size(usage.bytes_out))),
    ];
    if let Some(stop) = execution.stop {
        facts.push(("stopped", format!("({}) in {}", stop.reason, milliseconds(ms(stop.latency_us)))));
    }
    let facts =
        facts.iter().map(|(name, fact)| format!("\n{}  {fact}", view.paint.dim(&format!("{name:<14}"))));
    format!("\n{}\n{}", table(view, ["LIMIT", "USED", "OF", "%"], rows), facts.collect::<String>())
}

fn row(name: &str, used: u64, of: Option<u64>, show: fn(u64) -> String) -> [String; 4] {
    [
        name.to_owned(),
        show(used),
        of.map_or("unlimited".to_owned(), show),
        of.map_or(String::new(), |of| percent(used, of)),
    ]
}

/// How much of a limit was used, in hundredths.
fn percent(used: u64, of: u64) -> String {
    #[expect(clippy::cast_precision_loss, reason = "three digits of it are shown")]
    let percent = used as f64 * 100.0 / of.max(1) as f64;
    match percent {
        0.0 => "0".to_owned(),
        ..0.1 => "<0.1".to_owned(),
        0.1..10.0 => format!("{percent:.1}"),
        _ => format!("{percent:.0}"),
    }
}

#[cfg(test)]
mod tests {
    use model::attempt::{Stop, StopReason, Usage};
    use model::error::ErrorKind;
    use model::json::Json;
    use model::limits::LimitOverrides;
    use model::retry::Retry;
    use model::task::TaskDescription;
    use sandbox::Spent;
    use serde_json::{Value, json};

    use super::*;

    const LOADED: Loaded =
        Loaded { code: CodeOrigin::Compiled, compile_ms: 30, took: Duration::from_millis(35) };

    fn execution() -> Execution {
        Execution {
            ending: Ending::Failed {
                failure: Failure::new(ErrorKind::Memory, "asked for 131 MiB, limit 128 MiB"),
                retry: Retry::Never,
            },
            result: None,
            files: Vec::new(),
            usage: Usage {
                fuel: Some(12_345),
                peak_memory_bytes: 64 << 20,
                wall_us: 1_500,
                host_call_us: 420,
                host_calls: 3,
                bytes_in: 1_536,
                bytes_out: 10,
                code: Some(CodeOrigin::Memory),
                load_us: 1,
            },
            stop: Some(Stop { reason: StopReason::Deadline, latency_us: 250 }),
            spent: Spent { table_elements: 200_000, output_bytes: 1 << 19, ..Spent::default() },
        }
    }

    fn manifest() -> Manifest {
        Manifest {
            description: TaskDescription {
                name: "report".parse().expect("a name"),
                description: String::new(),
                input_schema: None,
                output_schema: None,
                limits: LimitOverrides::default(),
                max_attempts: None,
            },
            imports: Vec::new(),
            grants: model::grants::Grants::default(),
            limits: Limits::default(),
            deterministic: false,
        }
    }

    #[test]
    fn what_was_used_of_each_limit_stands_in_a_row() {
        let shown = used(&View::default(), &Limits::default(), &execution(), LOADED);

        let expected = [
            "LIMIT           USED     OF              %",
            "fuel            12,345   50,000,000,000  <0.1",
            "memory          64 MiB   128 MiB         50",
            "table elements  200,000  200,000         100",
            "time            1.50ms   5m              <0.1",
            "output          512 KiB  1 MiB           50",
            "log             0 B      1 MiB           0",
            "files           0 B      16 MiB          0",
            "host calls      3        100,000         <0.1",
            "HTTP requests   0        1,000           0",
            "HTTP bytes      0 B      64 MiB          0",
            "",
            "code            compiled in 30 ms, ready after 35ms",
            "in host calls   0.42ms",
            "bytes           1.5 KiB in, 10 B out",
            "stopped         (deadline) in 0.25ms",
        ];
        assert_eq!(shown.trim_start().lines().collect::<Vec<_>>(), expected, "{shown}");
    }

    #[test]
    fn what_is_not_metered_has_no_share() {
        let limits = Limits { fuel: None, ..Limits::default() };
        let execution = Execution { usage: Usage::default(), ..execution() };

        let shown = used(&View::default(), &limits, &execution, LOADED);

        assert!(shown.contains("fuel            not metered  unlimited  -\n"), "{shown}");
    }

    #[test]
    fn programs_get_one_document_with_all_of_it() {
        let (manifest, execution, mut seen) = (manifest(), execution(), Seen::default());
        let child = ChildJob {
            task: "other".parse().expect("a name"),
            payload: Json::default(),
            queue: None,
            priority: model::job::Priority::default(),
            delay: Duration::from_secs(1),
            call: 0,
        };
        seen.add(Event::Child(JobId(Default::default()), child));
        let file = OutputFile { name: "a.csv".to_owned(), media_type: "text/csv".to_owned(), bytes: vec![1] };
        let kept = [Kept::of(&file, Some("out/a.csv".into()))];

        let shown = serde_json::to_value(Ran::of(&manifest, &execution, LOADED, &kept, &seen)).expect("JSON");

        let keys: Vec<_> = shown.as_object().expect("an object").keys().map(String::as_str).collect();
        let promised = [
            "children", "error", "files", "limits", "logs", "mails", "outcome", "progress", "result", "stop",
            "task", "usage",
        ];
        assert_eq!(keys, promised);
        assert_eq!(shown["error"], json!({"kind": "memory", "message": "asked for 131 MiB, limit 128 MiB"}));
        assert_eq!(shown["stop"], json!({"reason": "deadline", "latency_ms": 0.25}));
        assert_eq!((&shown["outcome"], &shown["result"]), (&json!("failed"), &Value::Null));
        assert_eq!((&shown["usage"]["host_calls"], &shown["usage"]["compile_ms"]), (&json!(3), &json!(30)));
        assert_eq!(shown["children"][0]["task"], "other");
        assert_eq!(shown["files"][0]["path"], "out/a.csv");
    }

    #[test]
    fn a_share_is_as_exact_as_it_is_small() {
        let shown =
            [(0, 10), (1, 100_000), (15, 1_000), (99, 100), (100, 100)].map(|(used, of)| percent(used, of));

        assert_eq!(shown, ["0", "<0.1", "1.5", "99", "100"]);
    }
}
