//! What expressions and zones are taken, and what is said about the others.

use chrono::{DateTime, Utc};
use model::schedule::{ScheduleSpec, Timing};
use recurrence::{Recurrence, Refused, timing};

fn anchor() -> DateTime<Utc> {
    "2026-01-01T00:00:00Z".parse().expect("an instant")
}

fn refusal(cron: &str) -> Refused {
    timing(cron, anchor()).expect_err(cron)
}

fn in_zone(timezone: &str) -> Result<Recurrence, Refused> {
    let spec = ScheduleSpec::new("t".parse().expect("a task"), Timing::Cron("0 9 * * *".to_owned()));
    Recurrence::of(&ScheduleSpec { timezone: timezone.to_owned(), ..spec })
}

#[test]
fn expressions_are_taken_and_kept_in_one_spelling() {
    let taken = [
        ("* * * * *", "* * * * *"),
        (" 0\t9  * * 1-5 ", "0 9 * * 1-5"),
        ("*/15 * * * *", "*/15 * * * *"),
        ("5-59/15 * * * *", "5-59/15 * * * *"),
        ("0 0,12 1-7,15 */2 *", "0 0,12 1-7,15 */2 *"),
        ("00 09 * * *", "00 09 * * *"),
        ("0 9 ? * MON-fri", "0 9 ? * MON-fri"),
        ("0 9 * jan,Dec sun", "0 9 * jan,Dec sun"),
        ("0 9 * * 7", "0 9 * * 7"),
        ("0 9 * * 5-7", "0 9 * * 5-7"),
        ("0 9 * * 0-7/2", "0 9 * * 0-7/2"),
        ("0 9 31 */2 *", "0 9 31 */2 *"),
        ("0 9 30 2 mon", "0 9 30 2 mon"),
        ("0 9 29 2 */7", "0 9 29 2 */7"),
        ("*,5 * * * *", "*,5 * * * *"),
        ("* * * * * *", "* * * * * *"),
        ("*/10 0 9 * * *", "*/10 0 9 * * *"),
        ("@hourly", "0 * * * *"),
        ("@daily", "0 0 * * *"),
        (" @midnight ", "0 0 * * *"),
        ("@weekly", "0 0 * * 0"),
        ("@monthly", "0 0 1 * *"),
        ("@yearly", "0 0 1 1 *"),
        ("@annually", "0 0 1 1 *"),
    ];

    for (cron, kept) in taken {
        assert_eq!(timing(cron, anchor()), Ok(Timing::Cron(kept.to_owned())), "{cron}");
        let spec = ScheduleSpec::new("t".parse().expect("a task"), Timing::Cron(cron.to_owned()));
        assert!(Recurrence::of(&spec).expect(cron).after(anchor()).is_some(), "{cron}");
    }
}

#[test]
fn intervals_are_taken() {
    let taken = [
        ("@every 6h", 21_600_000),
        ("@every  1h30m", 5_400_000),
        ("@every 1s", 1_000),
        ("@every 1500ms", 1_500),
    ];

    for (cron, period_ms) in taken {
        assert_eq!(timing(cron, anchor()), Ok(Timing::Every { period_ms, anchor: anchor() }), "{cron}");
    }
}

