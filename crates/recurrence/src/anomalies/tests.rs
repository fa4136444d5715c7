//! What changes of clocks mean for schedules.

use chrono::{DateTime, Utc};
use model::schedule::{DstGap, DstOverlap, ScheduleSpec, Timing};

use crate::{Anomaly, Recurrence};

const AFTER: (DstGap, DstOverlap) = (DstGap::After, DstOverlap::First);
const SKIP: (DstGap, DstOverlap) = (DstGap::Skip, DstOverlap::First);
const BOTH: (DstGap, DstOverlap) = (DstGap::After, DstOverlap::Both);

fn at(text: &str) -> DateTime<Utc> {
    text.parse().expect("an instant")
}

fn spec(cron: &str, timezone: &str, (dst_gap, dst_overlap): (DstGap, DstOverlap)) -> ScheduleSpec {
    ScheduleSpec {
        timezone: timezone.to_owned(),
        dst_gap,
        dst_overlap,
        ..ScheduleSpec::new("report".parse().expect("a task"), Timing::Cron(cron.to_owned()))
    }
}

fn in_year(spec: &ScheduleSpec, year: i32) -> Vec<Anomaly> {
    let recurrence = Recurrence::of(spec).expect("it is well formed");
    recurrence.anomalies(at(&format!("{year}-01-01T00:00:00Z")), at(&format!("{}-01-01T00:00:00Z", year + 1)))
}

