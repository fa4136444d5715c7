//! Which instants a schedule names: windows, intervals, single instants, and what daylight saving does to fixed times.

use chrono::{DateTime, TimeDelta, Utc};
use model::schedule::{DstGap, DstOverlap, ScheduleSpec, Timing};
use recurrence::{Recurrence, Zone, timing};

fn instant(text: &str) -> DateTime<Utc> {
    text.parse().expect("an instant")
}

fn spec(cron: &str, timezone: &str) -> ScheduleSpec {
    let timing = timing(cron, instant("2026-01-01T00:00:00Z")).expect(cron);
    ScheduleSpec { timezone: timezone.to_owned(), ..ScheduleSpec::new("t".parse().expect("a task"), timing) }
}

/// The instants of `spec` from the beginning of one day on and before that of another, as text.
fn between(spec: &ScheduleSpec, from: &str, before: &str) -> Vec<String> {
    let recurrence = Recurrence::of(spec).expect("a good spec");
    let (from, before) = (instant(&format!("{from}T00:00:00Z")), instant(&format!("{before}T00:00:00Z")));
    let forward: Vec<_> = recurrence.between(from, before).collect();
    assert_eq!(recurrence.last(from, before, 1_000), forward, "the same instants from behind");
    forward.iter().map(|at| at.format("%m-%dT%H:%M:%SZ").to_string()).collect()
}

#[test]
fn a_fixed_time_in_the_gap_fires_once_after_it_or_not_at_all() {
    // 02:00 to 03:00 does not exist in New York on 8 March 2026.
    let after = spec("0,30 2 * * *", "America/New_York");
    let skip = ScheduleSpec { dst_gap: DstGap::Skip, ..after.clone() };

    assert_eq!(between(&after, "2026-03-08", "2026-03-09"), ["03-08T07:00:00Z"]);
    assert_eq!(between(&skip, "2026-03-08", "2026-03-09"), Vec::<String>::new());
}

#[test]
fn a_fixed_time_that_comes_twice_fires_the_first_time_or_both_times() {
    // 01:00 to 02:00 comes twice in New York on 1 November 2026.
    let first = spec("0,30 1 * * *", "America/New_York");
    let both = ScheduleSpec { dst_overlap: DstOverlap::Both, ..first.clone() };

    assert_eq!(between(&first, "2026-11-01", "2026-11-02"), ["11-01T05:00:00Z", "11-01T05:30:00Z"]);
    assert_eq!(
        between(&both, "2026-11-01", "2026-11-02"),
        ["11-01T05:00:00Z", "11-01T05:30:00Z", "11-01T06:00:00Z", "11-01T06:30:00Z"]
    );
}

#[test]
fn what_follows_the_clock_fires_whenever_the_clock_reads_so() {
    let hourly = spec("30 * * * *", "America/New_York");

    assert_eq!(between(&hourly, "2026-03-08", "2026-03-09").len(), 24);
    assert_eq!(between(&hourly, "2026-11-01", "2026-11-02").len(), 24);
}

#[test]
fn a_day_that_a_zone_left_out_is_made_up_for_once() {
    // Samoa had no 30 December 2011.
    let daily = spec("0 12 * * *", "Pacific/Apia");

    assert_eq!(
        between(&daily, "2011-12-29", "2012-01-01"),
        ["12-29T22:00:00Z", "12-30T10:00:00Z", "12-30T22:00:00Z", "12-31T22:00:00Z"]
    );
}

#[test]
fn an_interval_is_counted_from_its_anchor() {
    let interval = spec("@every 90m", "UTC");
    let anchored = ScheduleSpec { starts_at: Some(instant("2026-01-01T00:00:00Z")), ..interval.clone() };

    assert_eq!(between(&interval, "2025-12-01", "2026-01-02")[0], "01-01T01:30:00Z");
    assert_eq!(between(&anchored, "2025-12-01", "2026-01-02")[0], "01-01T00:00:00Z");
    assert_eq!(between(&interval, "2026-01-02", "2026-01-03").len(), 16);
}

#[test]
fn an_instant_between_two_seconds_is_before_the_next_one() {
    let every_second = Recurrence::of(&spec("* * * * * *", "UTC")).expect("a good spec");
    let at = instant("2026-01-01T00:00:00.5Z");

    assert_eq!(every_second.after(at), Some(instant("2026-01-01T00:00:01Z")));
    assert_eq!(every_second.after(instant("2026-01-01T00:00:01Z")), Some(instant("2026-01-01T00:00:02Z")));
    assert_eq!(every_second.last(at, at + TimeDelta::seconds(1), 5), [instant("2026-01-01T00:00:01Z")]);
}

#[test]
fn a_start_is_the_first_that_counts_and_an_end_the_first_that_does_not() {
    let window = ScheduleSpec {
        starts_at: Some(instant("2026-01-02T09:00:00Z")),
        ends_at: Some(instant("2026-01-04T09:00:00Z")),
        ..spec("0 9 * * *", "UTC")
    };

    assert_eq!(between(&window, "2026-01-01", "2026-02-01"), ["01-02T09:00:00Z", "01-03T09:00:00Z"]);
}

#[test]
fn one_instant_is_one_instant() {
    let at = instant("2026-11-01T05:30:00.250Z");
    let once = ScheduleSpec { timing: Timing::At(at), ..spec("* * * * *", "UTC") };
    let once = Recurrence::of(&once).expect("a good spec");

    assert_eq!(once.after(at - TimeDelta::nanoseconds(1)), Some(at));
    assert_eq!(once.after(at), None);
    assert_eq!(once.last(at, at + TimeDelta::days(1), 3), [at]);
}

#[test]
fn a_leap_day_on_a_sunday_is_found_across_2100() {
    let rare = Recurrence::of(&spec("0 0 29 2 */7", "Europe/Lisbon")).expect("a good spec");

    assert_eq!(rare.after(instant("2089-01-01T00:00:00Z")), Some(instant("2128-02-29T00:00:00Z")));
}

#[test]
fn what_only_ever_falls_into_gaps_is_given_up() {
    // The second Sunday of March at 02:30 has never existed in New York since 2007.
    let never = ScheduleSpec { dst_gap: DstGap::Skip, ..spec("30 2 8-14 3 */7", "America/New_York") };
    let never = Recurrence::of(&never).expect("its days exist");

    assert_eq!(never.after(instant("2026-01-01T00:00:00Z")), None);
}

#[test]
fn an_instant_is_read_as_clocks_of_the_zone_show_it() {
    let lisbon = Recurrence::of(&spec("0 9 * * *", "Europe/Lisbon")).expect("a good spec");

    let read = |at: &str| lisbon.local(instant(at)).to_rfc3339();

    assert_eq!(read("2026-07-01T08:00:00Z"), "2026-07-01T09:00:00+01:00");
    assert_eq!(read("2026-12-01T09:00:00Z"), "2026-12-01T09:00:00+00:00");
}

#[test]
fn a_year_begins_when_clocks_of_the_zone_say_so() {
    let kathmandu = Zone::named("Asia/Kathmandu").expect("it is known");

    assert_eq!(kathmandu.year(2026), Some(instant("2025-12-31T18:15:00Z")));
}
