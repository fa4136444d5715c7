//! Sizes and durations as people write them, read while the task is compiled.

/// Units of sizes, in bytes.
const SIZES: [(&str, u64); 7] = [
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
    ("KB", 1_000),
    ("MB", 1_000_000),
    ("GB", 1_000_000_000),
    ("B", 1),
];

/// Units of durations, in milliseconds; `ms` before the `m` and `s` that it is made of.
const DURATIONS: [(&str, u64); 5] =
    [("ms", 1), ("s", 1_000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000)];

/// A size in bytes; none if it is not like `64KiB` or `128MiB`.
pub(crate) fn size_bytes(text: &str) -> Option<u64> {
    read(text, &SIZES)
}

/// A duration in milliseconds; none if it is not like `500ms`, `30s`, `5m`, `2h` or `1d`.
pub(crate) fn duration_ms(text: &str) -> Option<u64> {
    read(text, &DURATIONS)
}

fn read(text: &str, units: &[(&str, u64)]) -> Option<u64> {
    let (number, factor) =
        units.iter().find_map(|(unit, factor)| text.strip_suffix(unit).map(|number| (number, factor)))?;
    let number = number.trim_end();
    if !number.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    number.parse::<u64>().ok()?.checked_mul(*factor).filter(|total| *total > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_durations_are_read_as_written() {
        assert_eq!(size_bytes("64KiB"), Some(65_536));
        assert_eq!(size_bytes("128 MiB"), Some(134_217_728));
        assert_eq!(size_bytes("5MB"), Some(5_000_000));
        assert_eq!(size_bytes("12B"), Some(12));
        assert_eq!(duration_ms("500ms"), Some(500));
        assert_eq!(duration_ms("30s"), Some(30_000));
        assert_eq!(duration_ms("7d"), Some(604_800_000));
    }

    #[test]
    fn what_is_no_size_or_duration_is_refused() {
        for text in ["", "64", "MiB", "-1MiB", "1.5MiB", "64mib", "0KiB", "99999999999999999999B", "+1B"] {
            assert_eq!(size_bytes(text), None, "{text:?}");
        }
        for text in ["", "30", "s", "soon", "0s", "1y", "18446744073709551615d"] {
            assert_eq!(duration_ms(text), None, "{text:?}");
        }
    }
}
