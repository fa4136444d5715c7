//! The only place that writes to standard output and standard error.
//!
//! Data goes to standard output, everything else to standard error. What came from guests is escaped before it
//! reaches a terminal: in text by whoever makes the text (see `show::escape`), in JSON here.

mod progress;

use std::collections::BTreeMap;
use std::io::{self, BufRead, IsTerminal, Read, Write};
use std::os::fd::AsFd;

use rustix::termios::tcgetwinsize;
use serde::Serialize;

use crate::args::{ColorWhen, Format};
use crate::config::color_is_unwanted;
use crate::exit::{Error, Exit, Result, Shown, of_writing};
use crate::show::escape;
use crate::show::json::compact;
use crate::show::view::{Paint, View};

pub(crate) use progress::Progress;

/// Longest answer to a question that is read.
const ANSWER_BYTES_MAX: u64 = 1 << 10;

/// How the output looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Config {
    pub(crate) format: Format,
    pub(crate) color: ColorWhen,
    pub(crate) quiet: bool,
    pub(crate) verbose: bool,
}

/// Where a command says what it has to say.
#[derive(Debug, Clone)]
pub(crate) struct Output {
    config: Config,
    stdout_is_terminal: bool,
    stderr_is_terminal: bool,
}

impl Output {
    /// An output for this process.
    pub(crate) fn new(config: Config) -> Self {
        Self {
            config,
            stdout_is_terminal: io::stdout().is_terminal(),
            stderr_is_terminal: io::stderr().is_terminal(),
        }
    }

    /// The format that was asked for.
    pub(crate) fn format(&self) -> Format {
        self.config.format
    }

    /// Whether standard output is a terminal.
    pub(crate) fn is_terminal(&self) -> bool {
        self.stdout_is_terminal
    }

    /// Whether progress is worth finding out.
    pub(crate) fn shows_progress(&self) -> bool {
        self.stderr_is_terminal && !self.config.quiet
    }

    /// Whether log lines are coloured.
    pub(crate) fn colors_stderr(&self) -> bool {
        self.paint(self.stderr_is_terminal).is_on()
    }

    /// Whether more is to be told.
    pub(crate) fn is_verbose(&self) -> bool {
        self.config.verbose
    }

