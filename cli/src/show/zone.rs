//! What clocks in a time zone read, in words.

use chrono::{DateTime, FixedOffset, NaiveDate, TimeDelta, Timelike, Utc};

/// `Sun 2026-03-29`.
pub(crate) fn day(day: NaiveDate) -> String {
    day.format("%a %Y-%m-%d").to_string()
}

/// What clocks read, all with seconds when one has some: `Sun 2026-03-29 03:00 +01:00`.
pub(crate) fn readings(locals: &[DateTime<FixedOffset>]) -> Vec<String> {
    let has_seconds = locals.iter().any(|local| local.second() > 0);
    let format = if has_seconds { "%a %Y-%m-%d %H:%M:%S %:z" } else { "%a %Y-%m-%d %H:%M %:z" };
    locals.iter().map(|local| local.format(format).to_string()).collect()
}

/// A change of clocks: `forward by 1 h`, `back by 30 min`.
pub(crate) fn change(shift_s: i32) -> String {
    let way = if shift_s < 0 { "back" } else { "forward" };
    let length = model::units::show_duration_ms(u64::from(shift_s.unsigned_abs()) * 1_000);
    format!("{way} by {length}")
}

/// Whether `at` is one of the instants that a change of clocks is about: the first after a gap, or one in an overlap.
pub(crate) fn is_at_change(at: DateTime<Utc>, change_at: DateTime<Utc>, shift_s: i32) -> bool {
    let overlap = TimeDelta::seconds(i64::from(-shift_s).max(0));
    at == change_at || (at >= change_at - overlap && at < change_at + overlap)
}

#[cfg(test)]
mod tests {
    use recurrence::Zone;

    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().expect("an instant")
    }

    #[test]
    fn a_clock_reads_its_offset_and_seconds_only_where_there_are_some() {
        let lisbon = Zone::named("Europe/Lisbon").expect("it is known");
        let local = |text| lisbon.local(at(text));

        assert_eq!(
            readings(&[local("2026-03-29T00:59:00Z"), local("2026-03-29T01:00:00Z")]),
            ["Sun 2026-03-29 00:59 +00:00", "Sun 2026-03-29 02:00 +01:00"]
        );
        assert_eq!(readings(&[local("2026-07-01T12:00:05Z")]), ["Wed 2026-07-01 13:00:05 +01:00"]);
        assert!(Zone::named("Europe/Nowhere").is_none());
    }

    #[test]
    fn a_change_is_about_the_end_of_a_gap_and_all_of_an_overlap() {
        let change = at("2026-10-25T01:00:00Z");
        let about = |text, shift| is_at_change(at(text), change, shift);

        assert!(about("2026-10-25T01:00:00Z", 3_600) && !about("2026-10-25T01:30:00Z", 3_600));
        assert!(about("2026-10-25T00:30:00Z", -3_600) && about("2026-10-25T01:30:00Z", -3_600));
        assert!(!about("2026-10-25T02:00:00Z", -3_600) && !about("2026-10-24T23:59:00Z", -3_600));
        assert_eq!(
            (super::change(3_600).as_str(), super::change(-1_800).as_str()),
            ("forward by 1h", "back by 30m")
        );
    }
}
