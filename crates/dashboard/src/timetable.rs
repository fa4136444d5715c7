//! What a schedule says and does, as it is drawn: its words, its policies, its instants and what became of them.

use chrono::{DateTime, SecondsFormat, TimeDelta, Timelike, Utc};
use model::name::{Namespace, ScheduleName};
use model::schedule::{
    DstGap, DstOverlap, Fate, Missed, Overlap, Schedule, ScheduleSpec, ScheduleState, Skip, Timing,
};
use model::units::show_duration_ms;
use recurrence::{Anomaly, Recurrence, Refused};

use crate::show::{Moment, limits, moment};

/// Instants to come that are shown.
const UPCOMING: usize = 10;

/// How far ahead days are looked for on which clocks change: any change that comes every year is among them.
const YEAR: TimeDelta = TimeDelta::days(366);

/// An instant as people and programs write it.
pub(crate) fn instant(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::AutoSi, true)
}

/// The page of a schedule.
pub(crate) fn address(namespace: &Namespace, name: &ScheduleName) -> String {
    if *namespace == Namespace::default() {
        return format!("/schedules/{name}");
    }
    format!("/schedules/{name}?namespace={namespace}")
}

/// A job that is led to.
pub(crate) struct JobLink {
    pub(crate) id: String,
    pub(crate) short: String,
    pub(crate) address: String,
}

impl JobLink {
    pub(crate) fn new(namespace: &Namespace, id: model::id::JobId) -> Self {
        let id = id.to_string();
        Self { short: id[id.len() - 12..].to_owned(), address: format!("/jobs/{namespace}/{id}"), id }
    }
}

/// A schedule as a row of a table.
pub(crate) struct ScheduleRow {
    pub(crate) name: String,
    pub(crate) address: String,
    pub(crate) state: ScheduleState,
    /// Why it is disabled.
    pub(crate) reason: String,
    /// What it says, in plain words; as it is written when that makes no sense any more.
    pub(crate) words: String,
    pub(crate) next: Option<Moment>,
    pub(crate) last: Option<(Moment, JobLink)>,
    pub(crate) task: String,
    pub(crate) note: String,
}

impl ScheduleRow {
    pub(crate) fn new(schedule: &Schedule, now: DateTime<Utc>) -> Self {
        let Schedule { namespace, name, spec, standing, last, .. } = schedule;
        Self {
            name: name.to_string(),
            address: address(namespace, name),
            state: standing.state,
            reason: standing.reason.clone().unwrap_or_default(),
            words: match Recurrence::of(spec) {
                Ok(recurrence) => recurrence.describe(),
                Err(_) => written(&spec.timing),
            },
            // What a schedule that does not fire would have been next is no news.
            next: standing
                .next_at
                .filter(|_| standing.state == ScheduleState::Active)
                .map(|at| moment(at, now)),
            last: last.map(|last| (moment(last.instant, now), JobLink::new(namespace, last.job))),
            task: spec.task.to_string(),
            note: spec.note.clone(),
        }
    }
}

/// When, as it is written.
fn written(timing: &Timing) -> String {
    match timing {
        Timing::Cron(expression) => expression.clone(),
        Timing::Every { period_ms, .. } => format!("every {}", show_duration_ms(*period_ms)),
        Timing::At(at) => format!("once at {}", instant(*at)),
    }
}

/// Something that a schedule says.
pub(crate) struct Policy {
    pub(crate) name: String,
    /// As it is said with `jobctl`.
    pub(crate) value: String,
    /// What that means, where one would have to look it up.
    pub(crate) meaning: String,
}

