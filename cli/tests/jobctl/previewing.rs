//! `jobctl schedule preview`: when an expression fires, without a server.

use rpc::v1;
use serde_json::{Value, json};

use crate::runner::{Answer, Runner, nobody};
use crate::scripted::{Script, Scripted};
use crate::scripted_schedules::ScheduleScript;

fn preview(arguments: &[&str]) -> Answer {
    Runner::new().run(&[&["schedule", "preview", "--server", "http://127.0.0.1:1"], arguments].concat())
}

const LISBON: [&str; 2] = ["--timezone", "Europe/Lisbon"];

#[test]
fn an_expression_tells_its_instants_without_a_server() {
    let answer = preview(&[
        "30 7 * * 1-5",
        "--tz",
        "Europe/Lisbon",
        "--from",
        "2026-03-27T08:00:00+01:00",
        "--count",
        "2",
    ]);
    let json =
        preview(&["30 7 * * 1-5", "--from", "2026-03-27T08:00:00+01:00", "--count", "2", "-o", "json"]);

    assert_eq!((answer.code, answer.stderr.as_str()), (0, ""));
    let lines: Vec<_> = answer.stdout.lines().collect();
    assert!(lines[0].contains("07:30") && lines[0].contains("Europe/Lisbon"), "{answer:?}");
    assert!(lines[2].starts_with("Fri 2026-03-27 07:30 +00:00   2026-03-27T07:30:00Z  "), "{answer:?}");
    assert!(lines[3].starts_with("Mon 2026-03-30 07:30 +01:00   2026-03-30T06:30:00Z  "), "{answer:?}");
    assert_eq!(lines.len(), 4, "{answer:?}");
    let json = json.json();
    assert_eq!(json["timezone"], "UTC");
    assert_eq!(json["fires"], json!(["2026-03-27T07:30:00Z", "2026-03-30T07:30:00Z"]));
    assert_eq!((&json["notes"], &json["days"]), (&json!([]), &Value::Null));
}

#[test]
fn the_first_instant_may_be_the_one_that_was_given() {
    let answer = preview(&["@hourly", "--from", "2026-03-27T08:00:00Z", "--count", "1", "-o", "json"]);

    assert_eq!(answer.json()["fires"], json!(["2026-03-27T08:00:00Z"]));
}

#[test]
fn an_instant_that_a_change_of_clocks_moves_is_marked_and_explained() {
    let gap =
        preview(&[&["30 1 * * *", "--from", "2026-03-28T00:00:00Z", "--count", "3"], &LISBON[..]].concat());
    let json = [&["30 1 * * *", "--from", "2026-03-28T00:00:00Z", "--count", "3", "-o", "json"], &LISBON[..]];
    let both = [
        &["30 1 * * *", "--from", "2026-10-25T00:00:00Z", "--count", "2", "--dst-overlap", "both"],
        &LISBON[..],
    ];
    let both = preview(&both.concat());
    let skip =
        [&["30 1 * * *", "--from", "2026-03-28T00:00:00Z", "--count", "2", "--dst-gap", "skip"], &LISBON[..]];
    let skip = preview(&skip.concat());

    let marked: Vec<_> = gap.stdout.lines().filter(|line| line.contains(" * 20")).collect();
    assert_eq!(marked.len(), 1, "{gap:?}");
    assert!(marked[0].starts_with("Sun 2026-03-29 02:00 +01:00 * 2026-03-29T01:00:00Z"), "{gap:?}");
    assert!(gap.stdout.contains("\n* Sun 2026-03-29, clocks go forward by 1h: "), "{gap:?}");
    let notes = preview(&json.concat()).json()["notes"].clone();
    assert!(notes[0].as_str().is_some_and(|note| note.starts_with("Sun 2026-03-29, clocks go")), "{notes}");
    assert_eq!(both.stdout.lines().filter(|line| line.contains(" * 2026-10-25")).count(), 2, "{both:?}");
    assert!(!skip.stdout.contains("2026-03-29T"), "{skip:?}");
    assert!(skip.stdout.contains("\n* Sun 2026-03-29"), "a day that is left out is told, too: {skip:?}");
}

