//! Schedules for people.

use model::limits::LimitOverrides;
use model::schedule::ScheduleState;
use model::units::{show_count, show_duration_ms};
use rpc::v1;

use super::escape;
use super::job_text::json_block;
use super::schedule_fires::{Told, notes};
use super::table::{Prose, table_with_prose_in};
use super::time::{Times, instant, said, said_of};
use super::view::View;

/// What it says in plain words is not broken into shorter lines than this.
const WHEN_WIDTH_MIN: usize = 24;

/// A job's id and its state fit without being broken.
const FATE_WIDTH_MIN: usize = 46;

/// As wide as the names of facts, and what parts them from their values.
const FACT_WIDTH: usize = 14;

/// Schedules in a table.
pub(crate) fn schedules(view: &View, times: Times, schedules: &[v1::Schedule]) -> String {
    if schedules.is_empty() {
        return "no schedules: `jobctl schedule create` makes one".to_owned();
    }
    let rows = schedules.iter().map(|schedule| {
        let spec = schedule.spec.as_ref();
        [
            schedule.name.clone(),
            schedule.state.clone(),
            when(schedule),
            times.of_schedule(schedule.next_at.as_ref()).unwrap_or_default(),
            times.of_schedule(schedule.last_at.as_ref()).unwrap_or_default(),
            spec.map(|spec| spec.task.clone()).unwrap_or_default(),
        ]
    });
    let prose = Prose { column: 2, width_min: WHEN_WIDTH_MIN };
    table_with_prose_in(view, ["NAME", "STATE", "WHEN", "NEXT", "LAST", "TASK"], prose, rows)
}

/// What it says; or of one that cannot fire, why.
fn when(schedule: &v1::Schedule) -> String {
    match schedule.reason.as_str() {
        "" => schedule.description.clone(),
        reason => format!("never: {reason}"),
    }
}

/// What was made or changed: what it says, when it fires next, and what changes of clocks will mean.
pub(crate) fn made(view: &View, times: Times, deed: &str, schedule: &v1::Schedule, told: &Told) -> String {
    let state = match schedule.state.as_str() {
        "active" => String::new(),
        state => format!(" ({state})"),
    };
    let head = format!("{deed}{state}: {}", schedule.description);
    let head = view.wrapped(&escape::line(&head), 2);
    let mut text = format!("{}\n", view.paint.bold(&head));
    text.push_str(&told.lines(view, times, "  "));
    text.push_str(&notes(view, &told.anomalies));
    text
}

/// A schedule in full.
pub(crate) fn schedule(view: &View, times: Times, schedule: &v1::Schedule, told: &Told) -> String {
    let mut text = String::new();
    let spec = schedule.spec.clone().unwrap_or_default();
    for (name, value) in facts(times, schedule, &spec) {
        let value = view.wrapped(&escape::line(&value), FACT_WIDTH);
        let value = match name {
            "state" => value.replacen(&schedule.state, &view.paint.state(&schedule.state), 1),
            _ => value,
        };
        let name = format!("{name:<width$}", width = FACT_WIDTH - 2);
        text.push_str(&format!("{}  {value}\n", view.paint.dim(&name)));
    }
    text.push_str(&json_block(view, "payload", Some(&spec.payload)));
    if !told.fires.is_empty() {
        let fires = told.lines(view, times, "  ");
        text.push_str(&format!("\n{}\n{fires}", view.paint.bold("fires next")));
    }
    text.push_str(&notes(view, &told.anomalies));
    text
}

/// What may be done about a schedule that does not fire.
pub(crate) fn what_to_do(schedule: &v1::Schedule) -> Option<String> {
    let name = &schedule.name;
    match schedule.state.parse() {
        Ok(ScheduleState::Paused) => Some(format!("`jobctl schedule resume {name}` lets it fire")),
        Ok(ScheduleState::Disabled) => {
            Some(format!("once that is mended, `jobctl schedule resume {name}` lets it fire again"))
        }
        _ => None,
    }
}

