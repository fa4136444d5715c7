//! Values as people read them.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use model::units::show_size;

/// An instant: how long ago for the eye, exact for the pointer.
pub(crate) struct Moment {
    /// `3 min ago`, `in 2 h`.
    pub(crate) relative: String,
    /// RFC 3339.
    pub(crate) exact: String,
}

/// `at` as seen from `now`.
pub(crate) fn moment(at: DateTime<Utc>, now: DateTime<Utc>) -> Moment {
    let gap = now - at;
    let relative = match gap.num_seconds() {
        -1..=1 => "now".to_owned(),
        ahead if ahead < 0 => format!("in {}", span(-gap)),
        _ => format!("{} ago", span(gap)),
    };
    Moment { relative, exact: at.format("%Y-%m-%dT%H:%M:%S%.3fZ").to_string() }
}

/// A length of time in its largest sensible unit.
pub(crate) fn span(length: TimeDelta) -> String {
    let ms = length.num_milliseconds();
    match ms {
        ..1_000 => format!("{ms} ms"),
        1_000..60_000 => format!("{:.1} s", length.as_seconds_f64()),
        60_000..3_600_000 => format!("{} min", length.num_minutes()),
        3_600_000..172_800_000 => format!("{} h", length.num_hours()),
        _ => format!("{} d", length.num_days()),
    }
}

/// A length of time in microseconds, to three digits or so.
pub(crate) fn micros(us: u64) -> String {
    match us {
        ..1_000 => format!("{us} µs"),
        1_000..1_000_000 => format!("{:.1} ms", Duration::from_micros(us).as_secs_f64() * 1_000.0),
        _ => span(TimeDelta::microseconds(i64::try_from(us).unwrap_or(i64::MAX))),
    }
}

/// Limits on one line: `memory 64 MiB, timeout 30s`.
pub(crate) fn limits(shown: &[(&str, String)]) -> String {
    let each: Vec<String> = shown.iter().map(|(name, amount)| format!("{name} {amount}")).collect();
    each.join(", ")
}

/// A size in bytes.
pub(crate) fn size(bytes: u64) -> String {
    show_size(bytes)
}

/// JSON with indentation, when it is small enough to be worth it; otherwise as it came. Numbers are shown
/// as they came in either case, since a value tree would round them.
pub(crate) fn pretty(json: &str) -> String {
    const PRETTY_BYTES_MAX: usize = 64 << 10;
    if json.len() > PRETTY_BYTES_MAX {
        return json.to_owned();
    }
    let mut out = String::with_capacity(json.len() * 2);
    let mut depth = 0_usize;
    let mut in_text = false;
    let mut escaped = false;
    let newline = |out: &mut String, depth: usize| {
        out.push('\n');
        out.push_str(&"  ".repeat(depth));
    };
    let mut rest = json.chars().peekable();
    while let Some(c) = rest.next() {
        if in_text {
            out.push(c);
            in_text = escaped || c != '"';
            escaped = c == '\\' && !escaped;
            continue;
        }
        match c {
            '"' => {
                in_text = true;
                out.push(c);
            }
            '{' | '[' => {
                out.push(c);
                while rest.peek().is_some_and(char::is_ascii_whitespace) {
                    rest.next();
                }
                if !matches!(rest.peek(), Some('}' | ']')) {
                    depth += 1;
                    newline(&mut out, depth);
                } else if let Some(close) = rest.next() {
                    out.push(close);
                }
            }
            '}' | ']' => {
                depth = depth.saturating_sub(1);
                newline(&mut out, depth);
                out.push(c);
            }
            ',' => {
                out.push(c);
                newline(&mut out, depth);
            }
            ':' => out.push_str(": "),
            c if c.is_ascii_whitespace() => {}
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_indented_without_touching_what_it_says() {
        let shown = pretty(r#"{"a":[1e400,{}],"b, {\"":"x: [y]"}"#);

        assert_eq!(shown, "{\n  \"a\": [\n    1e400,\n    {}\n  ],\n  \"b, {\\\"\": \"x: [y]\"\n}");
    }

    #[test]
    fn a_short_time_keeps_its_digits() {
        assert_eq!([999, 1_500, 2_500_000].map(micros), ["999 µs", "1.5 ms", "2.5 s"]);
    }

    #[test]
    fn a_moment_reads_both_ways() {
        let now = DateTime::UNIX_EPOCH + TimeDelta::days(100);

        assert_eq!(moment(now - TimeDelta::minutes(3), now).relative, "3 min ago");
        assert_eq!(moment(now + TimeDelta::hours(2), now).relative, "in 2 h");
        assert_eq!(moment(now, now).relative, "now");
    }
}