#[test]
fn the_days_of_a_year_are_told_or_that_there_are_none() {
    let lisbon = preview(&[&["30 1 * * *", "--year", "2026", "-o", "json"], &LISBON[..]].concat()).json();
    let text = preview(&[&["30 1 * * *", "--year", "2026"], &LISBON[..]].concat()).stdout;
    let utc = preview(&["30 1 * * *", "--year", "2026"]);

    let days: Vec<_> = lisbon["days"].as_array().expect("a list").iter().map(|day| &day["day"]).collect();
    assert_eq!(days, ["2026-03-29", "2026-10-25"], "{lisbon}");
    assert_eq!(lisbon["days"][0]["shift_s"], 3_600);
    assert_eq!(lisbon["days"][0]["change_at"], "2026-03-29T01:00:00Z");
    assert_eq!(lisbon["days"][0]["fires"], json!(["2026-03-29T01:00:00Z"]));
    assert_eq!((&lisbon["fires"], &lisbon["year"]), (&Value::Null, &json!(2026)));
    assert!(text.contains("\nSun 2026-10-25, clocks go back by 1h: "), "{text}");
    assert!(utc.stdout.contains("no change of clocks in 2026 makes a difference"), "{utc:?}");
}

#[test]
fn what_is_malformed_is_refused_with_its_field_and_a_hint() {
    let cases: [(&[&str], &str); 8] = [
        (&["30 7 * *"], "error: cron: "),
        (&["1,,2 * * * *"], "minute"),
        (&["0 0 30 2 *"], "never"),
        (&["*/5"], "error: cron: "),
        (&["@fortnightly"], "@fortnightly"),
        (&["@every 10ms"], "@every"),
        (&["30 7 * * *", "--timezone", "Europe/Lisbom"], "error: timezone: "),
        (&["30 7 * * *", "--timezone", "CET"], "error: timezone: "),
    ];

    for (arguments, named) in cases {
        let answer = preview(arguments);

        assert_eq!((answer.code, answer.stdout.as_str()), (2, ""), "{answer:?}");
        assert!(answer.stderr.starts_with("error: ") && answer.stderr.contains(named), "{answer:?}");
        assert!(answer.stderr.contains("\nhint: "), "{answer:?}");
    }
}

#[test]
fn an_expression_that_lacks_its_quotes_or_its_at_is_helped() {
    let unquoted = preview(&["30", "7", "*", "*", "1-5"]);
    let no_at = Runner::new().run(&["schedule", "preview", "daily", "--server", &nobody()]);

    assert_eq!((unquoted.code, no_at.code), (2, 7));
    assert!(unquoted.stderr.contains("in quotes"), "{unquoted:?}");
    assert!(no_at.stderr.contains("hint: the expression is written @daily"), "{no_at:?}");
}

#[test]
fn a_schedule_is_fetched_and_worked_out_here() {
    let spec = v1::ScheduleSpec {
        task: "t".to_owned(),
        cron: "30 1 * * *".to_owned(),
        timezone: "Europe/Lisbon".to_owned(),
        ..v1::ScheduleSpec::default()
    };
    let schedule =
        || v1::Schedule { name: "nightly".to_owned(), spec: Some(spec.clone()), ..v1::Schedule::default() };
    let schedules =
        ScheduleScript { gets: [Ok(schedule()), Ok(schedule())].into(), ..ScheduleScript::default() };
    let server = Scripted::start(Script { schedules, ..Script::default() });
    let common = ["schedule", "preview", "nightly", "--server", server.url(), "-o", "json"];
    let from = ["--from", "2026-07-01T00:00:00Z", "--count", "1"];

    let as_it_is = Runner::new().run(&[&common[..], &from].concat()).json();
    let elsewhere = Runner::new().run(&[&common[..], &from, &["--tz", "Asia/Tokyo"]].concat()).json();

    assert_eq!(
        (&as_it_is["timezone"], &as_it_is["fires"][0]),
        (&json!("Europe/Lisbon"), &json!("2026-07-01T00:30:00Z"))
    );
    assert_eq!(
        (&elsewhere["timezone"], &elsewhere["fires"][0]),
        (&json!("Asia/Tokyo"), &json!("2026-07-01T16:30:00Z"))
    );
}
