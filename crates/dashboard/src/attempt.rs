//! An attempt's record: how it ended, how it was stopped, what it used.

use chrono::{DateTime, Utc};
use model::attempt::{Attempt, CodeOrigin, Usage};
use model::units::show_count;

use crate::show::{Moment, micros, moment, size, span};

/// An attempt as it is drawn.
pub(crate) struct AttemptCard {
    pub(crate) number: u32,
    pub(crate) host: String,
    pub(crate) outcome: String,
    pub(crate) started: Moment,
    pub(crate) took: String,
    /// Name and value, in the order of what happened.
    pub(crate) record: Vec<(&'static str, String)>,
    /// The error; its lines after the first are the guest's backtrace.
    pub(crate) problem: String,
}

impl AttemptCard {
    pub(crate) fn new(attempt: &Attempt, now: DateTime<Utc>) -> Self {
        let end = attempt.finished_at.unwrap_or(now);
        let mut record = attempt.usage.as_ref().map(used).unwrap_or_default();
        if let Some(stop) = attempt.stop {
            record.push(("Stopped", format!("{} in {}", stop.reason, micros(stop.latency_us))));
        }
        Self {
            number: attempt.number,
            host: attempt.host.clone(),
            outcome: attempt.outcome.map_or("running".to_owned(), |outcome| outcome.to_string()),
            started: moment(attempt.started_at, now),
            took: span(end - attempt.started_at),
            record,
            problem: attempt.failure.as_ref().map(ToString::to_string).unwrap_or_default(),
        }
    }
}

fn used(usage: &Usage) -> Vec<(&'static str, String)> {
    let load = micros(usage.load_us);
    let code = match usage.code {
        Some(CodeOrigin::Compiled) => format!("compiled in {load}"),
        Some(CodeOrigin::Disk) => format!("from disk in {load}"),
        Some(CodeOrigin::Memory) => format!("from memory in {load}"),
        None => format!("none within {load}"),
    };
    let calls = show_count(usage.host_calls);
    vec![
        ("Code", code),
        ("Ran", micros(usage.wall_us)),
        ("Fuel", usage.fuel.map_or("not metered".to_owned(), show_count)),
        ("Peak memory", size(usage.peak_memory_bytes)),
        ("Host calls", format!("{calls} in {}", micros(usage.host_call_us))),
        ("Bytes in", size(usage.bytes_in)),
        ("Bytes out", size(usage.bytes_out)),
    ]
}
