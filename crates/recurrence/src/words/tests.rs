//! What schedules say.

use chrono::{DateTime, Utc};

use super::{cron, once, period};
use crate::grammar;

/// Expressions, and how a person says them.
const SAID: &[(&str, &str)] = &[
    // Again and again.
    ("* * * * *", "every minute"),
    ("0-59 * * * *", "every minute"),
    ("*/1 * * * *", "every minute"),
    ("*/5 * * * *", "every 5 minutes"),
    ("*/30 * * * *", "every 30 minutes"),
    ("*/7 * * * *", "at minutes 0, 7, 14, 21, 28, 35, 42, 49 and 56 of every hour"),
    ("*/50 * * * *", "at minutes 0 and 50 of every hour"),
    ("* * * * * *", "every second"),
    ("*/30 * * * * *", "every 30 seconds"),
    ("*/45 * * * * *", "at seconds 0 and 45 of every minute"),
    ("0 * * * * *", "every minute"),
    ("15 * * * * *", "at second 15 of every minute"),
    ("@hourly", "every hour"),
    ("0 * * * *", "every hour"),
    ("15 * * * *", "at minute 15 of every hour"),
    ("0,30 * * * *", "at minutes 0 and 30 of every hour"),
    ("5-59/15 * * * *", "at minutes 5, 20, 35 and 50 of every hour"),
    ("10-20 * * * *", "every minute from minute 10 to 20 of every hour"),
    ("0-58/2 * * * *", "every 2 minutes from minute 0 to 58 of every hour"),
    ("0 */6 * * *", "every 6 hours"),
    ("0 */12 * * *", "every 12 hours"),
    ("15 */6 * * *", "every 6 hours at minute 15"),
    ("0 */5 * * *", "at 00:00, 05:00, 10:00, 15:00 and 20:00 every day"),
    ("0,30 */6 * * *", "at minutes 0 and 30 of every 6th hour"),
    ("*/10 */2 * * *", "every 10 minutes of every 2nd hour"),
    // Part of the day.
    ("*/15 9-17 * * 1-5", "every 15 minutes from 09:00 to 17:59 on weekdays"),
    ("* 9 * * *", "every minute from 09:00 to 09:59"),
    ("*/5 9 * * *", "every 5 minutes from 09:00 to 09:59"),
    ("0-30 9 * * *", "every minute from 09:00 to 09:30"),
    ("10-50/2 9 * * *", "every 2 minutes from 09:10 to 09:50"),
    ("0 9-17 * * *", "every hour from 09:00 to 17:00"),
    ("30 9-17 * * 1-5", "every hour from 09:30 to 17:30 on weekdays"),
    ("0 1-23/2 * * *", "every 2 hours from 01:00 to 23:00"),
    ("* 8-11,14-17 * * *", "every minute from 08:00 to 11:59 and 14:00 to 17:59"),
    ("* 1,3,6,8,11 * * *", "every minute of hours 1, 3, 6, 8 and 11"),
    ("0 1,3,6,8,11,13,20 * * *", "at minute 0 of hours 1, 3, 6, 8, 11, 13 and 20"),
    ("0,20,40 9-17 * * *", "at minutes 0, 20 and 40 from 09:00 to 17:59"),
    // Times of day.
    ("30 9 * * *", "at 09:30 every day"),
    ("@daily", "at 00:00 every day"),
    ("@midnight", "at 00:00 every day"),
    ("0 9,12 * * *", "at 09:00 and 12:00 every day"),
    ("0,30 9,17 * * *", "at 09:00, 09:30, 17:00 and 17:30 every day"),
    ("0 9-11 * * *", "every hour from 09:00 to 11:00"),
    ("0 9-10 * * *", "at 09:00 and 10:00 every day"),
    ("15 30 9 * * *", "at 09:30:15 every day"),
    ("0,15 30 9 * * *", "at 09:30:00 and 09:30:15 every day"),
    ("0 30 9 * * *", "at 09:30 every day"),
    // Days.
    ("30 9 * * 1-5", "at 09:30 on weekdays"),
    ("30 9 * * mon-fri", "at 09:30 on weekdays"),
    ("0 10 * * 0,6", "at 10:00 on weekends"),
    ("0 10 * * 6-7", "at 10:00 on weekends"),
    ("@weekly", "at 00:00 on Sunday"),
    ("0 0 * * 7", "at 00:00 on Sunday"),
    ("0 8 * * mon,wed,fri", "at 08:00 on Monday, Wednesday and Friday"),
    ("0 8 * * 1-4", "at 08:00 on Monday to Thursday"),
    ("0 8 * * 5-7", "at 08:00 on Friday to Sunday"),
    ("0 8 * * */2", "at 08:00 on Tuesday, Thursday, Saturday and Sunday"),
    ("0 8 ? * ?", "at 08:00 every day"),
    ("@monthly", "at 00:00 on day 1 of the month"),
    ("0 0 1,15 * *", "at 00:00 on days 1 and 15 of the month"),
    ("0 0 1-7 * *", "at 00:00 on days 1 to 7 of the month"),
    ("0 0 */2 * *", "at 00:00 on every 2nd day of the month"),
    ("0 0 */10 * *", "at 00:00 on days 1, 11, 21 and 31 of the month"),
    ("0 0 2-30/2 * *", "at 00:00 on every 2nd day from 2 to 30 of the month"),
    ("@yearly", "at 00:00 on day 1 of January"),
    ("0 0 29 2 *", "at 00:00 on day 29 of February"),
    ("0 0 1 */3 *", "at 00:00 on day 1 of January, April, July and October"),
    ("0 9 * jun-aug *", "at 09:00 every day in June to August"),
    ("0 9 * 6 1-5", "at 09:00 on weekdays in June"),
    ("*/5 * * 12 *", "every 5 minutes in December"),
    ("*/5 * 24 12 *", "every 5 minutes on day 24 of December"),
    // Both fields of days.
    ("30 2 1 * 0", "at 02:30 on Sunday and on day 1 of the month"),
    ("0 0 1,15 * 1-5", "at 00:00 on weekdays and on days 1 and 15 of the month"),
    ("0 0 13 10 5", "at 00:00 on Friday and on day 13, in October"),
    ("0 0 1 * 0-6", "at 00:00 every day"),
    ("0 0 */2 * 1", "at 00:00 on every 2nd day of the month that is a Monday"),
    (
        "0 0 1-7 * */2",
        "at 00:00 on days 1 to 7 of the month that are a Tuesday, Thursday, Saturday or Sunday",
    ),
    ("0 0 */2 1,7 1-5", "at 00:00 on every 2nd day of January and July that is a weekday"),
    // Seconds.
    ("* 30 9 * * *", "every second of 09:30"),
    ("*/10 30 9 * * 1-5", "every 10 seconds of 09:30 on weekdays"),
    ("*/10 15 * * * *", "every 10 seconds of minute 15 of every hour"),
    ("*/10 0,30 * * * *", "every 10 seconds of minutes 0 and 30 of every hour"),
    ("30 */5 9-17 * * *", "at second 30 of every 5th minute from 09:00 to 17:59"),
    ("*/10 * 9-17 * * *", "every 10 seconds from 09:00 to 17:59"),
    ("30 * 9 * * *", "at second 30 of every minute from 09:00 to 09:59"),
    ("5-10 * * * * *", "every second from second 5 to 10 of every minute"),
    ("* 10-20 * * * *", "every second of minutes 10 to 20 of every hour"),
    ("* 0-40/2 * * * *", "every second of every 2nd minute from 0 to 40 of every hour"),
    ("15 0 */6 * * *", "at second 15 of minute 0 of every 6th hour"),
];

