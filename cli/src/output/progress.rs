//! How far long work is: a line on standard error, when that is a terminal.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use super::Output;
use crate::show::escape;

/// How often a line that shows time goes on.
const TICK: Duration = Duration::from_millis(100);

/// A line that goes away when it is dropped. Without a terminal it does nothing.
#[derive(Debug)]
pub(crate) struct Progress(ProgressBar);

impl Drop for Progress {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

impl Output {
    /// Work of so many bytes.
    pub(crate) fn progress_bytes(&self, label: &str, total: u64) -> Progress {
        let template = "{prefix} [{bar:30}] {binary_bytes}/{binary_total_bytes} {wide_msg}";
        self.progress(ProgressBar::new(total), template, label)
    }

    /// Work of so many things.
    pub(crate) fn progress_count(&self, label: &str, total: u64) -> Progress {
        self.progress(ProgressBar::new(total), "{prefix} [{bar:30}] {pos}/{len} {per_sec}", label)
    }

    /// Work that says itself how far it is.
    pub(crate) fn progress_percent(&self, label: &str) -> Progress {
        self.progress(ProgressBar::new(100), "{prefix} [{bar:30}] {pos:>3} % {elapsed} {wide_msg}", label)
    }

    fn progress(&self, bar: ProgressBar, template: &str, label: &str) -> Progress {
        if !self.shows_progress() {
            return Progress::hidden();
        }
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style.progress_chars("=> "));
        }
        bar.set_prefix(escape::line(label));
        bar.enable_steady_tick(TICK);
        Progress(bar)
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

    /// The work is over, though others may hold the line still.
    pub(crate) fn close(&self) {
        self.0.finish_and_clear();
    }

    /// So much there is to do.
    pub(crate) fn expect(&self, total: u64) {
        self.0.set_length(total);
    }

    /// So much is done in all.
    pub(crate) fn set(&self, position: u64) {
        self.0.set_position(position);
    }

    /// What is being done now; may come from a guest.
    pub(crate) fn say(&self, message: &str) {
        self.0.set_message(escape::line(message));
    }
}
