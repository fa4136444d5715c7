//! What a guest says: its log lines, its standard output and error, under one budget of bytes.
//!
//! A full pipe that breaks fails a chatty job; this one never does. It splits the streams into lines, keeps
//! what the budget allows, then drops the rest and says so once.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use model::bounds::TEXT_BYTES_MAX;
use model::clock::{Clock, SystemClock};
use model::error::storable_text;
use model::job::{LogLevel, LogLine};
use tokio::io::AsyncWrite;
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};
use wasmtime_wasi::p2::{OutputStream, Pollable, StreamError, StreamResult};

use crate::capabilities::Capabilities;

/// How much a guest may write to a stream in one go; the engine's own figure for such streams.
const WRITE_BYTES_MAX: usize = 64 << 10;

/// Fewest bytes that a line is taken to have on average: each is a row somewhere, so that a log of empty lines would
/// cost many times its limit. A log may always have a thousand.
const LINE_BYTES_MEAN: u64 = 16;
const LINES_MIN: u64 = 1_000;

/// Lines of standard error that are kept to explain a trap: a panic has three.
const LAST_WORDS_LINES: usize = 8;

/// Where all text of one attempt goes.
pub(crate) struct Output {
    capabilities: Arc<dyn Capabilities>,
    limit: u64,
    inner: Mutex<Inner>,
}

struct Inner {
    left: u64,
    lines_left: u64,
    full: bool,
    stdout: Vec<u8>,
    stderr: Vec<u8>,
    last_words: VecDeque<String>,
}

impl Output {
    /// Room for `limit` bytes of text.
    pub(crate) fn new(capabilities: Arc<dyn Capabilities>, limit: u64) -> Arc<Self> {
        let inner = Inner {
            left: limit,
            lines_left: (limit / LINE_BYTES_MEAN).max(LINES_MIN),
            full: false,
            stdout: Vec::new(),
            stderr: Vec::new(),
            last_words: VecDeque::new(),
        };
        Arc::new(Self { capabilities, limit, inner: Mutex::new(inner) })
    }

    /// Keeps one line.
    pub(crate) fn line(&self, level: LogLevel, text: &str) {
        self.keep(&mut self.lock(), level, text);
    }

    /// Keeps what is left of the streams without an end of line; for the end of the attempt.
    pub(crate) fn finish(&self) {
        let mut inner = self.lock();
        for level in [LogLevel::Stdout, LogLevel::Stderr] {
            let rest = std::mem::take(inner.partial(level));
            if !rest.is_empty() {
                self.keep(&mut inner, level, &String::from_utf8_lossy(&rest));
            }
        }
    }

    /// The bytes that were kept, line ends among them.
    pub(crate) fn kept_bytes(&self) -> u64 {
        self.limit - self.lock().left
    }

    /// What the guest's standard error says of its end: a Rust panic with its place, or else the last line.
    pub(crate) fn last_words(&self) -> Option<String> {
        let inner = self.lock();
        let lines: Vec<&str> = inner
            .last_words
            .iter()
            .map(String::as_str)
            .filter(|line| !line.trim().is_empty() && !line.starts_with("note: run with `RUST_BACKTRACE"))
            .collect();
        let panic =
            lines.iter().rposition(|line| line.starts_with("thread '") && line.contains("panicked at"));
        match panic {
            Some(at) => {
                let place = lines[at].find("panicked at").map_or(lines[at], |start| &lines[at][start..]);
                Some([&[place], &lines[at + 1..]].concat().join(" "))
            }
            None => lines.last().map(|line| (*line).to_owned()),
        }
    }

    fn write(&self, level: LogLevel, mut bytes: &[u8]) {
        let mut inner = self.lock();
        if inner.full && level == LogLevel::Stdout {
            return;
        }
        while let Some(end) = bytes.iter().position(|byte| *byte == b'\n') {
            let mut line = std::mem::take(inner.partial(level));
            line.extend_from_slice(&bytes[..end]);
            bytes = &bytes[end + 1..];
            self.keep(&mut inner, level, &String::from_utf8_lossy(&line));
        }
        let partial = inner.partial(level);
        partial.extend_from_slice(bytes);
        if partial.len() > TEXT_BYTES_MAX {
            let line = std::mem::take(partial);
            self.keep(&mut inner, level, &String::from_utf8_lossy(&line));
        }
    }

