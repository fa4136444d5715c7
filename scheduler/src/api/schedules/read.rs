//! Reads what a schedule is to be. What is refused here is refused before the store is asked.

use chrono::{DateTime, Datelike, SubsecRound, Utc};
use model::bounds::PAYLOAD_BYTES_MAX;
use model::error::Invalid;
use model::json::Json;
use model::schedule::{RunOptions, ScheduleSpec, Timing};
use recurrence::Recurrence;
use rpc::{Code, Error, Timestamp, v1};

use super::{beside, refused, shown};
use crate::api::options;

/// Payloads that are checked where they came in; longer ones are checked beside, for it takes milliseconds.
const CHECKED_AT_ONCE_BYTES: usize = 64 << 10;

/// What a schedule is to be, as far as the request says.
pub(super) struct Draft {
    pub(super) spec: ScheduleSpec,
    pub(super) payload: Json,
    /// Whether the request itself says what its period is counted from.
    anchored: bool,
}

impl Draft {
    /// Reads and checks all that needs no calendar.
    ///
    /// # Errors
    /// Names the first field that does not fit.
    pub(super) async fn read(message: Option<v1::ScheduleSpec>, now: DateTime<Utc>) -> Result<Self, Error> {
        let mut message = message.unwrap_or_default();
        let bytes = std::mem::take(&mut message.payload);
        let (spec, anchored) = spec(message, now)?;
        Ok(Self { spec, payload: payload(bytes).await?, anchored })
    }

    /// The instants it names.
    ///
    /// # Errors
    /// `Invalid`, as [`Recurrence::of`].
    pub(super) fn recurrence(&self) -> Result<Recurrence, Error> {
        Recurrence::of(&self.spec).map_err(refused)
    }

    /// Counts the same period from the same instant as before, unless the request says from which.
    pub(super) fn keep_anchor(&mut self, before: &Timing) {
        if let (Timing::Every { period_ms, anchor }, Timing::Every { period_ms: same, anchor: kept }) =
            (&mut self.spec.timing, before)
            && !self.anchored
            && period_ms == same
        {
            *anchor = *kept;
        }
    }

    /// The same for what comes in the place of `before`: a period that was counted from its start is counted from the new
    /// one when the start moves, as one is that is made with it.
    pub(super) fn follow(&mut self, before: &ScheduleSpec) {
        let starts_at = self.spec.starts_at;
        let moves = starts_at.is_some() && starts_at != before.starts_at;
        if moves && matches!(before.timing, Timing::Every { anchor, .. } if before.starts_at == Some(anchor))
        {
            return;
        }
        self.keep_anchor(&before.timing);
    }
}

/// There is no instant to come.
pub(super) fn none_left(spec: &ScheduleSpec, now: DateTime<Utc>) -> Error {
    let (field, problem, hint) = match (&spec.timing, spec.ends_at) {
        (Timing::At(at), _) if *at <= now => (
            "at",
            format!("{} has passed: it is {}", shown(*at), shown(now)),
            "name an instant to come; `jobctl enqueue` runs a task at once",
        ),
        (Timing::At(at), _) => (
            "at",
            format!("{} is not between the start and the end", shown(*at)),
            "leave start and end away: the schedule fires once",
        ),
        (_, Some(end)) => (
            "end",
            format!("no instant is to come before {}", shown(end)),
            "`jobctl schedule preview` shows the instants of an expression",
        ),
        (_, None) => (
            "cron",
            "no instant is to come".to_owned(),
            "`jobctl schedule preview` shows the instants of an expression",
        ),
    };
    Error::from(Invalid::new(field, problem)).hint(hint)
}

/// An instant of a request in whole milliseconds, as instants of schedules are.
///
/// # Errors
/// When it is none, or one of which no database and no RFC 3339 knows.
pub(super) fn instant(field: &'static str, at: Timestamp) -> Result<DateTime<Utc>, Invalid> {
    let at = rpc::instant(field, at)?;
    if !(1..=9999).contains(&at.year()) {
        return Err(Invalid::new(field, format!("the year {} is not between 1 and 9999", at.year())));
    }
    Ok(at.trunc_subsecs(3))
}

