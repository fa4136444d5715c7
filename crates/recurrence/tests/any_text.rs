//! Any text is refused or taken, at once: nothing that somebody writes makes a search without end.

use chrono::{DateTime, Utc};
use model::schedule::{DstGap, ScheduleSpec, Timing};
use recurrence::{Recurrence, timing};

/// Texts that look like expressions, or nearly, always the same ones.
struct Texts(u64);

impl Texts {
    /// A number below `bound` (xorshift64).
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % bound as u64).expect("below a usize")
    }

    fn one_of(&mut self, words: &[&'static str]) -> &'static str {
        words[self.below(words.len())]
    }

    /// Anything.
    fn noise(&mut self) -> String {
        const WORDS: [&str; 40] = [
            "*", "*", "*", " ", " ", " ", " ", ",", "/", "-", "?", "L", "W", "#", "@", "@every ", "@daily",
            "mon", "JAN", "feb", "0", "1", "2", "5", "7", "29", "30", "31", "59", "60", "999999", "00", "\t",
            "\n", "é", "\u{0}", "~", "H", "h", "TZ=",
        ];
        let count = self.below(24);
        (0..count).map(|_| self.one_of(&WORDS)).collect()
    }

    /// Five or six fields, most of them good.
    fn fields(&mut self) -> String {
        const PARTS: [&str; 24] = [
            "*", "*", "*", "*/2", "*/5", "0", "1", "2", "5", "12", "29", "30", "31", "1-5", "0,30", "2-10/3",
            "?", "sun", "feb", "1-31", "28-31", "5/2", "7", "23",
        ];
        let count = 5 + self.below(2);
        (0..count).map(|_| self.one_of(&PARTS)).collect::<Vec<_>>().join(" ")
    }
}

fn instant(text: &str) -> DateTime<Utc> {
    text.parse().expect("an instant")
}

#[test]
fn any_text_is_refused_with_a_hint_or_names_instants() {
    let mut texts = Texts(0x9E37_79B9_7F4A_7C15);
    let anchor = instant("2096-03-01T00:00:00Z");
    let mut taken = 0;

    for round in 0..6_000 {
        let text = if round % 3 == 0 { texts.noise() } else { texts.fields() };
        match timing(&text, anchor) {
            Ok(timing) => {
                taken += 1;
                let spec = ScheduleSpec::new("t".parse().expect("a task"), timing);
                let spec = ScheduleSpec {
                    timezone: texts.one_of(&["UTC", "Europe/Lisbon", "Australia/Lord_Howe"]).to_owned(),
                    ..spec
                };
                let recurrence = Recurrence::of(&spec).expect(&text);
                let next = recurrence.after(anchor).expect(&text);
                assert_eq!(
                    recurrence.last(anchor, next, 1).into_iter().filter(|at| *at > anchor).count(),
                    0,
                    "{text}"
                );
                assert_eq!(recurrence.between(next, DateTime::<Utc>::MAX_UTC).next(), Some(next), "{text}");
            }
            Err(refused) => {
                assert_eq!(refused.field, "cron", "{text:?}");
                assert!(refused.hint.is_some(), "{text:?}: {refused}");
                assert!(!refused.to_string().contains(char::is_control), "{text:?}: {refused}");
            }
        }
    }

    assert!(taken > 300, "only {taken} were good ones");
}

#[test]
fn a_long_list_of_all_days_that_are_left_out_ends() {
    // Each of its civil times falls into a gap; none is looked for one by one.
    let minutes = (0..60).map(|minute| minute.to_string()).collect::<Vec<_>>().join(",");
    let cron = Timing::Cron(format!("{minutes} 2 8-14 3 */7"));
    let spec = ScheduleSpec::new("t".parse().expect("a task"), cron);
    let spec = ScheduleSpec { timezone: "America/New_York".to_owned(), dst_gap: DstGap::Skip, ..spec };
    let never = Recurrence::of(&spec).expect("its days exist");
    let (from, before) = (instant("2010-01-01T00:00:00Z"), DateTime::<Utc>::MAX_UTC);

    assert_eq!(never.after(from), None);
    assert!(never.last(from, before, 1).is_empty());
}

#[test]
fn the_ends_of_time_are_looked_at_without_harm() {
    let spec = ScheduleSpec::new("t".parse().expect("a task"), Timing::Cron("0 0 29 2 *".to_owned()));
    let spec = ScheduleSpec { timezone: "Pacific/Apia".to_owned(), ..spec };
    let every = Timing::Every { period_ms: 1_000, anchor: DateTime::<Utc>::MAX_UTC };
    let every = Recurrence::of(&ScheduleSpec { timing: every, ..spec.clone() }).expect("a good spec");
    let cron = Recurrence::of(&spec).expect("a good spec");
    let (first, last) = (DateTime::<Utc>::MIN_UTC, DateTime::<Utc>::MAX_UTC);

    for recurrence in [cron, every] {
        for at in [first, last] {
            let _ = recurrence.after(at);
            let _ = recurrence.last(first, at, 2);
            let _ = recurrence.last(at, last, 2);
            let _ = recurrence.between(at, last).nth(2);
            let _ = recurrence.count(at, last);
        }
        assert_eq!(recurrence.after(last), None);
    }
}
