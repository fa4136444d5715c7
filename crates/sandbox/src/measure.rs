//! How what was asked for or used is told beside its limit: the same form for every limit.

use model::units::show_size;

/// `131 MiB, limit 128 MiB`; to the byte where both would look alike.
pub(crate) fn sizes(seen: u64, most: u64) -> String {
    let (shown, limit) = (show_size(seen), show_size(most));
    if shown == limit && seen != most {
        return format!("{seen} B, limit {most} B");
    }
    format!("{shown}, limit {limit}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_told_apart() {
        assert_eq!(sizes(131 << 20, 128 << 20), "131 MiB, limit 128 MiB");
        assert_eq!(sizes((1 << 20) + 1, 1 << 20), "1048577 B, limit 1048576 B");
        assert_eq!(sizes(4, 3), "4 B, limit 3 B");
    }
}
