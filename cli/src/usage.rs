//! What is answered to a command line that was not understood, or that asks for help.

use std::ffi::OsString;

use clap::error::{ContextKind, ContextValue, ErrorKind};

use crate::args::{ColorWhen, Format};
use crate::exit::{Error, Exit};
use crate::output::{self, Output};

/// What is told to whoever wrote an expression without quotes.
const QUOTES: &str = "an expression is one argument, in quotes, as in '30 7 * * 1-5'";

/// Prints help, or says what is wrong with the command line.
pub(crate) fn answer(refusal: &clap::Error, words: &[OsString]) -> Exit {
    let config =
        output::Config { format: format_of(words), color: color_of(words), ..output::Config::default() };
    let output = Output::new(config);
    let rendered = refusal.render();
    match refusal.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
            let text =
                if output.view().paint.is_on() { rendered.ansi().to_string() } else { rendered.to_string() };
            match output.text(&text) {
                Ok(()) | Err(Error::PipeClosed) => Exit::Done,
                Err(Error::Shown(shown)) => output.error(&shown),
            }
        }
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand if output.format() == Format::Text => {
            output.note(&rendered.to_string());
            Exit::Usage
        }
        _ => {
            let Error::Shown(shown) = error_of(refusal, words) else { return Exit::Usage };
            output.error(&shown)
        }
    }
}

/// What is wrong, in one line, and what to do, in another.
fn error_of(refusal: &clap::Error, words: &[OsString]) -> Error {
    if refusal.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand {
        return Error::usage("a command is missing").hint("`jobctl --help` lists them");
    }
    let text = refusal.render().to_string();
    let message: Vec<_> = text
        .lines()
        .map(str::trim)
        .take_while(|line| !line.is_empty() && !line.starts_with("Usage:"))
        .collect();
    let message = message.join(" ");
    let message = message.strip_prefix("error: ").unwrap_or(&message);
    let tip = text.lines().find_map(|line| line.trim().strip_prefix("tip: ")).map(str::to_owned);
    let usage = refusal.context().find_map(|(kind, value)| match (kind, value) {
        (ContextKind::Usage, ContextValue::StyledStr(usage)) => Some(usage.to_string()),
        _ => None,
    });
    let usage = usage
        .map(|usage| usage.split_whitespace().collect::<Vec<_>>().join(" "))
        .map(|usage| usage.replacen("Usage:", "usage:", 1));
    let hint = if expression_lacks_quotes(refusal, words) { Some(QUOTES.to_owned()) } else { tip.or(usage) };
    match hint {
        Some(hint) => Error::usage(message).hint(hint),
        None => Error::usage(message).hint("`--help` after a command tells what it takes"),
    }
}

/// Whether the fields of a cron expression came as arguments of their own, and its stars as names of files.
fn expression_lacks_quotes(refusal: &clap::Error, words: &[OsString]) -> bool {
    let says = |word: &str| words.iter().any(|said| said == word);
    refusal.kind() == ErrorKind::UnknownArgument
        && words.get(1).is_some_and(|noun| noun == "schedule")
        && (says("--cron") || says("preview"))
        && words
            .iter()
            .any(|word| word.to_string_lossy().bytes().all(|byte| byte.is_ascii_digit() || byte == b'*'))
}

/// The format that was asked for, as far as that can be told.
fn format_of(words: &[OsString]) -> Format {
    match last_value(words, "--output", Some("-o")) {
        Some("json") => Format::Json,
        Some("jsonl") => Format::Jsonl,
        _ => Format::Text,
    }
}

fn color_of(words: &[OsString]) -> ColorWhen {
    match last_value(words, "--color", None) {
        Some("always") => ColorWhen::Always,
        Some("never") => ColorWhen::Never,
        _ => ColorWhen::Auto,
    }
}

/// The value of the last `--long VALUE`, `--long=VALUE`, `-s VALUE`, `-s=VALUE` or `-sVALUE`.
fn last_value<'a>(words: &'a [OsString], long: &str, short: Option<&str>) -> Option<&'a str> {
    let words: Vec<_> = words.iter().map(|word| word.to_str().unwrap_or_default()).collect();
    let end = words.iter().position(|word| *word == "--").unwrap_or(words.len());
    let mut found = None;
    for (index, word) in words[..end].iter().enumerate() {
        let attached = match (word.strip_prefix(long), short.and_then(|short| word.strip_prefix(short))) {
            (Some(rest), _) => rest.strip_prefix('=').or(rest.is_empty().then_some("")),
            (None, Some(rest)) => Some(rest.strip_prefix('=').unwrap_or(rest)),
            (None, None) => None,
        };
        found = match attached {
            Some("") => words[..end].get(index + 1).copied().or(found),
            Some(value) => Some(value),
            None => found,
        };
    }
    found
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::args::Cli;

    fn words(line: &str) -> Vec<OsString> {
        line.split(' ').map(OsString::from).collect()
    }

    #[test]
    fn the_format_is_found_in_every_way_to_say_it() {
        for line in ["jobctl x -o json", "jobctl -ojson x", "jobctl -o=json", "jobctl x --output=json --bad"]
        {
            assert_eq!(format_of(&words(line)), Format::Json, "{line}");
        }
        assert_eq!(format_of(&words("jobctl x --output jsonl")), Format::Jsonl);
        for line in ["jobctl x", "jobctl x -o", "jobctl x -- -o json", "jobctl x --output-x json"] {
            assert_eq!(format_of(&words(line)), Format::Text, "{line}");
        }
    }

    #[test]
    fn a_usage_error_is_one_line_that_names_the_flag() {
        let cases = [
            ("jobctl enqueue t --timeout soon", "--timeout"),
            ("jobctl enqueue t --priority 10", "--priority"),
            ("jobctl enqueue t --at tomorrow", "--at"),
            ("jobctl enqueue t --tag x", "--tag"),
            ("jobctl task publish f --memory big", "--memory"),
            ("jobctl task publish f --fuel much", "--fuel"),
            ("jobctl enqueue t --wait-timeout 5s", "--wait"),
            ("jobctl enqueue t --delay 5s --at 2026-01-01T00:00:00Z", "--at"),
            ("jobctl enqueue", "<TASK>"),
            ("jobctl nosuch", "nosuch"),
        ];

        for (line, expected) in cases {
            let refusal = Cli::try_parse_from(words(line)).expect_err(line);
            let Error::Shown(shown) = error_of(&refusal, &words(line)) else { panic!("{line}") };
            assert!(shown.message.contains(expected), "{line}: {}", shown.message);
            assert!(!shown.message.contains('\n') && shown.hint.is_some(), "{line}: {shown:?}");
            assert_eq!(shown.exit, Exit::Usage);
        }
    }

    #[test]
    fn an_expression_without_quotes_is_told_to_be_one_argument() {
        let hint = |line: &str| {
            let refusal = Cli::try_parse_from(words(line)).expect_err(line);
            match error_of(&refusal, &words(line)) {
                Error::Shown(shown) => shown.hint.unwrap_or_default(),
                Error::PipeClosed => String::new(),
            }
        };

        assert_eq!(hint("jobctl schedule preview 30 7 * * 1-5"), QUOTES);
        assert_eq!(hint("jobctl schedule create x --task t --cron 30 7 Cargo.toml src 1-5"), QUOTES);
        assert_ne!(hint("jobctl schedule create x --task t --cron @daily --flag"), QUOTES);
    }
}