    fn keep(&self, inner: &mut Inner, level: LogLevel, text: &str) {
        let text = storable_text(text.trim_end_matches('\r'), TEXT_BYTES_MAX);
        if level == LogLevel::Stderr {
            if inner.last_words.len() == LAST_WORDS_LINES {
                inner.last_words.pop_front();
            }
            inner.last_words.push_back(text.clone());
        }
        // The line's end counts, so that empty lines come to an end too.
        let cost = text.len() as u64 + 1;
        if inner.full {
            return;
        }
        if cost > inner.left || inner.lines_left == 0 {
            inner.full = true;
            let (bytes, lines) = (self.limit - inner.left, (self.limit / LINE_BYTES_MEAN).max(LINES_MIN));
            let text = match inner.lines_left {
                0 => format!("the log is full at {lines} lines of {bytes} bytes; what follows is dropped"),
                _ => format!("the log is full at {} bytes; what follows is dropped", self.limit),
            };
            self.capabilities.log(LogLine { at: SystemClock.now(), level: LogLevel::Warn, text });
            return;
        }
        inner.left -= cost;
        inner.lines_left -= 1;
        self.capabilities.log(LogLine { at: SystemClock.now(), level, text });
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn partial(&mut self, level: LogLevel) -> &mut Vec<u8> {
        if level == LogLevel::Stderr { &mut self.stderr } else { &mut self.stdout }
    }
}

/// One of the guest's two streams.
#[derive(Clone)]
pub(crate) struct Stream {
    output: Arc<Output>,
    level: LogLevel,
}

impl Stream {
    /// Standard output.
    pub(crate) fn stdout(output: &Arc<Output>) -> Self {
        Self { output: Arc::clone(output), level: LogLevel::Stdout }
    }

    /// Standard error.
    pub(crate) fn stderr(output: &Arc<Output>) -> Self {
        Self { output: Arc::clone(output), level: LogLevel::Stderr }
    }
}

impl IsTerminal for Stream {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for Stream {
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(self.clone())
    }

    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.clone())
    }
}

#[async_trait::async_trait]
impl Pollable for Stream {
    async fn ready(&mut self) {}
}

impl OutputStream for Stream {
    /// No more than [`Self::check_write`] allows, as the contract of WASI has it: nothing can stop the guest while its
    /// text is taken apart.
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        if bytes.len() > WRITE_BYTES_MAX {
            let seen = bytes.len();
            return Err(StreamError::trap(&format!(
                "wrote {seen} bytes at once, allowed are {WRITE_BYTES_MAX}"
            )));
        }
        self.output.write(self.level, &bytes);
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(WRITE_BYTES_MAX)
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        self: std::pin::Pin<&mut Self>,
        _context: &mut std::task::Context<'_>,
        bytes: &[u8],
    ) -> std::task::Poll<std::io::Result<usize>> {
        self.output.write(self.level, bytes);
        std::task::Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(
        self: std::pin::Pin<&mut Self>,
        _context: &mut std::task::Context<'_>,
    ) -> std::task::Poll<std::io::Result<()>> {
        std::task::Poll::Ready(Ok(()))
    }

    fn poll_shutdown(
        self: std::pin::Pin<&mut Self>,
        _context: &mut std::task::Context<'_>,
    ) -> std::task::Poll<std::io::Result<()>> {
        std::task::Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inspect::Nothing;

    fn said(writes: &[&str]) -> Option<String> {
        let output = Output::new(Arc::new(Nothing), 1_000);
        for text in writes {
            output.write(LogLevel::Stderr, text.as_bytes());
        }
        output.finish();
        output.last_words()
    }

    #[test]
    fn lines_are_put_together_from_pieces() {
        assert_eq!(said(&["a", "b\nc", "d"]).as_deref(), Some("cd"));
        assert_eq!(said(&["ab\r\n", "\n"]).as_deref(), Some("ab"));
        assert_eq!(said(&[]), None);
    }

    #[test]
    fn a_panic_is_told_with_its_place_and_without_the_note() {
        let panic = "before\n\nthread 'main' (1) panicked at src/lib.rs:3:5:\nno such customer\n\
            note: run with `RUST_BACKTRACE=1` environment variable to display a backtrace\n";

        assert_eq!(said(&[panic]).as_deref(), Some("panicked at src/lib.rs:3:5: no such customer"));
    }

    #[test]
    fn a_log_of_empty_lines_ends_too() {
        let output = Output::new(Arc::new(Nothing), 1 << 20);
        let most = (1 << 20) / LINE_BYTES_MEAN;

        for _ in 0..most * 2 {
            output.line(LogLevel::Info, "");
        }

        assert_eq!(output.kept_bytes(), most);
    }

    #[test]
    fn a_line_without_end_is_cut_into_lines() {
        let endless = "x".repeat(TEXT_BYTES_MAX * 3);

        let output = Output::new(Arc::new(Nothing), 1 << 20);
        output.write(LogLevel::Stdout, endless.as_bytes());

        assert!(output.lock().stdout.is_empty());
    }
}
