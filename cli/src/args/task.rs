//! `jobctl task …`.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use model::grants::HttpGrant;
use model::task::TaskRef;

use super::{LimitFlags, Outside, values};

const MANIFEST: &str = "\
A manifest holds the same keys: allow-http = [\"api.example.com\"], allow-mail = true, allow-enqueue = [\"other\"],
secret = [\"API_KEY\"], env = { REGION = \"eu\" }, fuel = \"unlimited\", memory = \"256MiB\", timeout = \"5m\",
host-calls = 1000 and the other limits, deterministic = true, no-promote = false. Flags win over it.";

const RUN: &str = "\
Examples:
  jobctl task run report.wasm '{\"report_type\": \"vendas_Q3\"}' --out .
  jobctl task run tasks.wasm send_email @mail.json --allow-mail --outbox outbox

The log and what was used of each limit go to standard error, the result to standard output.
Exit code: 0 succeeded, 4 failed, 5 cancelled. ctrl-c cancels it; a second one ends it at once.";

/// Publish tasks and look at them.
#[derive(Debug, Subcommand)]
pub(crate) enum TaskCommand {
    /// Say what publish would say, without a server: tasks, imports, grants needed, size, compile time
    Check(Box<Check>),
    /// Run a task here, in the same sandbox under the same limits, without a server
    Run(Box<Run>),
    /// Check, compile and store a new version of every task in a component
    Publish(Box<Publish>),
    /// List tasks
    List,
    /// Show a task version: schemas, grants, limits
    Show(TaskTarget),
    /// List the versions of a task
    Versions(TaskTarget),
}

/// Which task.
#[derive(Debug, Args)]
pub(crate) struct TaskTarget {
    /// NAME, NAME@VERSION or NAME@sha256:PREFIX
    pub(crate) task: TaskRef,
}

/// What to publish, what it may reach and what it may use.
#[derive(Debug, Args)]
#[command(after_help = MANIFEST)]
pub(crate) struct Publish {
    /// The component
    #[arg(value_name = "FILE.wasm")]
    pub(crate) file: PathBuf,
    /// Store it without making it what the plain name means
    #[arg(long)]
    pub(crate) no_promote: bool,
    /// Say what would happen; store nothing
    #[arg(long)]
    pub(crate) plan: bool,
    #[command(flatten)]
    pub(crate) version: VersionFlags,
}

/// What to check.
#[derive(Debug, Args)]
#[command(after_help = "\
With grants, limits or a manifest it says whether publish would take the component with these.
Exit code: 0 it would, 2 the component is malformed, 6 a policy, a grant or a limit refuses it.")]
pub(crate) struct Check {
    /// The component
    #[arg(value_name = "FILE.wasm")]
    pub(crate) file: PathBuf,
    /// Where compiled code is kept [default: ~/.cache/jobctl]
    #[arg(long, value_name = "FOLDER")]
    pub(crate) cache_dir: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) version: VersionFlags,
}

/// What to run, on what, and what it may reach and use.
#[derive(Debug, Args)]
#[command(after_help = RUN)]
pub(crate) struct Run {
    /// The component
    #[arg(value_name = "FILE.wasm")]
    pub(crate) file: PathBuf,
    /// The task; may be left out when the component has one
    #[arg(value_name = "TASK", allow_negative_numbers = true)]
    pub(crate) task: Option<String>,
    /// A JSON text, @FILE, or - for standard input [default: {}]
    #[arg(value_name = "PAYLOAD", allow_negative_numbers = true)]
    pub(crate) payload: Option<String>,
    /// Keep the files that it makes in this folder
    #[arg(long, value_name = "FOLDER")]
    pub(crate) out: Option<PathBuf>,
    /// Begin from the checkpoint in this file, if it is there, and keep what the task saves in it
    #[arg(long, value_name = "FILE")]
    pub(crate) checkpoint: Option<PathBuf>,
    /// Write e-mail to this folder instead of sending it
    #[arg(long, value_name = "FOLDER")]
    pub(crate) outbox: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) outside: Outside,
    /// Where compiled code is kept [default: ~/.cache/jobctl]
    #[arg(long, value_name = "FOLDER")]
    pub(crate) cache_dir: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) version: VersionFlags,
}

/// What makes a version besides its component.
#[derive(Debug, Default, Args)]
pub(crate) struct VersionFlags {
    /// Read the same keys from a file; flags win
    #[arg(long, value_name = "task.toml")]
    pub(crate) manifest: Option<PathBuf>,
    /// Floating point that gives the same bits on every processor; it costs time
    #[arg(long)]
    pub(crate) deterministic: bool,
    #[command(flatten, next_help_heading = "Grants (none unless given)")]
    pub(crate) grants: GrantFlags,
    #[command(flatten, next_help_heading = "Limits of an attempt")]
    pub(crate) limits: LimitFlags,
}

/// What a task may reach.
#[derive(Debug, Clone, Default, PartialEq, Eq, Args)]
pub(crate) struct GrantFlags {
    /// Let it send HTTP requests to this host; may be given several times
    #[arg(long, value_name = "HOST[:PORT]")]
    pub(crate) allow_http: Vec<HttpGrant>,
    /// Let it send e-mail through the host's relay
    #[arg(long)]
    pub(crate) allow_mail: bool,
    /// Let it make jobs of this task (* for any); may be given several times
    #[arg(long, value_name = "TASK")]
    pub(crate) allow_enqueue: Vec<String>,
    /// Let it use this secret of the host; may be given several times
    #[arg(long = "secret", value_name = "NAME")]
    pub(crate) secrets: Vec<String>,
    /// Configuration that it may read; may be given several times
    #[arg(long, value_name = "KEY=VALUE", value_parser = values::pair)]
    pub(crate) env: Vec<(String, String)>,
}
