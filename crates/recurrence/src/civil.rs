//! Times as a calendar and a clock on the wall show them, without a zone: which of them an expression names.
//!
//! croner searches them, in values of UTC that stand for civil time. What it gets is not what people wrote but every value
//! of every field spelled out, so that only one of its rules is in use: both fields of days, or one of them. Each expression
//! of the grammar names a day at least once in 40 years (29 February on a Sunday, across 2100), so no search is longer.

use chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};
use croner::Cron;
use croner::parser::{CronParser, Seconds, Year};

use crate::Refused;
use crate::expression::{Expression, Field};

/// Finds the civil times of an expression.
#[derive(Debug, Clone)]
pub(crate) struct Civil(Cron);

impl Civil {
    /// For `expression`.
    ///
    /// # Errors
    /// When croner does not take it, which no expression of the grammar makes it do.
    pub(crate) fn new(expression: &Expression) -> Result<Self, Refused> {
        let Expression { second, minute, hour, day, month, weekday, has_seconds: _ } = expression;
        let text = [second, minute, hour, day, month, weekday].map(spelled_out).join(" ");
        let parser = CronParser::builder()
            .seconds(Seconds::Required)
            .year(Year::Disallowed)
            .dom_and_dow(expression.both_days())
            .build();
        let cron = parser.parse(&text).map_err(|error| Refused::new("cron", error.to_string()))?;
        Ok(Self(cron))
    }

    /// The first one from `at` on.
    pub(crate) fn first_from(&self, at: NaiveDateTime) -> Option<NaiveDateTime> {
        self.0.find_next_occurrence(&at.and_utc(), true).ok().map(|found: DateTime<Utc>| found.naive_utc())
    }

    /// The last one before `at`, a whole second.
    pub(crate) fn last_before(&self, at: NaiveDateTime) -> Option<NaiveDateTime> {
        let at = at.checked_sub_signed(TimeDelta::seconds(1))?;
        self.0
            .find_previous_occurrence(&at.and_utc(), true)
            .ok()
            .map(|found: DateTime<Utc>| found.naive_utc())
    }
}

fn spelled_out(field: &Field) -> String {
    field.values().map(|value| value.to_string()).collect::<Vec<_>>().join(",")
}