/// All that a schedule says besides its payload.
pub(crate) fn policies(spec: &ScheduleSpec) -> Vec<Policy> {
    let mut shown = Vec::new();
    let mut say = |name: &str, value: String, meaning: String| {
        shown.push(Policy { name: name.to_owned(), value, meaning });
    };
    let plain = String::new;
    say("When", written(&spec.timing), plain());
    match &spec.timing {
        Timing::Cron(_) => {
            say("Time zone", spec.timezone.clone(), plain());
            say("Clocks go forward", spec.dst_gap.to_string(), gap(spec.dst_gap).to_owned());
            say("Clocks go back", spec.dst_overlap.to_string(), twice(spec.dst_overlap).to_owned());
        }
        Timing::Every { anchor, .. } => say("Counted from", instant(*anchor), plain()),
        Timing::At(_) => {}
    }
    let late = show_duration_ms(spec.missed_after_ms);
    say("Missed", spec.missed.to_string(), format!("{} that are more than {late} late", missed(spec.missed)));
    say("Overlap", spec.overlap.to_string(), overlap(spec.overlap).to_owned());
    if spec.jitter_ms > 0 {
        say("Jitter", format!("up to {}", show_duration_ms(spec.jitter_ms)), plain());
    }
    for (name, at) in [("Valid from", spec.starts_at), ("Valid until", spec.ends_at)] {
        if let Some(at) = at {
            say(name, instant(at), plain());
        }
    }
    let run = &spec.run;
    say("Queue", format!("{}, priority {}", run.queue, run.priority.get()), plain());
    if let Some(attempts) = run.max_attempts {
        say("Attempts", format!("at most {attempts}"), plain());
    }
    if let Some(ms) = run.expires_in_ms {
        say("Expires", format!("{} after its time", show_duration_ms(ms)), plain());
    }
    let lowered = limits(&run.limits.shown());
    if !lowered.is_empty() {
        say("Limits", lowered, plain());
    }
    for (name, value) in &run.tags {
        say(&format!("Tag {name}"), value.clone(), plain());
    }
    shown
}

fn gap(policy: DstGap) -> &'static str {
    match policy {
        DstGap::After => "a fixed time that is left out fires right after",
        DstGap::Skip => "a fixed time that is left out does not fire",
    }
}

fn twice(policy: DstOverlap) -> &'static str {
    match policy {
        DstOverlap::First => "a fixed time that comes twice fires the first time",
        DstOverlap::Both => "a fixed time that comes twice fires both times",
    }
}

fn missed(policy: Missed) -> &'static str {
    match policy {
        Missed::Skip => "no instant fires of those",
        Missed::Last => "the latest fires of those",
        Missed::All => "the latest hundred fire of those",
    }
}

fn overlap(policy: Overlap) -> &'static str {
    match policy {
        Overlap::Skip => "passed over while a run goes on",
        Overlap::Queue => "waits until the run before has ended",
        Overlap::Cancel => "cancels the run before",
        Overlap::Allow => "runs beside the run before",
    }
}

/// What a schedule will do.
#[derive(Default)]
pub(crate) struct Outlook {
    /// Why nobody can say.
    pub(crate) refused: String,
    /// As clocks in its zone read them, and as everybody does.
    pub(crate) upcoming: Vec<(String, Moment)>,
    /// Days of the coming year on which clocks change and it fires otherwise than on others.
    pub(crate) notes: Vec<Note>,
}

impl Outlook {
    pub(crate) fn new(schedule: &Schedule, now: DateTime<Utc>) -> Self {
        match Recurrence::of(&schedule.spec) {
            Ok(recurrence) => Self::of(&recurrence, schedule, now),
            Err(Refused { field, problem, .. }) => {
                Self { refused: format!("{field}: {problem}"), ..Self::default() }
            }
        }
    }

    fn of(recurrence: &Recurrence, schedule: &Schedule, now: DateTime<Utc>) -> Self {
        let standing = &schedule.standing;
        let first = match standing.state {
            ScheduleState::Active => standing.next_at,
            // Those that it fires at if it is resumed.
            ScheduleState::Paused | ScheduleState::Disabled => recurrence.after(now),
            ScheduleState::Finished => None,
        };
        let upcoming = std::iter::successors(first, |at| recurrence.after(*at)).take(UPCOMING);
        let upcoming: Vec<_> = upcoming.collect();
        let moments = upcoming.iter().map(|at| exact(*at, now));
        let anomalies = match first {
            Some(_) => recurrence.anomalies(now, now + YEAR),
            None => Vec::new(),
        };
        Self {
            refused: String::new(),
            upcoming: read_all(recurrence, &upcoming).into_iter().zip(moments).collect(),
            notes: anomalies.into_iter().map(|anomaly| Note::new(recurrence, anomaly)).collect(),
        }
    }
}

