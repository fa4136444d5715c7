//! `jobctl schedule …`.

use std::time::Duration;

use chrono::{DateTime, Utc};
use clap::{ArgGroup, Args, Subcommand, ValueEnum};
use model::name::{ScheduleName, TaskName};
use model::schedule::{DstGap, DstOverlap, Missed, Overlap, ScheduleState};
use model::task::TaskRef;

use super::values::{MaybeInstant, word};
use super::{RunFlags, values};

/// What an expression is, wherever one may be typed. Paragraphs are lines: help breaks them where the terminal ends.
const EXPRESSIONS: &str = "\
An expression has five fields, MINUTE HOUR DAY-OF-MONTH MONTH DAY-OF-WEEK, or six with SECOND first. It is one argument, \
in quotes:
  '30 7 * * 1-5'      at 07:30 on weekdays
  '*/15 9-17 * * *'   every 15 minutes in the hours 9 to 17
  '0 0 1,15 * *'      at midnight on the 1st and the 15th
  '0 22 * * sun'      at 22:00 on Sundays
  @daily              also @hourly @weekly @monthly @yearly
  '@every 6h'         every 6 hours, whatever clocks say";

const PREVIEW: &str = "\
Examples:
  jobctl schedule preview '30 7 * * 1-5' --timezone Europe/Lisbon
  jobctl schedule preview '30 1 * * *' --timezone Europe/Lisbon --year 2027
  jobctl schedule preview sales --count 30 -o json";

const CREATE: &str = "\
Examples:
  jobctl schedule create sales --task generate_report --cron '30 7 * * 1-5' \\
      --timezone Europe/Lisbon --payload '{\"day\": \"{{scheduled_for}}\"}'
  jobctl schedule create sync --task sync --every 5m --overlap skip
  jobctl schedule create launch --task send_email --payload @mail.json \\
      --at 2027-01-01T00:00:00+01:00

\"{{scheduled_for}}\" in the payload becomes the instant that a job is made for.

When clocks go forward, a fixed time that does not exist fires once, right after the gap, unless --dst-gap skip. When \
they go back, a fixed time that comes twice fires the first time, unless --dst-overlap both. An expression with `*` or a \
step in its minutes or hours just follows the clock. `jobctl schedule preview EXPR` tells when one fires, and on which days \
of a year clocks make a difference, without a server.";

/// Run tasks by the clock.
#[derive(Debug, Subcommand)]
pub(crate) enum ScheduleCommand {
    /// Make a schedule; one of the same name and content is left as it is
    Create(Box<ScheduleCreate>),
    /// List schedules by name
    List(ScheduleList),
    /// Show a schedule: what it says, where it stands, when it fires next
    Show(ScheduleShow),
    /// Change a schedule; what is not given stays as it is
    Update(Box<ScheduleUpdate>),
    /// Keep schedules from firing until they are resumed
    Pause(ScheduleNames),
    /// Let paused or disabled schedules fire again, from now on
    Resume(ScheduleNames),
    /// Delete schedules; the jobs that they made stay
    Delete(ScheduleNames),
    /// Fire a schedule now, though it may be paused, and print the job's id
    Trigger(ScheduleTrigger),
    /// Say when an expression or a schedule fires; an expression needs no server
    Preview(SchedulePreview),
    /// Make the jobs of instants that have passed, as far as they have made none
    Backfill(ScheduleBackfill),
    /// Show what became of a schedule's instants, the latest first
    History(ScheduleHistory),
}

/// What to make.
#[derive(Debug, Args)]
#[command(after_help = format!("{CREATE}\n\n{EXPRESSIONS}"), group = ArgGroup::new("when").args(["cron", "every", "at"]).required(true))]
pub(crate) struct ScheduleCreate {
    /// What it is to be called
    pub(crate) name: ScheduleName,
    /// The task, looked up anew at each instant: NAME, NAME@VERSION or NAME@sha256:PREFIX
    #[arg(long, value_name = "TASK")]
    pub(crate) task: TaskRef,
    #[command(flatten)]
    pub(crate) timing: TimingFlags,
    /// No instant before this one (RFC 3339 with an offset)
    #[arg(long, value_name = "INSTANT", value_parser = values::instant)]
    pub(crate) start: Option<DateTime<Utc>>,
    /// No instant at this one or later
    #[arg(long, value_name = "INSTANT", value_parser = values::instant)]
    pub(crate) end: Option<DateTime<Utc>>,
    /// Make it, but paused
    #[arg(long)]
    pub(crate) paused: bool,
    /// What its jobs get: a JSON text, @FILE, or - for standard input [default: {}]
    #[arg(long, value_name = "JSON", allow_hyphen_values = true)]
    pub(crate) payload: Option<String>,
    /// A word for people
    #[arg(long, value_name = "TEXT")]
    pub(crate) note: Option<String>,
    #[command(flatten, next_help_heading = "When it is not as simple as that")]
    pub(crate) policies: PolicyFlags,
    #[command(flatten, next_help_heading = "What its jobs say")]
    pub(crate) run: RunFlags,
}