    /// Which log lines a server prints unless somebody says otherwise.
    pub(crate) fn log_filter(&self) -> &'static str {
        match (self.config.verbose, self.config.quiet) {
            (true, _) => {
                "debug,h2=info,hyper=info,hyper_util=info,sqlx=info,tower=info,wasmtime=info,cranelift=info"
            }
            (false, true) => "warn",
            (false, false) => "info,sqlx=warn",
        }
    }

    /// How text for standard output is to be laid out.
    pub(crate) fn view(&self) -> View {
        self.view_of(io::stdout(), self.stdout_is_terminal)
    }

    /// How text for standard error is to be laid out.
    pub(crate) fn view_of_stderr(&self) -> View {
        self.view_of(io::stderr(), self.stderr_is_terminal)
    }

    fn view_of(&self, stream: impl AsFd, is_terminal: bool) -> View {
        let width = is_terminal
            .then(|| tcgetwinsize(stream).ok())
            .flatten()
            .map(|size| size.ws_col)
            .filter(|columns| *columns > 0);
        View { paint: self.paint(is_terminal), width }
    }

    fn paint(&self, is_terminal: bool) -> Paint {
        Paint::new(match self.config.color {
            ColorWhen::Always => true,
            ColorWhen::Never => false,
            ColorWhen::Auto => is_terminal && !color_is_unwanted(),
        })
    }

    /// Prints one piece of data: `text` for people, `value` for programs.
    pub(crate) fn document<T: Serialize>(&self, value: &T, text: impl FnOnce(&View) -> String) -> Result<()> {
        match self.config.format {
            Format::Text => self.text(&text(&self.view())),
            Format::Json => self.json(value),
            Format::Jsonl => self.json_line(value),
        }
    }

    /// Prints a list: `text` for people; for programs one document with the list under its name, or each of
    /// `items` on its line.
    pub(crate) fn named<T: Serialize>(
        &self,
        name: &str,
        items: &[T],
        text: impl FnOnce(&View) -> String,
    ) -> Result<()> {
        self.list(items, &BTreeMap::from([(name, items)]), text)
    }

    /// Prints a list: `text` for people; for programs `whole` as one document, or each of `items` on its line.
    /// Never a `serde_json::Value`: that would round what numbers the items hold.
    pub(crate) fn list<T: Serialize, W: Serialize>(
        &self,
        items: &[T],
        whole: &W,
        text: impl FnOnce(&View) -> String,
    ) -> Result<()> {
        match self.config.format {
            Format::Jsonl => items.iter().try_for_each(|item| self.json_line(item)),
            _ => self.document(whole, text),
        }
    }

    /// Prints one document on its line.
    pub(crate) fn json_line<T: Serialize>(&self, value: &T) -> Result<()> {
        self.text(&self.safe(compact(&encode(serde_json::to_string(value))?)))
    }

    fn json<T: Serialize>(&self, value: &T) -> Result<()> {
        self.text(&self.safe(encode(serde_json::to_string_pretty(value))?))
    }

    /// Prints a JSON text as it came.
    pub(crate) fn raw_json(&self, json: &str) -> Result<()> {
        match self.config.format {
            Format::Jsonl => self.text(&self.safe(compact(json))),
            _ => self.text(&self.safe(json.to_owned())),
        }
    }

    /// JSON that does nothing to a terminal; anywhere else it stays as it is.
    fn safe(&self, json: String) -> String {
        if self.stdout_is_terminal { escape::json(&json) } else { json }
    }

    /// Prints text, which is safe for a terminal, and a line feed if it has none.
    pub(crate) fn text(&self, text: &str) -> Result<()> {
        let mut bytes = Vec::with_capacity(text.len() + 1);
        bytes.extend_from_slice(text.as_bytes());
        if !text.is_empty() && !text.ends_with('\n') {
            bytes.push(b'\n');
        }
        self.bytes(&bytes)
    }

    /// Prints bytes as they are.
    pub(crate) fn bytes(&self, bytes: &[u8]) -> Result<()> {
        let mut stdout = io::stdout().lock();
        stdout.write_all(bytes).and_then(|()| stdout.flush()).map_err(|error| of_writing(&error))
    }

    /// Tells people something, unless they want quiet.
    pub(crate) fn note(&self, text: &str) {
        if !self.config.quiet {
            to_stderr(text);
        }
    }

    /// Whether somebody sits at a terminal who can be asked.
    pub(crate) fn can_ask(&self) -> bool {
        self.stderr_is_terminal && io::stdin().is_terminal()
    }

    /// Asks a question that is answered by `y` or anything else.
    pub(crate) fn ask(&self, question: &str) -> Result<bool> {
        let mut stderr = io::stderr().lock();
        let asked = stderr.write_all(escape::block(question).as_bytes()).and_then(|()| stderr.flush());
        let mut answer = String::new();
        let heard = asked.and_then(|()| io::stdin().lock().take(ANSWER_BYTES_MAX).read_line(&mut answer));
        heard.map_err(|error| Error::usage(format!("the answer cannot be read: {error}")))?;
        Ok(matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes"))
    }

    /// Tells people something that they asked to be told with `-v`.
    pub(crate) fn detail(&self, text: &str) {
        if self.config.verbose {
            to_stderr(text);
        }
    }

    /// Tells people what they may do next.
    pub(crate) fn hint(&self, text: &str) {
        if !self.config.quiet {
            let paint = self.paint(self.stderr_is_terminal);
            to_stderr(&format!("{} {}", paint.cyan("hint:"), escape::line(text)));
        }
    }

    /// Shows an error: for people on standard error, for programs as the one document on standard output.
    pub(crate) fn error(&self, error: &Shown) -> Exit {
        let Shown { exit, code, message, hint, more } = error;
        if self.config.format == Format::Text {
            self.complain(message, hint.as_deref());
            return *exit;
        }
        let mut fields = more.clone();
        fields.insert("code".to_owned(), (*code).into());
        fields.insert("message".to_owned(), message.as_str().into());
        fields.insert("hint".to_owned(), hint.as_deref().into());
        let document = serde_json::json!({ "error": fields });
        let printed = match self.config.format {
            Format::Jsonl => self.json_line(&document),
            _ => self.json(&document),
        };
        if printed.is_err() {
            // Nobody reads standard output any more; standard error is what is left.
            self.complain(message, hint.as_deref());
        }
        *exit
    }

    /// `error: …` and `hint: …` for people. Further lines of the message (a backtrace) are set off, so that none can
    /// pose as a line of ours.
    pub(crate) fn complain(&self, message: &str, hint: Option<&str>) {
        let paint = self.paint(self.stderr_is_terminal);
        to_stderr(&format!("{} {}", paint.red("error:"), escape::lines(message)));
        if let Some(hint) = hint {
            to_stderr(&format!("{} {}", paint.cyan("hint:"), escape::line(hint)));
        }
    }
}

fn to_stderr(text: &str) {
    // When standard error is closed there is nobody left to tell.
    let _ = io::stderr().lock().write_all(format!("{text}\n").as_bytes());
}

fn encode(encoded: serde_json::Result<String>) -> Result<String> {
    encoded.map_err(|error| of_writing(&error.into()))
}
