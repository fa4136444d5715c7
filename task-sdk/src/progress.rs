//! How far the job is, for whoever watches.
//!
//! ```
//! use task_sdk::progress;
//!
//! let rows = ["a", "b"];
//! for (done, row) in rows.iter().enumerate() {
//!     progress::of(done, rows.len(), format_args!("row {row}"));
//! }
//! progress::report(100, "done");
//! ```

use std::fmt::Display;

use crate::host;

/// Reports `percent` (more than 100 counts as 100) and what is being done.
pub fn report(percent: u8, message: impl Display) {
    host::progress(percent.min(100), &message.to_string());
}

/// Reports `done` of `total`; a total of 0 is done.
pub fn of(done: usize, total: usize, message: impl Display) {
    report(percent(done, total), message);
}

fn percent(done: usize, total: usize) -> u8 {
    let (done, total) = (done.min(total) as u128, total as u128);
    (done * 100).checked_div(total).map_or(100, |percent| u8::try_from(percent).unwrap_or(100))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_becomes_a_percentage_rounded_down() {
        assert_eq!(percent(0, 3), 0);
        assert_eq!(percent(2, 3), 66);
        assert_eq!(percent(usize::MAX, usize::MAX), 100);
        assert_eq!(percent(5, 3), 100);
        assert_eq!(percent(0, 0), 100);
    }
}
