//! Compiling, which is dangerous: a small and valid component can ask the compiler for half a minute and
//! gigabytes. So: cheap checks first ([`precheck`]), then a child process ([`worker`]) with limits in proportion
//! to the component ([`allowance`]), watched by its parent ([`parent`]), which says what its end means
//! ([`verdict`]).

use model::error::storable_text;

pub(crate) mod allowance;
pub(crate) mod parent;
pub(crate) mod precheck;
pub(crate) mod verdict;
pub(crate) mod worker;

/// Most that is shown of an error's text, in bytes.
const LINE_BYTES_MAX: usize = 500;

/// The text of somebody's error as one line that can be shown: it may quote what strangers wrote.
pub(crate) fn one_line(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    let line = words.join(" ").replace(char::is_control, "\u{fffd}");
    storable_text(&line, LINE_BYTES_MAX)
}
