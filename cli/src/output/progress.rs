//! How far long work is: a line on standard error, when that is a terminal.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use super::Output;
use crate::show::escape;

/// How often a line that shows time goes on.
const TICK: Duration = Duration::from_millis(100);

/// Work whose end is not known.
const UNKNOWN: &str = "{spinner} {prefix} {elapsed} {wide_msg}";

/// Work of so many bytes.
const BYTES: &str = "{prefix} [{bar:30}] {binary_bytes}/{binary_total_bytes}";

/// Work of so many things.
const COUNT: &str = "{prefix} [{bar:30}] {pos}/{len} {per_sec}";

/// Work that says itself how far it is.
const PERCENT: &str = "{prefix} [{bar:30}] {pos:>3} % {elapsed} {wide_msg}";

/// A line that goes away when it is dropped. Without a terminal it does nothing.
#[derive(Debug)]
pub(crate) struct Progress(ProgressBar);

impl Drop for Progress {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

impl Output {
    /// Work that may say later how far it is.
    pub(crate) fn progress(&self, label: &str) -> Progress {
        self.line(UNKNOWN, label, 100)
    }

    /// Work of so many bytes.
    pub(crate) fn progress_bytes(&self, label: &str, total: u64) -> Progress {
        self.line(BYTES, label, total)
    }

    /// Work of so many things.
    pub(crate) fn progress_count(&self, label: &str, total: u64) -> Progress {
        self.line(COUNT, label, total)
    }

    fn line(&self, template: &str, label: &str, total: u64) -> Progress {
        if !self.shows_progress() {
            return Progress::hidden();
        }
        let progress = Progress(ProgressBar::new(total));
        progress.look(template);
        progress.0.set_prefix(escape::line(label));
        progress.0.enable_steady_tick(TICK);
        progress
    }
}

impl Progress {
    /// One that shows nothing.
    pub(crate) fn hidden() -> Self {
        Self(ProgressBar::hidden())
    }

    /// So much more is done.
    pub(crate) fn advance(&self, by: u64) {
        self.0.inc(by);
    }

    /// So much there is to do.
    pub(crate) fn expect(&self, total: u64) {
        self.0.set_length(total);
    }

    /// So much of a hundred is done.
    pub(crate) fn percent(&self, percent: u64) {
        self.look(PERCENT);
        self.0.set_position(percent);
    }

    /// What is being done now; may come from a guest.
    pub(crate) fn say(&self, message: &str) {
        self.0.set_message(escape::line(message));
    }

    /// Prints something while the line stands aside.
    pub(crate) fn aside(&self, print: impl FnOnce()) {
        self.0.suspend(print);
    }

    /// Now comes other work, whose end is not known.
    pub(crate) fn go_on(&self, label: &str) {
        self.look(UNKNOWN);
        self.0.set_prefix(escape::line(label));
    }

    /// The work is over, though others may hold the line still.
    pub(crate) fn close(&self) {
        self.0.finish_and_clear();
    }

    fn look(&self, template: &str) {
        // The templates are ours and well-formed; with another look the line would be as good.
        if let Ok(style) = ProgressStyle::with_template(template) {
            self.0.set_style(style.progress_chars("=> "));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_template_is_well_formed() {
        for template in [UNKNOWN, BYTES, COUNT, PERCENT] {
            assert!(ProgressStyle::with_template(template).is_ok(), "{template}");
        }
    }
}
