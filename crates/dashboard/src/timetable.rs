//! What a schedule says and does, as it is drawn: its words, its policies, its instants and what became of them.

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use model::name::{Namespace, ScheduleName};
use model::schedule::{Fate, Schedule, ScheduleSpec, ScheduleState, Skip, Timing};
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

/// All that a schedule says besides its payload: name and value.
pub(crate) fn policies(spec: &ScheduleSpec) -> Vec<(String, String)> {
    let mut shown = vec![("When".to_owned(), written(&spec.timing))];
    let mut say = |name: &str, value: String| shown.push((name.to_owned(), value));
    match &spec.timing {
        Timing::Cron(_) => {
            say("Time zone", spec.timezone.clone());
            say("Clocks go forward", spec.dst_gap.to_string());
            say("Clocks go back", spec.dst_overlap.to_string());
        }
        Timing::Every { anchor, .. } => say("Counted from", instant(*anchor)),
        Timing::At(_) => {}
    }
    say("Missed", format!("{}, after {}", spec.missed, show_duration_ms(spec.missed_after_ms)));
    say("Overlap", spec.overlap.to_string());
    if spec.jitter_ms > 0 {
        say("Jitter", format!("up to {}", show_duration_ms(spec.jitter_ms)));
    }
    for (name, at) in [("Valid from", spec.starts_at), ("Valid until", spec.ends_at)] {
        if let Some(at) = at {
            say(name, instant(at));
        }
    }
    let run = &spec.run;
    say("Queue", format!("{}, priority {}", run.queue, run.priority.get()));
    if let Some(attempts) = run.max_attempts {
        say("Attempts", format!("at most {attempts}"));
    }
    if let Some(ms) = run.expires_in_ms {
        say("Expires", format!("{} after its time", show_duration_ms(ms)));
    }
    let lowered = limits(&run.limits.shown());
    if !lowered.is_empty() {
        say("Limits", lowered);
    }
    for (name, value) in &run.tags {
        say(&format!("Tag {name}"), value.clone());
    }
    shown
}

/// What a schedule will do.
#[derive(Default)]
pub(crate) struct Outlook {
    /// Why nobody can say.
    pub(crate) refused: String,
    pub(crate) upcoming: Vec<Moment>,
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
        let anomalies = match first {
            Some(_) => recurrence.anomalies(now, now + YEAR),
            None => Vec::new(),
        };
        Self {
            refused: String::new(),
            upcoming: upcoming.map(|at| exact(at, now)).collect(),
            notes: anomalies.into_iter().map(Note::new).collect(),
        }
    }
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
    pub(crate) fires: String,
}

/// Instants of one day that are told one by one: a schedule of every minute has more than anybody reads.
const FIRES_TOLD_MAX: usize = 6;

impl Note {
    fn new(anomaly: Anomaly) -> Self {
        let Anomaly { day, change_at, shift_s, effect, fires } = anomaly;
        let way = if shift_s > 0 { "forward" } else { "back" };
        let length = show_duration_ms(u64::from(shift_s.unsigned_abs()) * 1_000);
        let fires = match fires.len() {
            0 => "none".to_owned(),
            1..=FIRES_TOLD_MAX => fires.iter().map(|at| instant(*at)).collect::<Vec<_>>().join(", "),
            count => format!("{count} times"),
        };
        Self {
            day: day.format("%a %Y-%m-%d").to_string(),
            change: format!("clocks go {way} by {length} at {}", instant(change_at)),
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
