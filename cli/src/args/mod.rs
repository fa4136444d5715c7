//! What may be typed: every command and flag, with its help.

mod enqueue;
mod job;
mod limits;
mod role;
mod schedule;
mod task;
pub(crate) mod values;
pub(crate) mod written;

use clap::{ArgAction, Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;

pub(crate) use enqueue::{Enqueue, JobFlags, RunFlags};
pub(crate) use job::{Follow, JobCancel, JobCommand, JobFile, JobFilter, JobList, JobRetry};
pub(crate) use limits::{Ceilings, LimitFlags};
pub(crate) use role::{
    Common, Dev, HostCommand, HostRun, LogFormat, Migrate, Outside, SchedulerCommand, SchedulerRun, Work,
};
pub(crate) use schedule::{
    DstFlags, PolicyFlags, ScheduleBackfill, ScheduleCommand, ScheduleCreate, ScheduleHistory, ScheduleList,
    ScheduleNames, SchedulePreview, ScheduleShow, ScheduleTrigger, ScheduleUpdate, TimingFlags, Unset,
};
pub(crate) use task::{Check, GrantFlags, Publish, Run, TaskCommand, TaskTarget, VersionFlags};

const EXIT_CODES: &str = "\
Exit codes:
  0  done                              5  the job was cancelled
  1  unexpected failure                6  refused by policy (a grant, a limit, a permission)
  2  bad usage or bad input            7  server unreachable or unavailable
  3  not found                         8  timed out waiting
  4  the job failed                    9  conflict (same key, other content)

Settings come from flags, then the environment, then jobctl.toml in the working directory, its
parents, or ~/.config/jobctl/.

Begin with `jobctl dev` in one terminal, and in another:
  jobctl task publish report.wasm
  jobctl enqueue generate_report '{\"report_type\": \"vendas_Q3\"}' --wait
  jobctl schedule create sales --task generate_report --cron '30 7 * * 1-5' --timezone Europe/Lisbon";

/// A job platform whose tasks are sandboxed WebAssembly components.
#[derive(Debug, Parser)]
#[command(name = "jobctl", version, after_help = EXIT_CODES, max_term_width = 110, propagate_version = false)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// The flags of every command.
#[derive(Debug, Args)]
#[command(next_help_heading = "Flags of every command")]
pub(crate) struct Global {
    /// Where the API is [default: http://127.0.0.1:7700]
    #[arg(long, global = true, value_name = "URL", env = "JOBCTL_SERVER", hide_env_values = true)]
    pub(crate) server: Option<String>,
    /// The bearer token: shown to the server, or, for a server, wanted from callers
    #[arg(long, global = true, value_name = "TOKEN", env = "JOBCTL_TOKEN", hide_env_values = true)]
    pub(crate) token: Option<String>,
    /// The namespace of tasks, queues and jobs [default: default]
    #[arg(short, long, global = true, value_name = "NAME", env = "JOBCTL_NAMESPACE", hide_env_values = true)]
    pub(crate) namespace: Option<String>,
    /// How data is printed; json is exactly one document, jsonl one a line [default: text]
    #[arg(short, long, global = true, value_enum, value_name = "FORMAT")]
    pub(crate) output: Option<Format>,
    /// When to use colour; NO_COLOR is honoured [default: auto]
    #[arg(long, global = true, value_enum, value_name = "WHEN")]
    pub(crate) color: Option<ColorWhen>,
    /// How times are shown in text [default: relative]
    #[arg(long, global = true, value_enum, value_name = "STYLE")]
    pub(crate) time: Option<TimeStyle>,
    /// Print data and errors only
    #[arg(short, long, global = true)]
    pub(crate) quiet: bool,
    /// Print more about what is going on
    #[arg(short, long, global = true, action = ArgAction::Count)]
    pub(crate) verbose: u8,
}

/// How data is printed. (The variants have no help of their own: it would make every help page a long one.)
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Format {
    // For people.
    #[default]
    Text,
    // Exactly one document, also on failure.
    Json,
    // One document a line.
    Jsonl,
}

/// When to use colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum ColorWhen {
    // On a terminal, unless NO_COLOR is set.
    #[default]
    Auto,
    Always,
    Never,
}

/// How times are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum TimeStyle {
    // As `3 min ago`.
    #[default]
    Relative,
    // Exact, RFC 3339 in UTC.
    Iso,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run everything in one process on embedded storage: API, scheduler, host, dashboard
    Dev(Dev),
    /// Make a job and print its id
    Enqueue(Box<Enqueue>),
    /// Look at jobs, wait for them, cancel and retry them
    #[command(subcommand)]
    Job(JobCommand),
    /// Run tasks by the clock: make schedules, look at them, try them out, stop them
    #[command(subcommand)]
    Schedule(ScheduleCommand),
    /// Publish tasks and look at them
    #[command(subcommand)]
    Task(TaskCommand),
    /// Show leader, schedulers, hosts and queue depths
    Status,
    /// Run a scheduler replica against Postgres and Redis
    #[command(subcommand)]
    Scheduler(SchedulerCommand),
    /// Run a worker host against Postgres and Redis
    #[command(subcommand)]
    Host(HostCommand),
    /// Bring the database schema up to date
    Migrate(Migrate),
    /// Print a script that completes commands in a shell
    #[command(after_help = "For bash: source <(jobctl completions bash)")]
    Completions {
        /// The shell
        shell: Shell,
    },
    /// Print what this binary is made of
    Version,
    /// Compile a component handed over on standard input, under limits
    #[command(hide = true)]
    CompileWorker,
}
