//! How a task went that was run here, as JSON and for people.

use std::path::PathBuf;

use host::local::Event;
use model::error::Failure;
use model::id::JobId;
use model::job::{LogLine, OutputFile, Progress};
use model::limits::Limits;
use model::retry::Ending;
use model::task::Manifest;
use model::units::show_size;
use sandbox::{ChildJob, Execution, MailMessage};
use serde::Serialize;
use serde_json::value::RawValue;

use super::escape;
use super::json::raw;
use super::time::exact;
use super::used::{Loaded, of_micros};

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
        let stop = execution
            .stop
            .map(|stop| Stop { reason: stop.reason.as_str(), latency_ms: of_micros(stop.latency_us) });
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
            run_ms: of_micros(usage.wall_us),
            output_bytes: spent.output_bytes,
            log_bytes: spent.log_bytes,
            file_bytes: spent.file_bytes,
            host_calls: usage.host_calls,
            host_call_ms: of_micros(usage.host_call_us),
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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use model::json::Json;
    use model::limits::LimitOverrides;
    use model::task::TaskDescription;
    use serde_json::{Value, json};

    use super::*;
    use crate::show::used::tests::{LOADED, execution};

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
}
