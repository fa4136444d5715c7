//! `schedule preview` and what is refused: told at once, with no server anywhere.

use std::net::TcpListener;

use serde_json::{Value, json};
use stories::Jobctl;

/// A `jobctl` whose server is not there.
fn alone() -> Jobctl {
    let free = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = free.local_addr().expect("it has one");
    Jobctl::at(&format!("http://{address}"))
}

/// The anomalous days of 2027 of an expression in a zone: the day, by how much clocks move, and what fires.
fn days(expression: &str, zone: &str, flags: &[&str]) -> Vec<(String, i64, Vec<String>)> {
    let words = ["schedule", "preview", expression, "--timezone", zone, "--year", "2027"];
    let told = alone().json(&[&words, flags].concat());
    let text = |value: &Value| value.as_str().unwrap_or_else(|| panic!("{told}")).to_owned();
    let days = told["days"].as_array().unwrap_or_else(|| panic!("{told}"));
    let day = |day: &Value| {
        let fires = day["fires"].as_array().expect("a list").iter().map(text).collect();
        (text(&day["day"]), day["shift_s"].as_i64().expect("a number"), fires)
    };
    days.iter().map(day).collect()
}

fn expected(days: &[(&str, i64, &[&str])]) -> Vec<(String, i64, Vec<String>)> {
    let day = |(day, shift, fires): &(&str, i64, &[&str])| {
        ((*day).to_owned(), *shift, fires.iter().map(|at| (*at).to_owned()).collect())
    };
    days.iter().map(day).collect()
}

#[test]
fn a_fixed_time_fires_right_after_the_gap_and_the_first_time_or_as_the_policies_say() {
    let (spring, autumn) = ("2027-03-28", "2027-10-31");

    assert_eq!(
        days("30 2 * * *", "Europe/Berlin", &[]),
        expected(&[(spring, 3_600, &["2027-03-28T01:00:00Z"]), (autumn, -3_600, &["2027-10-31T00:30:00Z"]),])
    );
    assert_eq!(
        days("30 2 * * *", "Europe/Berlin", &["--dst-gap", "skip", "--dst-overlap", "both"]),
        expected(&[
            (spring, 3_600, &[]),
            (autumn, -3_600, &["2027-10-31T00:30:00Z", "2027-10-31T01:30:00Z"]),
        ])
    );
    // Other zones change on other days, at other hours, by other amounts, the other way round, or never.
    assert_eq!(
        days("30 2 * * *", "America/New_York", &[]),
        expected(&[("2027-03-14", 3_600, &["2027-03-14T07:00:00Z"]),])
    );
    assert_eq!(
        days("30 1 * * *", "America/New_York", &[]),
        expected(&[("2027-11-07", -3_600, &["2027-11-07T05:30:00Z"])])
    );
    assert_eq!(
        days("15 2 * * *", "Australia/Lord_Howe", &[]),
        expected(&[("2027-10-03", 1_800, &["2027-10-02T15:30:00Z"])])
    );
    for (expression, zone) in
        [("30 2 * * *", "Asia/Kolkata"), ("30 2 * * *", "UTC"), ("30 9 * * *", "Europe/Berlin")]
    {
        assert_eq!(days(expression, zone, &[]), [], "{expression} {zone}");
    }
}

#[test]
fn what_follows_the_clock_has_an_hour_less_and_an_hour_more() {
    let days = days("*/15 * * * *", "Europe/Berlin", &[]);

    let counts: Vec<_> = days.iter().map(|(day, shift, fires)| (day.as_str(), *shift, fires.len())).collect();
    assert_eq!(counts, [("2027-03-28", 3_600, 23 * 4), ("2027-10-31", -3_600, 25 * 4)]);
}

