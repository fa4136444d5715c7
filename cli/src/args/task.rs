//! `jobctl task …`.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand};
use model::grants::HttpGrant;
use model::limits::FuelChoice;
use model::task::TaskRef;

use super::values;

/// Publish tasks and look at them.
#[derive(Debug, Subcommand)]
pub(crate) enum TaskCommand {
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
#[derive(Debug, Default, Args)]
#[command(after_help = "\
A manifest holds the same keys: allow-http = [\"api.example.com\"], allow-mail = true, allow-enqueue = [\"other\"],
secret = [\"API_KEY\"], env = { REGION = \"eu\" }, fuel = \"unlimited\", memory = \"256MiB\", timeout = \"5m\",
max-output = \"1MiB\", no-promote = false. Flags win over it.")]
pub(crate) struct Publish {
    /// The component
    #[arg(value_name = "FILE.wasm")]
    pub(crate) file: PathBuf,
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
    /// Budget of instructions of an attempt
    #[arg(long, value_name = "N|unlimited", value_parser = values::fuel)]
    pub(crate) fuel: Option<FuelChoice>,
    /// Memory of an attempt
    #[arg(long, value_name = "SIZE", value_parser = values::size)]
    pub(crate) memory: Option<u64>,
    /// Deadline of an attempt
    #[arg(long, value_name = "DURATION", value_parser = values::duration)]
    pub(crate) timeout: Option<Duration>,
    /// Largest result
    #[arg(long, value_name = "SIZE", value_parser = values::size)]
    pub(crate) max_output: Option<u64>,
    /// Store it without making it what the plain name means
    #[arg(long)]
    pub(crate) no_promote: bool,
    /// Say what would happen; store nothing
    #[arg(long)]
    pub(crate) plan: bool,
    /// Read the same keys from a file; flags win
    #[arg(long, value_name = "task.toml")]
    pub(crate) manifest: Option<PathBuf>,
}