fn spec(message: v1::ScheduleSpec, now: DateTime<Utc>) -> Result<(ScheduleSpec, bool), Error> {
    let optional = |field, at: Option<_>| at.map(|at| instant(field, at)).transpose();
    let starts_at = optional("start", message.starts_at)?;
    let ends_at = optional("end", message.ends_at)?;
    let anchor = optional("anchor", message.anchor)?;
    let task = message.task.parse()?;
    let timing = timing(&message, anchor.or(starts_at).unwrap_or(now))?;
    let usual = ScheduleSpec::new(task, timing);
    let spec = ScheduleSpec {
        timezone: Some(message.timezone).filter(|zone| !zone.is_empty()).unwrap_or(usual.timezone),
        dst_gap: word(&message.dst_gap, usual.dst_gap)?,
        dst_overlap: word(&message.dst_overlap, usual.dst_overlap)?,
        missed: word(&message.missed, usual.missed)?,
        missed_after_ms: message.missed_after_ms.unwrap_or(usual.missed_after_ms),
        overlap: word(&message.overlap, usual.overlap)?,
        jitter_ms: message.jitter_ms,
        starts_at,
        ends_at,
        run: run(message.options.unwrap_or_default(), now)?,
        note: message.note,
        task: usual.task,
        timing: usual.timing,
    };
    spec.check()?;
    Ok((spec, anchor.is_some()))
}

fn timing(message: &v1::ScheduleSpec, anchor: DateTime<Utc>) -> Result<Timing, Error> {
    const HINT: &str = "one of --cron '30 9 * * mon-fri', --every 6h and --at 2026-11-01T05:30:00Z";
    match (message.cron.as_str(), message.every_ms, message.at) {
        ("", None, None) => Err(Error::new(Code::Invalid, "cron: it is not said when to run").hint(HINT)),
        (cron, None, None) => recurrence::timing(cron, anchor).map_err(refused),
        ("", Some(period_ms), None) => Ok(Timing::Every { period_ms, anchor }),
        ("", None, Some(at)) => Ok(Timing::At(instant("at", at)?)),
        (cron, every, _) => {
            let field = if cron.is_empty() || every.is_none() { "at" } else { "every" };
            let message = format!("{field}: it is said in more than one way when to run");
            Err(Error::new(Code::Invalid, message).hint(HINT))
        }
    }
}

fn word<T: std::str::FromStr<Err = Invalid>>(text: &str, usual: T) -> Result<T, Invalid> {
    if text.is_empty() { Ok(usual) } else { text.parse() }
}

/// What its jobs say: what a job may say, but for when it starts and which one it is.
fn run(options: v1::JobOptions, now: DateTime<Utc>) -> Result<RunOptions, Error> {
    let foreign = [
        ("delay", options.delay_ms.is_some(), "the schedule says when its jobs run; --jitter delays them"),
        ("at", options.at.is_some(), "the schedule says when its jobs run"),
        ("key", !options.key.is_empty(), "each instant makes one job anyway"),
        ("key-ttl", options.key_ttl_ms.is_some(), "each instant makes one job anyway"),
    ];
    if let Some((field, _, hint)) = foreign.into_iter().find(|(_, said, _)| *said) {
        let invalid = Invalid::new(field, "is for a single job, not for those of a schedule");
        return Err(Error::from(invalid).hint(hint));
    }
    let expires_in_ms = options.expires_in_ms;
    let options = options::read(options, now)?;
    Ok(RunOptions {
        queue: options.queue,
        priority: options.priority,
        max_attempts: options.max_attempts,
        limits: options.limits,
        expires_in_ms,
        tags: options.tags,
    })
}

async fn payload(bytes: Vec<u8>) -> Result<Json, Error> {
    if bytes.is_empty() {
        return Ok(Json::default());
    }
    let at_once = bytes.len() <= CHECKED_AT_ONCE_BYTES;
    let check = move || Json::check("payload", bytes, PAYLOAD_BYTES_MAX);
    Ok(if at_once { check() } else { beside(check).await? }?)
}