/// Zone, year, expression, policies; of each anomaly the day, the shift and what it means.
type Case =
    (&'static str, i32, &'static str, (DstGap, DstOverlap), &'static [(&'static str, i32, &'static str)]);

const CASES: &[Case] = &[
    // Clocks go forward on 29 March 2026 from 01:00 to 02:00, and back on 25 October from 02:00 to 01:00.
    (
        "Europe/Lisbon",
        2026,
        "30 1 * * *",
        AFTER,
        &[
            ("2026-03-29", 3_600, "01:30 does not exist; it fires at 02:00"),
            ("2026-10-25", -3_600, "01:30 comes twice; it fires the first time only"),
        ],
    ),
    (
        "Europe/Lisbon",
        2026,
        "30 1 * * *",
        SKIP,
        &[
            ("2026-03-29", 3_600, "01:30 does not exist; it does not fire"),
            ("2026-10-25", -3_600, "01:30 comes twice; it fires the first time only"),
        ],
    ),
    (
        "Europe/Lisbon",
        2026,
        "0,15,30 1 * * *",
        BOTH,
        &[
            ("2026-03-29", 3_600, "01:00, 01:15 and 01:30 do not exist; it fires once at 02:00"),
            ("2026-10-25", -3_600, "01:00, 01:15 and 01:30 come twice; it fires both times"),
        ],
    ),
    (
        "Europe/Lisbon",
        2026,
        "0,15,30,45 1,2 * * *",
        SKIP,
        &[
            ("2026-03-29", 3_600, "4 times from 01:00 to 01:45 do not exist; it does not fire then"),
            ("2026-10-25", -3_600, "4 times from 01:00 to 01:45 come twice; it fires the first time only"),
        ],
    ),
    (
        "Europe/Lisbon",
        2026,
        "*/5 * * * *",
        AFTER,
        &[
            ("2026-03-29", 3_600, "follows the clock: 1 hour is left out, it fires 12 times fewer"),
            ("2026-10-25", -3_600, "follows the clock: 1 hour comes twice, it fires 12 times more"),
        ],
    ),
    (
        "Europe/Lisbon",
        2026,
        "0 * * * *",
        SKIP,
        &[
            ("2026-03-29", 3_600, "follows the clock: 1 hour is left out, it fires 1 time fewer"),
            ("2026-10-25", -3_600, "follows the clock: 1 hour comes twice, it fires 1 time more"),
        ],
    ),
    // What is far from the change, or on another day, is not touched.
    ("Europe/Lisbon", 2026, "30 9 * * *", AFTER, &[]),
    ("Europe/Lisbon", 2026, "30 1 * * 1-5", AFTER, &[]),
    ("Europe/Lisbon", 2026, "0 */6 * * *", AFTER, &[]),
    ("Europe/Lisbon", 2026, "*/15 9-17 * * *", AFTER, &[]),
    ("UTC", 2026, "* * * * *", AFTER, &[]),
    ("Asia/Kolkata", 2026, "* * * * *", AFTER, &[]),
    // Half an hour.
    (
        "Australia/Lord_Howe",
        2026,
        "15 2 * * *",
        AFTER,
        &[("2026-10-04", 1_800, "02:15 does not exist; it fires at 02:30")],
    ),
    (
        "Australia/Lord_Howe",
        2026,
        "*/10 * * * *",
        AFTER,
        &[
            ("2026-04-05", -1_800, "follows the clock: 30 minutes come twice, it fires 3 times more"),
            ("2026-10-04", 1_800, "follows the clock: 30 minutes are left out, it fires 3 times fewer"),
        ],
    ),
    // Around midnight: 00:00 to 01:00 on 24 April does not exist; 23:00 to 24:00 on 29 October comes twice.
    (
        "Africa/Cairo",
        2026,
        "@daily",
        AFTER,
        &[("2026-04-24", 3_600, "00:00 does not exist; it fires at 01:00")],
    ),
    (
        "Africa/Cairo",
        2026,
        "45 23 * * *",
        BOTH,
        &[("2026-10-29", -3_600, "23:45 comes twice; it fires both times")],
    ),
    // A whole day that was left out, 30 December 2011.
    (
        "Pacific/Apia",
        2011,
        "0 12 30 12 *",
        AFTER,
        &[("2011-12-30", 86_400, "12:00 does not exist; it fires at 00:00 on 2011-12-31")],
    ),
    // With seconds.
    (
        "America/New_York",
        2026,
        "15 30 2 * * *",
        AFTER,
        &[("2026-03-08", 3_600, "02:30:15 does not exist; it fires at 03:00")],
    ),
];

#[test]
fn days_on_which_clocks_change_are_told_with_what_that_means() {
    for (timezone, year, cron, policies, expected) in CASES {
        let anomalies = in_year(&spec(cron, timezone, *policies), *year);

        let told: Vec<(String, i32, &str)> = anomalies
            .iter()
            .map(|anomaly| (anomaly.day.to_string(), anomaly.shift_s, anomaly.effect.as_str()))
            .collect();
        let expected: Vec<(String, i32, &str)> =
            expected.iter().map(|(day, shift_s, effect)| ((*day).to_owned(), *shift_s, *effect)).collect();
        assert_eq!(told, expected, "{cron} in {timezone}");
    }
}

#[test]
fn what_is_told_is_what_it_does() {
    let lisbon = |cron, policies| in_year(&spec(cron, "Europe/Lisbon", policies), 2026);
    let fires = |anomalies: &[Anomaly], day: usize| anomalies[day].fires.clone();

    let after = lisbon("30 1 * * *", AFTER);
    assert_eq!(fires(&after, 0), [at("2026-03-29T01:00:00Z")]);
    assert_eq!(fires(&after, 1), [at("2026-10-25T00:30:00Z")]);
    assert_eq!(after[0].change_at, at("2026-03-29T01:00:00Z"));
    assert!(fires(&lisbon("30 1 * * *", SKIP), 0).is_empty());
    let both = lisbon("30 1 * * *", BOTH);
    assert_eq!(fires(&both, 1), [at("2026-10-25T00:30:00Z"), at("2026-10-25T01:30:00Z")]);
    let hourly = lisbon("0 * * * *", AFTER);
    assert_eq!((hourly[0].fires.len(), hourly[1].fires.len()), (23, 25));
}

#[test]
fn a_day_that_does_not_exist_has_what_it_is_made_up_for_by() {
    let anomalies = in_year(&spec("0 12 30 12 *", "Pacific/Apia", AFTER), 2011);

    assert_eq!(anomalies[0].fires, [at("2011-12-30T10:00:00Z")]);
}

#[test]
fn of_a_day_with_many_instants_a_hundred_are_told() {
    let anomalies = in_year(&spec("* * * * * *", "Europe/Lisbon", AFTER), 2026);

    assert_eq!(anomalies[0].effect, "follows the clock: 1 hour is left out, it fires 3600 times fewer");
    assert_eq!(anomalies[0].fires.len(), 100);
    assert_eq!(anomalies[0].fires[0], at("2026-03-29T00:00:00Z"));
}

#[test]
fn changes_outside_of_its_start_and_end_are_no_matter() {
    let spec = ScheduleSpec {
        starts_at: Some(at("2026-05-01T00:00:00Z")),
        ends_at: Some(at("2026-10-01T00:00:00Z")),
        ..spec("30 1 * * *", "Europe/Lisbon", AFTER)
    };

    assert_eq!(in_year(&spec, 2026), []);
}

#[test]
fn a_change_at_either_end_of_the_time_asked_for_counts_once() {
    let recurrence = Recurrence::of(&spec("30 1 * * *", "Europe/Lisbon", AFTER)).expect("it is well formed");
    let (start, change) = (at("2026-01-01T00:00:00Z"), at("2026-03-29T01:00:00Z"));
    let end = at("2026-06-01T00:00:00Z");

    assert_eq!(recurrence.anomalies(start, change).len(), 0);
    assert_eq!(recurrence.anomalies(change, end).len(), 1);
    assert_eq!(recurrence.anomalies(change, change), []);
}

#[test]
fn periods_and_single_instants_are_not_touched() {
    let anchor = at("2026-03-29T00:30:00Z");
    for timing in [Timing::Every { period_ms: 60_000, anchor }, Timing::At(anchor)] {
        let spec = ScheduleSpec { timing, ..spec("* * * * *", "Europe/Lisbon", AFTER) };

        assert_eq!(in_year(&spec, 2026), []);
    }
}

#[test]
fn however_long_a_time_is_asked_for_the_answer_is_bounded() {
    let recurrence = Recurrence::of(&spec("30 1 * * *", "Europe/Lisbon", AFTER)).expect("it is well formed");

    let anomalies = recurrence.anomalies(DateTime::<Utc>::MIN_UTC, DateTime::<Utc>::MAX_UTC);

    assert!((800..=1_000).contains(&anomalies.len()), "{}", anomalies.len());
}