fn facts(times: Times, schedule: &v1::Schedule, spec: &v1::ScheduleSpec) -> Vec<(&'static str, String)> {
    let at = |at: Option<&prost_types::Timestamp>| at.and_then(instant).map(|at| times.at_both(at));
    let optional = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
    let state = match schedule.reason.as_str() {
        "" => schedule.state.clone(),
        reason => format!("{}: {reason}", schedule.state),
    };
    let last = at(schedule.last_at.as_ref()).map(|at| match schedule.last_job.as_str() {
        "" => at,
        job => format!("{at}, job {job}"),
    });
    let lines = [
        ("name", Some(schedule.name.clone())),
        ("state", Some(state)),
        ("says", optional(&schedule.description)),
        ("cron", optional(&spec.cron)),
        ("every", spec.every_ms.map(|ms| every(ms, spec))),
        ("at", said_of(spec.at.as_ref())),
        ("time zone", optional(&spec.timezone)),
        ("from", said_of(spec.starts_at.as_ref())),
        ("until", said_of(spec.ends_at.as_ref()).map(|at| format!("before {at}"))),
        ("task", Some(spec.task.clone())),
        ("next", at(schedule.next_at.as_ref())),
        ("last", last),
        ("runs", optional(&schedule.open_jobs.join(" "))),
        ("waiting", waiting(schedule.pending)),
        ("overlap", optional(&spec.overlap)),
        ("missed", missed(spec)),
        ("clocks", clocks(spec)),
        (
            "jitter",
            Some(spec.jitter_ms).filter(|ms| *ms > 0).map(|ms| format!("up to {}", show_duration_ms(ms))),
        ),
    ];
    let others = [
        ("note", optional(&spec.note)),
        ("created", Some(times.at(schedule.created_at.as_ref()))),
        ("updated", Some(times.at(schedule.updated_at.as_ref()))),
    ];
    let lines = lines.into_iter().chain(of_jobs(spec.options.as_ref())).chain(others);
    lines.filter_map(|(name, value)| Some((name, value?))).collect()
}

fn every(ms: u64, spec: &v1::ScheduleSpec) -> String {
    let period = show_duration_ms(ms);
    match said_of(spec.anchor.as_ref()) {
        Some(anchor) => format!("{period}, counted from {anchor}"),
        None => period,
    }
}

fn waiting(pending: u32) -> Option<String> {
    match pending {
        0 => None,
        1 => Some("1 instant, for a run to end".to_owned()),
        many => Some(format!("{many} instants, for a run to end")),
    }
}

fn missed(spec: &v1::ScheduleSpec) -> Option<String> {
    let after = spec.missed_after_ms.map(show_duration_ms)?;
    Some(format!("{}, when more than {after} late", spec.missed))
}

/// What daylight saving does, where it can do anything.
fn clocks(spec: &v1::ScheduleSpec) -> Option<String> {
    let can = !spec.cron.is_empty() && !matches!(spec.timezone.as_str(), "" | "UTC" | "Etc/UTC");
    can.then(|| format!("dst-gap {}, dst-overlap {}", spec.dst_gap, spec.dst_overlap))
}

/// What its jobs say.
fn of_jobs(options: Option<&v1::JobOptions>) -> Vec<(&'static str, Option<String>)> {
    let Some(options) = options else { return Vec::new() };
    let mut tags: Vec<_> = options.tags.iter().map(|(key, value)| format!("{key}={value}")).collect();
    tags.sort_unstable();
    let limits = options.limits.and_then(|limits| LimitOverrides::try_from(limits).ok()).unwrap_or_default();
    let limits = limits.shown().into_iter().map(|(name, amount)| format!("{name} {amount}"));
    let limits = limits.collect::<Vec<_>>().join(", ");
    let attempts = Some(options.max_attempts).filter(|attempts| *attempts > 0);
    vec![
        ("queue", Some(format!("{} (priority {})", options.queue, options.priority))),
        ("attempts", attempts.map(|attempts| format!("at most {attempts}"))),
        ("expires in", options.expires_in_ms.map(show_duration_ms)),
        ("limits", Some(limits).filter(|limits| !limits.is_empty())),
        ("tags", Some(tags.join(" ")).filter(|tags| !tags.is_empty())),
    ]
}

/// What became of instants, in a table.
pub(crate) fn history(view: &View, times: Times, instants: &[v1::ScheduleInstant]) -> String {
    if instants.is_empty() {
        return "nothing has become of it yet".to_owned();
    }
    let rows = instants.iter().map(|one| {
        // Which instant it was matters, not how long ago.
        let at = said_of(one.instant.as_ref()).unwrap_or_default();
        [at, one.kind.clone(), fate(one), times.at(one.recorded_at.as_ref())]
    });
    let prose = Prose { column: 2, width_min: FATE_WIDTH_MIN };
    table_with_prose_in(view, ["INSTANT", "KIND", "WHAT", "RECORDED"], prose, rows)
}

