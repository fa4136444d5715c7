//! JSON laid out anew without touching what it says: only white space between its parts changes, so that
//! numbers of any length stay as they came.

use serde_json::value::RawValue;

/// On one line, without white space.
pub(crate) fn compact(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    for part in parts(json) {
        out.push_str(part);
    }
    out
}

/// With two spaces a level.
pub(crate) fn pretty(json: &str) -> String {
    let mut out = String::with_capacity(json.len() * 2);
    let mut depth = 0_usize;
    let mut opened = false;
    for part in parts(json) {
        let closes = matches!(part, "}" | "]");
        if closes {
            depth = depth.saturating_sub(1);
        }
        if opened != closes {
            // After an opening comes a line, unless it closes at once; before a closing comes one, unless it
            // just opened.
            new_line(&mut out, depth);
        }
        out.push_str(part);
        opened = matches!(part, "{" | "[");
        match part {
            "{" | "[" => depth += 1,
            "," => new_line(&mut out, depth),
            ":" => out.push(' '),
            _ => {}
        }
    }
    out
}

fn new_line(out: &mut String, depth: usize) {
    out.push('\n');
    out.extend(std::iter::repeat_n("  ", depth));
}

/// The parts of a JSON text: strings whole, punctuation one by one, numbers and words whole; no white space.
fn parts(json: &str) -> impl Iterator<Item = &str> {
    let mut rest = json;
    std::iter::from_fn(move || {
        rest = rest.trim_start_matches([' ', '\n', '\r', '\t']);
        let first = *rest.as_bytes().first()?;
        let length = match first {
            b'"' => string_length(rest.as_bytes()),
            b'{' | b'}' | b'[' | b']' | b',' | b':' => 1,
            _ => rest.find([' ', '\n', '\r', '\t', '{', '}', '[', ']', ',', ':', '"']).unwrap_or(rest.len()),
        };
        let (part, after) = rest.split_at(length);
        rest = after;
        Some(part)
    })
}

fn string_length(bytes: &[u8]) -> usize {
    let mut escaped = false;
    for (index, byte) in bytes.iter().enumerate().skip(1) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return index + 1,
            _ => {}
        }
    }
    bytes.len()
}

/// Bytes that were checked to be JSON when they were stored, to be embedded as they are.
pub(crate) fn raw(bytes: &[u8]) -> Option<&RawValue> {
    serde_json::from_slice(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ODD: &str = " { \"a\" : [ 1e400 , { } , [ ] , -0.10 ] ,\n \"b, {\\\"\\\\\" : \"x: [y] \\\" }\" } ";

    #[test]
    fn compact_json_is_one_line_and_says_the_same() {
        assert_eq!(compact(ODD), r#"{"a":[1e400,{},[],-0.10],"b, {\"\\":"x: [y] \" }"}"#);
    }

    #[test]
    fn pretty_json_is_indented_and_says_the_same() {
        let shown = pretty(ODD);

        assert_eq!(
            shown,
            "{\n  \"a\": [\n    1e400,\n    {},\n    [],\n    -0.10\n  ],\n  \"b, {\\\"\\\\\": \"x: [y] \\\" }\"\n}"
        );
        assert_eq!(compact(&shown), compact(ODD));
    }

    #[test]
    fn a_long_number_is_embedded_digit_by_digit() {
        let number = "1234567890123456789012345678901234567890";
        let bytes = format!("{{\"n\": {number}}}");

        let shown = serde_json::to_string(&raw(bytes.as_bytes())).expect("JSON");

        assert_eq!(shown, bytes);
    }
}