/// What a clock in its zone reads: `Sun 2026-03-29 03:00 +01:00`.
fn read(recurrence: &Recurrence, at: DateTime<Utc>) -> String {
    read_all(recurrence, &[at]).concat()
}

/// The same of several, all with seconds when one has some.
fn read_all(recurrence: &Recurrence, instants: &[DateTime<Utc>]) -> Vec<String> {
    let locals: Vec<_> = instants.iter().map(|at| recurrence.local(*at)).collect();
    let seconds = if locals.iter().any(|local| local.second() > 0) { ":%S" } else { "" };
    let format = format!("%a %Y-%m-%d %H:%M{seconds} %:z");
    locals.iter().map(|local| local.format(&format).to_string()).collect()
}

/// As [`moment`], shorter where seconds are whole.
fn exact(at: DateTime<Utc>, now: DateTime<Utc>) -> Moment {
    Moment { exact: instant(at), ..moment(at, now) }
}

/// What a change of clocks does to a schedule.
pub(crate) struct Note {
    pub(crate) day: String,
    pub(crate) change: String,
    pub(crate) effect: String,
    pub(crate) fires: Vec<String>,
}

/// Instants of one day that are told one by one: a schedule of every minute has more than anybody reads.
const FIRES_TOLD_MAX: usize = 6;

impl Note {
    fn new(recurrence: &Recurrence, anomaly: Anomaly) -> Self {
        let Anomaly { day, change_at, shift_s, effect, fires } = anomaly;
        let way = if shift_s > 0 { "forward" } else { "back" };
        let length = show_duration_ms(u64::from(shift_s.unsigned_abs()) * 1_000);
        let fires = match fires.len() {
            0 => vec!["not at all".to_owned()],
            1..=FIRES_TOLD_MAX => read_all(recurrence, &fires),
            count => vec![format!("{count} times")],
        };
        Self {
            day: day.format("%a %Y-%m-%d").to_string(),
            change: format!("clocks go {way} by {length} at {}", read(recurrence, change_at)),
            effect,
            fires,
        }
    }
}

/// What became of an instant, as a row.
pub(crate) struct FateRow {
    pub(crate) at: Moment,
    /// The last of several, and how many they are.
    pub(crate) until: String,
    pub(crate) kind: &'static str,
    pub(crate) job: Option<JobLink>,
    /// The job's state, or `skipped`.
    pub(crate) state: &'static str,
    /// Why it was skipped.
    pub(crate) why: String,
    pub(crate) recorded: Moment,
}

impl FateRow {
    pub(crate) fn new(fate: &Fate, namespace: &Namespace, now: DateTime<Utc>) -> Self {
        match fate {
            Fate::Fired { instant: at, kind, job, state, fired_at } => Self {
                at: exact(*at, now),
                until: String::new(),
                kind: kind.as_str(),
                job: Some(JobLink::new(namespace, *job)),
                state: state.as_str(),
                why: String::new(),
                recorded: moment(*fired_at, now),
            },
            Fate::Skipped { skip, skipped_at } => Self {
                at: exact(skip.from, now),
                until: until(skip),
                kind: skip.kind.as_str(),
                job: None,
                state: "skipped",
                why: match &skip.detail {
                    Some(detail) => format!("{}: {detail}", skip.reason),
                    None => skip.reason.to_string(),
                },
                recorded: moment(*skipped_at, now),
            },
        }
    }
}

fn until(skip: &Skip) -> String {
    if skip.until == skip.from {
        return String::new();
    }
    let count = match skip.count {
        Some(count) => format!("{count} instants"),
        None => "too many instants to count".to_owned(),
    };
    format!("to {}, {count}", instant(skip.until))
}