/// What to change.
#[derive(Debug, Args)]
#[command(
    after_help = "\
Another --cron, --every or --at takes the place of the one before. It fires next at its first instant from now on. --tag \
takes the place of all tags before; of the limits only those that are given change.
  jobctl schedule update sales --cron '0 8 * * 1-5'
  jobctl schedule update sales --end none --note '' --unset tags",
    group = ArgGroup::new("when").args(["cron", "every", "at"])
)]
pub(crate) struct ScheduleUpdate {
    /// Which schedule
    pub(crate) name: ScheduleName,
    /// The task, looked up anew at each instant: NAME, NAME@VERSION or NAME@sha256:PREFIX
    #[arg(long, value_name = "TASK")]
    pub(crate) task: Option<TaskRef>,
    #[command(flatten)]
    pub(crate) timing: TimingFlags,
    /// No instant before this one, or `none`
    #[arg(long, value_name = "INSTANT|none", value_parser = values::instant_or_none)]
    pub(crate) start: Option<MaybeInstant>,
    /// No instant at this one or later, or `none`
    #[arg(long, value_name = "INSTANT|none", value_parser = values::instant_or_none)]
    pub(crate) end: Option<MaybeInstant>,
    /// What its jobs get: a JSON text, @FILE, or - for standard input
    #[arg(long, value_name = "JSON", allow_hyphen_values = true)]
    pub(crate) payload: Option<String>,
    /// A word for people; '' takes it away
    #[arg(long, value_name = "TEXT")]
    pub(crate) note: Option<String>,
    /// Take back to what is usual; may be given several times
    #[arg(long, value_enum, value_name = "WHAT", value_delimiter = ',')]
    pub(crate) unset: Vec<Unset>,
    #[command(flatten, next_help_heading = "When it is not as simple as that")]
    pub(crate) policies: PolicyFlags,
    #[command(flatten, next_help_heading = "What its jobs say")]
    pub(crate) run: RunFlags,
}

/// What may be taken back to what is usual where no other value says so. (No help of their own: see `Format`.)
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Unset {
    Tags,
    Limits,
    MaxAttempts,
    ExpiresIn,
}

/// When.
#[derive(Debug, Clone, Default, PartialEq, Eq, Args)]
pub(crate) struct TimingFlags {
    /// By this expression, as in '30 7 * * 1-5', @daily, '@every 6h'
    #[arg(long, value_name = "EXPR")]
    pub(crate) cron: Option<String>,
    /// Again and again, with this long in between, counted from --start or from now
    #[arg(long, value_name = "DURATION", value_parser = values::duration)]
    pub(crate) every: Option<Duration>,
    /// Once, at this instant (RFC 3339 with an offset)
    #[arg(long, value_name = "INSTANT", value_parser = values::instant)]
    pub(crate) at: Option<DateTime<Utc>>,
    /// The IANA time zone that --cron is read in [default: UTC]
    #[arg(long, alias = "tz", value_name = "ZONE")]
    pub(crate) timezone: Option<String>,
}

/// What happens when it is not as simple as that.
#[derive(Debug, Clone, Default, PartialEq, Eq, Args)]
pub(crate) struct PolicyFlags {
    /// When it fires while a run of it still goes: the instant is skipped, waits, cancels that run, or runs beside it [default:
    /// allow]
    #[arg(long, value_name = "POLICY", value_parser = word(Overlap::ALL, Overlap::as_str))]
    pub(crate) overlap: Option<Overlap>,
    /// Which instants fire that passed while nothing was up: none, the latest, or the latest hundred [default: last]
    #[arg(long, value_name = "POLICY", value_parser = word(Missed::ALL, Missed::as_str))]
    pub(crate) missed: Option<Missed>,
    /// How late an instant may be handled and is not missed yet, at most 1h [default: 1m]
    #[arg(long, value_name = "DURATION", value_parser = values::duration)]
    pub(crate) missed_after: Option<Duration>,
    /// Start each job up to this long after its instant, the same for the same instant [default: at once]
    #[arg(long, value_name = "DURATION", value_parser = values::duration)]
    pub(crate) jitter: Option<Duration>,
    #[command(flatten)]
    pub(crate) dst: DstFlags,
}

/// What daylight saving does.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Args)]
pub(crate) struct DstFlags {
    /// A fixed time that does not exist because clocks go forward fires right after the gap, or not [default: after]
    #[arg(long, value_name = "POLICY", value_parser = word(DstGap::ALL, DstGap::as_str))]
    pub(crate) dst_gap: Option<DstGap>,
    /// A fixed time that comes twice because clocks go back fires the first time, or both times [default: first]
    #[arg(long, value_name = "POLICY", value_parser = word(DstOverlap::ALL, DstOverlap::as_str))]
    pub(crate) dst_overlap: Option<DstOverlap>,
}