/// `0198… succeeded`, or `skipped: missed (47 instants until 2026-03-29T02:00:00Z)`.
fn fate(one: &v1::ScheduleInstant) -> String {
    if one.skip.is_empty() {
        return format!("{} {}", one.job, one.job_state);
    }
    let until = one.until.as_ref().and_then(instant).map(|until| {
        let count = one.count.map_or("all instants".to_owned(), |count| {
            let noun = if count == 1 { "instant" } else { "instants" };
            format!("{} {noun}", show_count(count.into()))
        });
        format!(" ({count} until {})", said(until))
    });
    let detail = if one.detail.is_empty() { String::new() } else { format!(": {}", one.detail) };
    let skip = one.skip.replace('_', " ");
    format!("skipped: {skip}{}{detail}", until.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, TimeDelta};

    use super::*;
    use crate::args::TimeStyle;

    const HOSTILE: &str = "\x1b[2J\u{202e}";

    fn times() -> Times {
        Times { style: TimeStyle::Relative, now: DateTime::UNIX_EPOCH + TimeDelta::days(20_000) }
    }

    fn view(width: u16) -> View {
        View { width: Some(width), ..View::default() }
    }

    fn widest(shown: &str) -> usize {
        shown.lines().map(|line| line.chars().count()).max().unwrap_or(0)
    }

    fn message() -> v1::Schedule {
        let at = |hours| Some(rpc::timestamp(times().now + TimeDelta::hours(hours)));
        let spec = v1::ScheduleSpec {
            task: "generate_report".to_owned(),
            every_ms: Some(300_000),
            missed: "last".to_owned(),
            missed_after_ms: Some(60_000),
            payload: b"{}".to_vec(),
            note: "word ".repeat(40),
            ..v1::ScheduleSpec::default()
        };
        v1::Schedule {
            name: "sales-of-the-week".to_owned(),
            spec: Some(spec),
            state: "disabled".to_owned(),
            reason: HOSTILE.to_owned(),
            description: "every 15 minutes from 09:00 to 17:59 on weekdays, Europe/Lisbon".to_owned(),
            next_at: at(5),
            last_at: at(-1),
            last_job: "018f0000-0000-7000-8000-000000000000".to_owned(),
            pending: 2,
            ..v1::Schedule::default()
        }
    }

    fn told() -> Told {
        Told {
            timezone: "UTC".to_owned(),
            zone: recurrence::Zone::utc(),
            description: String::new(),
            fires: vec![times().now],
            anomalies: Vec::new(),
            year: None,
        }
    }

    #[test]
    fn a_list_keeps_names_states_and_next_instants_when_the_terminal_is_narrow() {
        let fires = v1::Schedule { reason: String::new(), ..message() };
        let reason = format!("time zone {HOSTILE} is not in the database of time zones any more");
        let cannot = v1::Schedule { reason, ..message() };

        let shown = schedules(&view(80), times(), &[fires, cannot]);

        assert!(widest(&shown) <= 80, "{shown}");
        for kept in ["sales-of-the-week", "disabled", "every 15 minutes from", "never: time zone", "in 5 h"] {
            assert!(shown.contains(kept), "{kept}: {shown}");
        }
        assert!(!shown.contains(['\x1b', '\u{202e}']), "{shown}");
        assert!(schedules(&view(140), times(), &[message()]).contains("generate_report"));
    }

    #[test]
    fn a_schedule_in_full_fits_and_hostile_text_stays_text() {
        let shown = schedule(&view(80), times(), &message(), &told());

        assert!(widest(&shown) <= 80, "{shown}");
        assert!(!shown.contains(['\x1b', '\u{202e}']) && shown.contains("\\u{1b}[2J"), "{shown}");
        assert!(shown.contains("waiting       2 instants, for a run to end\n"), "{shown}");
        assert!(shown.contains("missed        last, when more than 1m late\n"), "{shown}");
    }

    #[test]
    fn a_history_keeps_ids_whole() {
        let fired = v1::ScheduleInstant {
            instant: Some(rpc::timestamp(times().now)),
            kind: "backfill".to_owned(),
            job: "018f0000-0000-7000-8000-000000000000".to_owned(),
            job_state: "succeeded".to_owned(),
            ..v1::ScheduleInstant::default()
        };
        let skipped = v1::ScheduleInstant {
            job: String::new(),
            skip: "queue_full".to_owned(),
            until: fired.instant,
            detail: "more about it than fits on one line of a terminal".to_owned(),
            ..fired.clone()
        };

        let shown = history(&view(80), times(), &[fired, skipped]);

        assert!(widest(&shown) <= 80, "{shown}");
        assert!(shown.contains("018f0000-0000-7000-8000-000000000000 succeeded"), "{shown}");
        assert!(shown.contains("skipped: queue full (all instants until"), "{shown}");
    }

    #[test]
    fn one_that_does_not_fire_says_what_lets_it() {
        let of = |state: &str| what_to_do(&v1::Schedule { state: state.to_owned(), ..message() });

        assert!(of("paused").is_some_and(|hint| hint.contains("jobctl schedule resume sales-of-the-week")));
        assert!(of("disabled").is_some_and(|hint| hint.starts_with("once that is mended")));
        assert_eq!((of("active"), of("finished")), (None, None));
    }
}