#[test]
fn the_next_instants_are_told_for_people_and_for_programs() {
    let words = [
        "schedule",
        "preview",
        "30 7 * * 1-5",
        "--timezone",
        "Europe/Lisbon",
        "--from",
        "2026-10-23T00:00:00Z",
    ];
    let words = [&words[..], &["--count", "3"]].concat();

    let told = alone().json(&words);
    let people = alone().run(&words);
    let pipe = alone().json(&["schedule", "preview", "@every 90m", "--count", "2"]);

    let fires = json!(["2026-10-23T06:30:00Z", "2026-10-26T07:30:00Z", "2026-10-27T07:30:00Z"]);
    assert_eq!((&told["fires"], &told["timezone"]), (&fires, &json!("Europe/Lisbon")), "{told}");
    assert!(people.code == 0 && people.stderr.is_empty(), "{people:?}");
    for part in
        ["at 07:30", "Europe/Lisbon", "Fri 2026-10-23 07:30", "Mon 2026-10-26 07:30", "2026-10-26T07:30:00Z"]
    {
        assert!(people.stdout.contains(part), "{part} is not in {people:?}");
    }
    assert_eq!(pipe["fires"].as_array().map(Vec::len), Some(2), "{pipe}");
}

#[test]
fn what_is_malformed_is_refused_with_its_field_and_what_to_write() {
    let cases = [
        ("5/15 * * * *", "minute"),
        ("1,,2 * * * *", "minute"),
        ("0 22-6 * * *", "hour"),
        ("0 0 32 * *", "day"),
        ("0 0 L * *", "day"),
        ("0 0 * january *", "month"),
        ("0 0 * * fri-sun", "day"),
        ("0 0 30 2 *", "never"),
        ("0 0 31 2,4,6 *", "never"),
        ("* * * *", "fields"),
        ("0 0 0 1 1 * 2027", "fields"),
        ("@dayly", "@daily"),
        ("* * * * \u{1b}[31m", ""),
    ];
    for (expression, part) in cases {
        for words in [
            &["schedule", "preview", expression][..],
            &["schedule", "create", "s", "--task", "t", "--cron", expression],
        ] {
            let answer = alone().run(words);

            assert_eq!((answer.code, answer.stdout.as_str()), (2, ""), "{expression}: {answer:?}");
            assert!(answer.stderr.starts_with("error: cron: "), "{expression}: {answer:?}");
            assert!(
                answer.stderr.contains(part) && answer.stderr.contains("\nhint: "),
                "{expression}: {answer:?}"
            );
            assert!(!answer.stderr.contains('\u{1b}'), "{answer:?}");
        }
    }
}

#[test]
fn a_zone_that_is_none_is_refused_with_one_that_is() {
    // `create` leaves it to the server, whose data are what counts.
    for (zone, hint) in
        [("Europe/Berlni", "Europe/Berlin"), ("europe/lisbon", "Europe/Lisbon"), ("CET", "Europe/")]
    {
        let answer = alone().run(&["schedule", "preview", "@daily", "--timezone", zone]);

        assert_eq!((answer.code, answer.stdout.as_str()), (2, ""), "{answer:?}");
        assert!(answer.stderr.starts_with("error: timezone: ") && answer.stderr.contains(zone), "{answer:?}");
        assert!(answer.stderr.contains("\nhint: ") && answer.stderr.contains(hint), "{answer:?}");
    }
}

#[test]
fn what_cannot_hold_is_refused_before_any_server_is_asked() {
    let cases: [(&[&str], &str); 6] = [
        (&["--every", "999ms"], "every: "),
        (&["--every", "1m", "--missed-after", "999ms"], "missed-after: "),
        (&["--every", "1m", "--missed-after", "61m"], "missed-after: "),
        (&["--every", "1m", "--jitter", "10m", "--expires-in", "10m"], "expires-in: "),
        (&["--every", "1m", "--start", "2027-01-02T00:00:00Z", "--end", "2027-01-01T00:00:00Z"], "end: "),
        (&["--cron", "@daily", "--payload", "{"], "payload"),
    ];
    for (flags, part) in cases {
        let answer = alone().run(&[&["schedule", "create", "s", "--task", "t"], flags].concat());

        assert_eq!((answer.code, answer.stdout.as_str()), (2, ""), "{flags:?}: {answer:?}");
        assert!(
            answer.stderr.starts_with("error: ") && answer.stderr.contains(part),
            "{flags:?}: {answer:?}"
        );
    }
}
