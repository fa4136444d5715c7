//! What a task does while it runs, shown as it happens and kept for the end.

use std::sync::{Mutex, MutexGuard, PoisonError};

use host::local::Event;
use model::job::LogLine;
use rpc::v1;

use crate::args::{Format, TimeStyle};
use crate::commands::context::Context;
use crate::output::{Output, Progress};
use crate::show::escape;
use crate::show::job_text::log_entry;
use crate::show::run::Seen;
use crate::show::time::Times;
use crate::show::view::View;

/// Looks on.
pub(super) struct Watch {
    output: Output,
    view: View,
    times: Times,
    progress: Progress,
    seen: Mutex<Seen>,
}

impl Watch {
    pub(super) fn new(context: &Context) -> Self {
        Self {
            output: context.output.clone(),
            view: context.output.view_of_stderr(),
            // In a log the distance between lines matters, so times are exact.
            times: Times { style: TimeStyle::Iso, ..context.times },
            progress: context.output.progress("running"),
            seen: Mutex::default(),
        }
    }

    /// Shows and keeps what the task did.
    pub(super) fn tell(&self, event: Event) {
        match &event {
            Event::Line(line) => self.show(|| self.line(line)),
            Event::Progress(now) => {
                self.progress.percent(now.percent.into());
                self.progress.say(&now.message);
            }
            Event::Mail(id, message) => {
                let text = format!("e-mail to {}: {} ({id})", message.to.join(", "), message.subject);
                self.show(|| escape::line(&text));
            }
            Event::Child(id, child) => {
                self.show(|| escape::line(&format!("child job {id} of task {}: told, not made", child.task)));
            }
        }
        self.seen().add(event);
    }

    /// Tells people something while the task runs.
    pub(super) fn say(&self, text: &str) {
        self.progress.aside(|| self.output.note(text));
    }

    /// Nothing runs any more.
    pub(super) fn close(&self) {
        self.progress.close();
    }

    /// What there was to see.
    pub(super) fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// For people as it comes, made harmless already; programs get it all at the end.
    fn show(&self, text: impl FnOnce() -> String) {
        if self.output.format() == Format::Text {
            self.say(&text());
        }
    }

    fn line(&self, line: &LogLine) -> String {
        let entry = v1::LogEntry {
            attempt: 1,
            at: Some(rpc::timestamp(line.at)),
            level: line.level.as_str().to_owned(),
            text: line.text.clone(),
        };
        log_entry(&self.view, self.times, &entry)
    }
}
