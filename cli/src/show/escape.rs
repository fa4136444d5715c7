//! Guest text made harmless: what moves the cursor, changes colours, hides or turns text around is shown as
//! its code point (`\u{1b}`) instead of being obeyed.

use std::fmt::Write;

/// One line: line feeds and tabs are escaped too.
pub(crate) fn line(text: &str) -> String {
    escape(text, |_| false)
}

/// Text of several lines: line feeds and tabs stay.
pub(crate) fn block(text: &str) -> String {
    escape(text, |c| matches!(c, '\n' | '\t'))
}

/// A message whose further lines are set off, so that none can pose as a line of ours.
pub(crate) fn lines(text: &str) -> String {
    let lines = text.trim_end().lines().enumerate();
    let lines = lines
        .map(|(number, text)| if number == 0 { line(text) } else { format!("    {}", line(text.trim())) });
    lines.collect::<Vec<_>>().join("\n")
}

/// A JSON text in which such characters, which can only stand inside its strings, are escaped as JSON does it.
/// It says the same as before.
pub(crate) fn json(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        if !is_dangerous(c) || matches!(c, '\n' | '\r' | '\t') {
            safe.push(c);
            continue;
        }
        let mut units = [0; 2];
        for unit in c.encode_utf16(&mut units) {
            // Writing to a string cannot fail.
            let _ = write!(safe, "\\u{unit:04x}");
        }
    }
    safe
}

fn escape(text: &str, stays: impl Fn(char) -> bool) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        if is_dangerous(c) && !stays(c) {
            safe.extend(c.escape_default());
        } else {
            safe.push(c);
        }
    }
    safe
}

/// Controls (C0, DEL, C1), line and paragraph separators, marks that turn the direction of text, characters
/// that nobody sees, and tags.
fn is_dangerous(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_would_obey_is_shown_instead() {
        let hostile = "a\x1b[31mred\x07\r\u{9b}2J\u{202e}gpj.exe\u{200b}\u{7f}";

        let safe = line(hostile);

        assert_eq!(safe, "a\\u{1b}[31mred\\u{7}\\r\\u{9b}2J\\u{202e}gpj.exe\\u{200b}\\u{7f}");
        assert!(safe.chars().all(|c| !is_dangerous(c)));
    }

    #[test]
    fn ordinary_text_stays_as_it_is() {
        let text = "Relatório de vendas: 15 % ↑ 日本語 👍";

        assert_eq!(line(text), text);
        assert_eq!(block(text), text);
    }

    #[test]
    fn a_line_stays_one_line_and_a_block_keeps_its_lines() {
        assert_eq!(line("a\nb\tc"), "a\\nb\\tc");
        assert_eq!(block("a\nb\tc\rd"), "a\nb\tc\\rd");
    }

    #[test]
    fn further_lines_of_a_message_are_set_off() {
        let hostile = "trap: unreachable\n  at main\nhint: \x1b[2J\n";

        assert_eq!(lines(hostile), "trap: unreachable\n    at main\n    hint: \\u{1b}[2J");
    }

    #[test]
    fn escaped_json_says_the_same() {
        let hostile =
            "{\n\t\"a\u{9b}\": \"\u{202e}\u{e0041}x\", \"n\": 1234567890123456789012345678901234567890}";

        let safe = json(hostile);

        assert!(safe.contains("\\u009b") && safe.contains("\\udb40\\udc41"), "{safe}");
        let (before, after): (serde_json::Value, serde_json::Value) =
            (serde_json::from_str(hostile).expect("JSON"), serde_json::from_str(&safe).expect("JSON"));
        assert_eq!(before, after);
        assert!(safe.contains("1234567890123456789012345678901234567890"));
    }
}