/// A text, what the problem says of it, and what the hint does.
const REFUSED: &[(&str, &str, &str)] = &[
    ("", "an empty text", "30 9 * * 1-5"),
    ("   ", "an empty text", "30 9 * * 1-5"),
    ("* * * *", "4 fields; there are 5, or 6", "30 9 * * 1-5"),
    ("hourly", "1 field; there are 5, or 6", "30 9 * * 1-5"),
    ("0 0 9 * * * 2026", "7 fields; there are 5, or 6", "leave the year out"),
    ("CRON_TZ=Europe/Lisbon 0 9 * * *", "a time zone stands in the expression", "--timezone"),
    (", * * * *", r#"minute ",": nothing stands beside a comma"#, "write a value, or * for all"),
    ("1,,2 * * * *", r#"minute "1,,2": nothing stands beside a comma"#, "write 1,2"),
    ("* 1, * * *", r#"hour "1,": nothing stands beside a comma"#, "write 1"),
    ("60 * * * *", r#"minute "60": 60 is not between 0 and 59"#, "write 0"),
    ("0 24 * * *", r#"hour "24": 24 is not between 0 and 23"#, "midnight is hour 0"),
    ("0 0 0 * *", r#"day of month "0": 0 is not between 1 and 31"#, "the first is 1"),
    ("0 0 32 * *", r#"day of month "32": 32 is not between 1 and 31"#, "write 1 to 31"),
    ("0 0 * 13 *", r#"month "13": 13 is not between 1 and 12"#, "write 1 to 12"),
    ("0 0 * * 8", r#"day of week "8": 8 is not between 0 and 7"#, "write 0 to 7"),
    ("60 0 0 * * *", r#"second "60": 60 is not between 0 and 59"#, "write 0"),
    ("1-60 * * * *", r#"minute "1-60": 60 is not between 0 and 59"#, "write 0"),
    ("99999999999 * * * *", "99999999999 is not between 0 and 59", "write 0 to 59"),
    ("5/15 * * * *", r#"minute "5/15": a step needs a range before it"#, "write 5-59/15"),
    ("* 2/6 * * *", r#"hour "2/6": a step needs a range before it"#, "write 2-23/6"),
    ("*/0 * * * *", r#"minute "*/0": the step 0 is not between 1 and 59"#, "write a step of 1 to 59"),
    ("*/90 * * * *", r#"minute "*/90": the step 90 is not between 1 and 59"#, "@every 90m"),
    ("* */24 * * *", r#"hour "*/24": the step 24 is not between 1 and 23"#, "write 0, or @every 24h"),
    ("*/ * * * *", r#"minute "*/": "" is no step"#, "a number from 1 to 59"),
    ("*/x * * * *", r#"minute "*/x": "x" is no step"#, "a number from 1 to 59"),
    ("*/1/2 * * * *", r#"minute "*/1/2": "1/2" is no step"#, "a number from 1 to 59"),
    ("30-10 * * * *", r#"minute "30-10": the range runs backwards"#, "write 30-59,0-10"),
    ("* 22-6 * * *", r#"hour "22-6": the range runs backwards"#, "write 22-23,0-6"),
    ("0 0 * 11-2 *", r#"month "11-2": the range runs backwards"#, "write 11-12,1-2"),
    ("0 9 * * fri-sun", r#"day of week "fri-sun": the range runs backwards"#, "write 5-7"),
    ("0 9 * * sat-mon", r#"day of week "sat-mon": the range runs backwards"#, "write 6-6,0-1"),
    ("1- * * * *", r#"minute "1-": a value is missing"#, "0-59"),
    ("-5 * * * *", r#"minute "-5": a value is missing"#, "0-59"),
    ("1-2-3 * * * *", r#"minute "1-2-3": "2-3" is no number"#, "write 0 to 59"),
    ("+5 * * * *", r#"minute "+5": "+5" is no number"#, "write 0 to 59"),
    ("** * * * *", r#"minute "**": "**" is no number"#, "write * alone"),
    ("*5 * * * *", r#"minute "*5": "*5" is no number"#, "write * alone"),
    ("five * * * *", r#"minute "five": "five" is no number"#, "write 0 to 59"),
    ("? * * * *", r#"minute "?": ? stands alone"#, "write *"),
    ("0 0 ?/2 * *", r#"day of month "?/2": ? stands alone"#, "write */2"),
    ("0 0 L * *", r#"day of month "L": L (the last day) is not supported"#, "first day of the next month"),
    ("0 0 * * 5L", r#"day of week "5L": L (the last day) is not supported"#, "first day of the next month"),
    ("0 0 LW * *", r#"day of month "LW": L (the last day) is not supported"#, "first day of the next month"),
    ("0 0 15W * *", r#"day of month "15W": W (the nearest weekday) is not supported"#, "1-5"),
    (
        "0 0 * * 1#2",
        r#"day of week "1#2": # (the nth such day of a month) is not supported"#,
        "day of week alone",
    ),
    ("0 0 * * mon#1", "# (the nth such day of a month) is not supported", "day of week alone"),
    ("H * * * *", r#"minute "H": a value that the system chooses"#, "--jitter"),
    ("0~30 * * * *", r#"minute "0~30": a value that the system chooses"#, "--jitter"),
    ("0 0 MON * *", r#"day of month "MON": this is the name of a day of week"#, "the order is"),
    ("0 0 * mon *", r#"month "mon": this is the name of a day of week"#, "the order is"),
    ("0 0 * * jan", r#"day of week "jan": this is the name of a month"#, "the order is"),
    ("0 0 * january *", r#"month "january": "january" is neither a number nor a name"#, "write jan"),
    ("0 0 * * monday", r#"day of week "monday": "monday" is neither a number nor a name"#, "write mon"),
    ("0 0 * * mo", r#"day of week "mo": "mo" is neither a number nor a name"#, "sun to sat"),
    ("0 0 30 2 *", "it never fires: no month of \"2\" has a day \"30\"", "February has 28"),
    ("0 0 31 2,4,6,9,11 *", "it never fires", "a day that the month has"),
    ("0 0 30 feb */2", "it never fires", "a day that the month has"),
    ("@fortnightly", r#""@fortnightly" is no name"#, "@hourly, @daily"),
    ("@Daily", r#""@Daily" is no name of an expression, or not written so"#, "write @daily"),
    (
        "@daily 5",
        r#""@daily" is no name of an expression, or not written so"#,
        "write @daily and nothing else",
    ),
    ("@reboot", r#""@reboot" is no name"#, "schedules outlive restarts"),
    ("@every", r#""@every" is no name"#, "@every 6h"),
    ("@every soon", "@every: ", "@every 90s"),
    ("@every 500ms", "@every: \"500ms\" is not between 1 second and 3653 days", "@every 90s"),
    ("@every 11years", "is not between 1 second and 3653 days", "@every 90s"),
    ("@every 1s500us", "is no whole number of milliseconds", "@every 90s"),
    ("0 9 * * 1\u{2013}5", r"the character '–' has no meaning", "30 9 * * 1-5"),
    ("0 9\n* * *", r"the character '\n' has no meaning", "30 9 * * 1-5"),
    ("0 9 * * *\u{0}", r"the character '\0' has no meaning", "30 9 * * 1-5"),
    ("0 9 * * *\u{1b}[2J", r"the character '\u{1b}' has no meaning", "30 9 * * 1-5"),
];

#[test]
fn a_refused_expression_is_told_its_field_and_what_to_write() {
    for (cron, problem, hint) in REFUSED {
        let refused = refusal(cron);

        assert_eq!(refused.field, "cron", "{cron}");
        assert!(refused.problem.contains(problem), "{cron}: {}", refused.problem);
        let told = refused.hint.unwrap_or_default();
        assert!(told.contains(hint), "{cron}: {told}");
        assert!(!format!("{}{told}", refused.problem).contains(char::is_control), "{cron}");
    }
}

#[test]
fn a_long_expression_is_refused_by_its_size() {
    let long = format!("{}0 * * * *", "0,".repeat(123));
    let longer = format!("{}0 * * * *", "0,".repeat(124));

    assert!(timing(&long, anchor()).is_ok());
    assert_eq!(refusal(&longer).problem, "257 bytes; allowed are 256");
}

#[test]
fn a_stored_expression_is_read_like_a_new_one() {
    let spec = ScheduleSpec::new("t".parse().expect("a task"), Timing::Cron("@every 6h".to_owned()));
    let period = ScheduleSpec { timing: Timing::Every { period_ms: 0, anchor: anchor() }, ..spec.clone() };

    assert_eq!(Recurrence::of(&spec).expect_err("an interval is no expression").field, "cron");
    assert_eq!(Recurrence::of(&period).expect_err("no period").field, "every");
}

#[test]
fn zones_have_the_names_that_the_database_has() {
    let taken = [
        "UTC",
        "Etc/UTC",
        "Etc/GMT-3",
        "GMT",
        "Europe/Lisbon",
        "America/Argentina/Buenos_Aires",
        "US/Eastern",
        "Japan",
        "NZ-CHAT",
        "Antarctica/Troll",
    ];
    for timezone in taken {
        assert!(in_zone(timezone).is_ok(), "{timezone}");
    }
}

#[test]
fn a_refused_zone_is_told_which_one_may_be_meant() {
    let refused = [
        ("", "an empty text", "Europe/Lisbon"),
        ("europe/lisbon", "there is no zone", "did you mean Europe/Lisbon?"),
        ("utc", "there is no zone", "did you mean UTC?"),
        ("Europe/Lisboa", "there is no zone", "did you mean Europe/Lisbon?"),
        ("America/NewYork", "there is no zone", "did you mean America/New_York?"),
        ("America/New York", "no name of a zone", "write an IANA name"),
        ("Lisbon", "there is no zone", "did you mean Europe/Lisbon?"),
        ("Mars/Olympus", "there is no zone", "write an IANA name"),
        ("EST", "an abbreviation", "America/New_York"),
        ("cest", "an abbreviation", "Europe/Berlin"),
        ("EST5EDT", "not the name of a place", "Etc/GMT-3"),
        ("CET-1CEST,M3.5.0,M10.5.0/3", "not the name of a place", "write an IANA name"),
        ("<+02>-2", "not the name of a place", "write an IANA name"),
        ("+02:00", "not the name of a place", "Etc/GMT-3"),
        ("UTC+2", "not the name of a place", "Etc/GMT-3"),
        ("GMT-3", "not the name of a place", "Etc/GMT-3"),
        (":Europe/Lisbon", "not the name of a place", "write an IANA name"),
        ("localtime", "not the name of a place", "write an IANA name"),
        ("posixrules", "not the name of a place", "write an IANA name"),
        ("Etc/Unknown", "not the name of a place", "write an IANA name"),
        ("zone.tab", "there is no zone", "write an IANA name"),
        ("../../etc/passwd", "there is no zone", "write an IANA name"),
        ("right/Europe/Lisbon", "there is no zone", "did you mean Europe/Lisbon?"),
        ("Europe/\u{1b}[2J", "no name of a zone", "write an IANA name"),
    ];

    for (timezone, problem, hint) in refused {
        let refused = in_zone(timezone).expect_err(timezone);

        assert_eq!(refused.field, "timezone", "{timezone}");
        assert!(refused.problem.contains(problem), "{timezone}: {}", refused.problem);
        assert!(
            refused.hint.as_ref().is_some_and(|told| told.contains(hint)),
            "{timezone}: {:?}",
            refused.hint
        );
    }
}

#[test]
fn the_release_in_use_is_told() {
    let release = recurrence::release();

    assert!(release.origin == "bundled" || release.origin.starts_with('/'), "{release:?}");
    assert!(!release.release.is_empty());
}