fn said(expression: &str) -> String {
    cron(&grammar::parse(expression).expect("it is well formed"), "UTC")
}

#[test]
fn expressions_are_said_as_people_say_them() {
    for (expression, words) in SAID {
        assert_eq!(said(expression), *words, "{expression}");
    }
    assert!(SAID.len() >= 80);
}

#[test]
fn a_zone_other_than_utc_is_named() {
    let expression = grammar::parse("30 9 * * 1-5").expect("it is well formed");

    assert_eq!(cron(&expression, "Europe/Lisbon"), "at 09:30 on weekdays, Europe/Lisbon");
}

#[test]
fn periods_are_said_by_their_units() {
    let said = [
        (1_000, "every second"),
        (30_000, "every 30 seconds"),
        (1_500, "every 1.5 seconds"),
        (60_000, "every minute"),
        (90_000, "every 1 minute 30 seconds"),
        (90_050, "every 1 minute 30.05 seconds"),
        (3_600_000, "every hour"),
        (21_600_000, "every 6 hours"),
        (5_400_000, "every 1 hour 30 minutes"),
        (86_400_000, "every 24 hours"),
        (129_600_000, "every 36 hours"),
        (604_800_000, "every 7 days"),
        (604_801_000, "every 168 hours 1 second"),
    ];

    for (ms, words) in said {
        assert_eq!(period(ms), words);
    }
}

#[test]
fn one_instant_is_said_as_precisely_as_it_is() {
    let said = [
        ("2026-12-01T09:00:00Z", "once at 2026-12-01 09:00 UTC"),
        ("2026-12-01T09:00:05Z", "once at 2026-12-01 09:00:05 UTC"),
        ("2026-12-01T09:00:05.250Z", "once at 2026-12-01 09:00:05.250 UTC"),
        ("2026-12-01T09:00:00+01:00", "once at 2026-12-01 08:00 UTC"),
    ];

    for (at, words) in said {
        let at: DateTime<Utc> = at.parse().expect("an instant");
        assert_eq!(once(at), words);
    }
}

/// Whatever is written, what is said has some words and no stray space, and fits two lines of a terminal as long as what
/// is written fits one column of a list.
#[test]
fn whatever_is_written_can_be_said() {
    let smalls =
        ["*", "0", "*/5", "*/7", "10-20", "0-58/2", "3,9,10,11,50", "0,1,2,3,5,7,9,11,13,17,19,23,29"];
    let hours = ["*", "0", "*/6", "*/5", "9-17", "1-23/2", "8-11,14-17", "1,3,6,8,11,13,20"];
    let days = ["*", "1", "*/2", "1-7", "2-30/2", "1,15,28"];
    let weekdays = ["*", "0", "1-5", "*/2", "6,0", "1,3"];
    for second in smalls {
        for minute in smalls {
            for hour in hours {
                for day in days {
                    for weekday in weekdays {
                        for month in ["*", "2", "6-8"] {
                            let expression = format!("{second} {minute} {hour} {day} {month} {weekday}");
                            let words = said(&expression);
                            assert!(
                                words.starts_with("every ") || words.starts_with("at "),
                                "{expression}: {words}"
                            );
                            assert!(!words.contains("  ") && words.trim() == words, "{expression}: {words}");
                        }
                    }
                }
            }
        }
    }
}