/// Which schedules, and how many.
#[derive(Debug, Args)]
pub(crate) struct ScheduleList {
    /// Only those in this state; may be given several times
    #[arg(
        long = "state",
        value_name = "STATE",
        value_delimiter = ',',
        value_parser = word(ScheduleState::ALL, ScheduleState::as_str)
    )]
    pub(crate) states: Vec<ScheduleState>,
    /// Only those of this task
    #[arg(long, value_name = "TASK")]
    pub(crate) task: Option<TaskName>,
    /// At most this many
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) limit: u32,
    /// Go on where an earlier listing ended
    #[arg(long, value_name = "CURSOR")]
    pub(crate) cursor: Option<String>,
}

/// Which schedule.
#[derive(Debug, Args)]
pub(crate) struct ScheduleShow {
    /// Which schedule
    pub(crate) name: ScheduleName,
    /// How many instants to come to tell
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=100))]
    pub(crate) upcoming: u32,
}

/// Which schedules.
#[derive(Debug, Args)]
pub(crate) struct ScheduleNames {
    /// Which schedules
    #[arg(value_name = "NAME", required = true)]
    pub(crate) names: Vec<ScheduleName>,
}

/// Which schedule, and how.
#[derive(Debug, Args)]
#[command(after_help = "\
No id is printed when no job was made, because a run still goes on: why is said on standard error, and by \"outcome\" \
(fired, queued, skipped) with -o json. --overlap allow runs it beside that run.

With --wait the exit code tells how it went: 0 succeeded, 4 failed, 5 cancelled, 8 not ended in time.")]
pub(crate) struct ScheduleTrigger {
    /// Which schedule
    pub(crate) name: ScheduleName,
    /// When a run of it still goes, this time [default: as the schedule says]
    #[arg(long, value_name = "POLICY", value_parser = word(Overlap::ALL, Overlap::as_str))]
    pub(crate) overlap: Option<Overlap>,
    /// Wait until the job has ended and print the result
    #[arg(long)]
    pub(crate) wait: bool,
    /// How long to wait at the most; the job goes on
    #[arg(long, value_name = "DURATION", requires = "wait", value_parser = values::duration)]
    pub(crate) wait_timeout: Option<Duration>,
}

/// What to try out.
#[derive(Debug, Args)]
#[command(after_help = format!("{PREVIEW}\n\n{EXPRESSIONS}"))]
pub(crate) struct SchedulePreview {
    /// An expression in quotes, or the name of a schedule
    #[arg(value_name = "EXPR|NAME")]
    pub(crate) what: String,
    /// The IANA time zone that it is read in [default: UTC, or the schedule's]
    #[arg(long, alias = "tz", value_name = "ZONE")]
    pub(crate) timezone: Option<String>,
    /// The first instant that may be told (RFC 3339 with an offset) [default: now]
    #[arg(long, value_name = "INSTANT", value_parser = values::instant)]
    pub(crate) from: Option<DateTime<Utc>>,
    /// How many instants to tell
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    pub(crate) count: u32,
    /// Tell the days of this year on which clocks change and it therefore fires otherwise
    #[arg(long, value_name = "YYYY", conflicts_with_all = ["from", "count"], value_parser = clap::value_parser!(i16).range(1900..=2200))]
    pub(crate) year: Option<i16>,
    #[command(flatten)]
    pub(crate) dst: DstFlags,
}

/// Which instants.
#[derive(Debug, Args)]
#[command(after_help = "\
The instants are counted first, and their jobs are made when you say so. They start at once, side by side; an instant \
that has made a job already makes no other.
  jobctl schedule backfill sales --from 2026-03-01T00:00:00Z --to 2026-04-01T00:00:00Z")]
pub(crate) struct ScheduleBackfill {
    /// Which schedule
    pub(crate) name: ScheduleName,
    /// The first instant (RFC 3339 with an offset)
    #[arg(long, value_name = "INSTANT", value_parser = values::instant)]
    pub(crate) from: DateTime<Utc>,
    /// The instant after the last; not in the future
    #[arg(long, value_name = "INSTANT", value_parser = values::instant)]
    pub(crate) to: DateTime<Utc>,
    /// Count them; make nothing
    #[arg(long, conflicts_with = "yes")]
    pub(crate) count_only: bool,
    /// Do not ask
    #[arg(short, long)]
    pub(crate) yes: bool,
}

/// Which schedule, and how much.
#[derive(Debug, Args)]
pub(crate) struct ScheduleHistory {
    /// Which schedule
    pub(crate) name: ScheduleName,
    /// At most this many
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    pub(crate) limit: u32,
    /// Only earlier instants (RFC 3339 with an offset)
    #[arg(long, value_name = "INSTANT", value_parser = values::instant)]
    pub(crate) before: Option<DateTime<Utc>>,
}
