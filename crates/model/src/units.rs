//! Durations, sizes and counts as people write them: `500ms`, `30s`, `7d`; `64KiB`, `128MiB`; `5,952,309`.

use std::str::FromStr;
use std::time::Duration;

use bytesize::ByteSize;

use crate::error::Invalid;

/// Reads a duration such as `500ms`, `30s`, `5m`, `2h` or `7d`.
///
/// # Errors
/// When it is not one.
pub fn parse_duration(text: &str) -> Result<Duration, Invalid> {
    humantime::parse_duration(text)
        .map_err(|_| Invalid::new("duration", format!("{text:?} is not like 500ms, 30s, 5m, 2h or 7d")))
}

/// Reads a size such as `64KiB` or `128MiB`, in bytes.
///
/// # Errors
/// When it is not one.
pub fn parse_size(text: &str) -> Result<u64, Invalid> {
    ByteSize::from_str(text)
        .map(|size| size.as_u64())
        .map_err(|_| Invalid::new("size", format!("{text:?} is not like 64KiB or 128MiB")))
}

/// A size for people: `131 MiB`, `1.5 KiB`.
#[must_use]
pub fn show_size(bytes: u64) -> String {
    ByteSize::b(bytes).display().iec().to_string().replacen(".0 ", " ", 1)
}

/// A duration for people, rounded to milliseconds: `1m 30s`, `250ms`.
#[must_use]
pub fn show_duration(duration: Duration) -> String {
    let rounded = Duration::from_millis(millis(duration));
    humantime::format_duration(rounded).to_string()
}

/// The same for a number of milliseconds.
#[must_use]
pub fn show_duration_ms(ms: u64) -> String {
    show_duration(Duration::from_millis(ms))
}

/// Whole milliseconds; as many as fit of what is longer than any limit.
#[must_use]
pub fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// The same in microseconds.
#[must_use]
pub fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

/// A count for people, its digits in groups of three: `5,952,309`.
#[must_use]
pub fn show_count(count: u64) -> String {
    let digits = count.to_string();
    let mut shown = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.char_indices() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            shown.push(',');
        }
        shown.push(digit);
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_shown_in_groups_of_three() {
        let shown = [0, 999, 1_000, 50_000_000_000].map(show_count);

        assert_eq!(shown, ["0", "999", "1,000", "50,000,000,000"]);
    }

    #[test]
    fn a_whole_number_of_units_is_shown_without_a_point() {
        let shown = [100, 1536, 131 << 20].map(show_size);

        assert_eq!(shown, ["100 B", "1.5 KiB", "131 MiB"]);
    }

    #[test]
    fn sizes_and_durations_are_read_as_written() {
        assert_eq!(parse_size("64KiB"), Ok(65_536));
        assert_eq!(parse_size("128MiB"), Ok(134_217_728));
        assert_eq!(parse_duration("500ms"), Ok(Duration::from_millis(500)));
        assert_eq!(parse_duration("7d"), Ok(Duration::from_secs(604_800)));
        assert!(parse_duration("soon").is_err());
        assert!(parse_size("big").is_err());
    }
}
