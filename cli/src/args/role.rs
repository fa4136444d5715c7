//! The roles of a server: `dev`, `scheduler run`, `host run`, `migrate`.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand, ValueEnum};

use super::{Ceilings, values};

/// Run everything in one process on embedded storage: API, scheduler, host, dashboard.
#[derive(Debug, Args)]
pub(crate) struct Dev {
    /// Where jobs, compiled code and undelivered e-mail are kept; one process at a time
    #[arg(long, value_name = "FOLDER", default_value = ".jobctl")]
    pub(crate) data_dir: PathBuf,
    /// The port of API and dashboard on 127.0.0.1; 0 picks a free one
    #[arg(long, value_name = "PORT", default_value_t = 7700)]
    pub(crate) port: u16,
    #[command(flatten)]
    pub(crate) work: Work,
    #[command(flatten)]
    pub(crate) ceilings: Ceilings,
    #[command(flatten)]
    pub(crate) common: Common,
}

/// The scheduler's commands.
#[derive(Debug, Subcommand)]
pub(crate) enum SchedulerCommand {
    /// Run a replica: API and dashboard on each, leader work on the elected one
    Run(SchedulerRun),
}

/// Run a scheduler replica against Postgres and Redis. SIGTERM or ctrl-c ends it in order.
#[derive(Debug, Args)]
#[command(after_help = "Whoever reaches the port may do everything unless --token or JOBCTL_TOKEN is set.")]
pub(crate) struct SchedulerRun {
    #[command(flatten)]
    pub(crate) backends: Backends,
    /// Where API and dashboard listen
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "0.0.0.0:7700")]
    pub(crate) listen: SocketAddr,
    /// The URL under which other replicas reach this one [default: the machine's name and the port]
    #[arg(long, value_name = "URL")]
    pub(crate) advertise: Option<String>,
    /// Warn of whatever keeps a transaction open in the database for longer: it slows every queue
    #[arg(long, value_name = "DURATION", default_value = "60s", value_parser = values::duration)]
    pub(crate) long_transaction: Duration,
    #[command(flatten)]
    pub(crate) cache: Cache,
    #[command(flatten)]
    pub(crate) ceilings: Ceilings,
    #[command(flatten)]
    pub(crate) common: Common,
}

/// The host's commands.
#[derive(Debug, Subcommand)]
pub(crate) enum HostCommand {
    /// Run a worker host: takes jobs and runs them
    Run(HostRun),
}

/// Run a worker host against Postgres and Redis. SIGTERM or ctrl-c ends it in order.
#[derive(Debug, Args)]
#[command(
    after_help = "Whoever reaches the control port may stop jobs unless --token or JOBCTL_TOKEN is set."
)]
pub(crate) struct HostRun {
    #[command(flatten)]
    pub(crate) backends: Backends,
    /// Its name, the same over restarts [default: the machine's name]
    #[arg(long, value_name = "NAME")]
    pub(crate) name: Option<String>,
    /// Where its control service listens
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "0.0.0.0:7710")]
    pub(crate) listen: SocketAddr,
    /// The URL under which schedulers reach it [default: the machine's name and the port]
    #[arg(long, value_name = "URL")]
    pub(crate) advertise: Option<String>,
    /// Take jobs of this queue only (QUEUE of --namespace, or NAMESPACE/QUEUE); may be given several times
    #[arg(long = "queue", value_name = "QUEUE")]
    pub(crate) queues: Vec<String>,
    /// How long it may be silent before its jobs are given to others
    #[arg(long, value_name = "DURATION", default_value = "5s", value_parser = values::duration)]
    pub(crate) lease: Duration,
    #[command(flatten)]
    pub(crate) work: Work,
    #[command(flatten)]
    pub(crate) cache: Cache,
    #[command(flatten)]
    pub(crate) ceilings: Ceilings,
    #[command(flatten)]
    pub(crate) common: Common,
}

/// Bring the database schema up to date. Safe to be run by several at once.
#[derive(Debug, Args)]
pub(crate) struct Migrate {
    /// The database: postgres://USER:PASSWORD@HOST/DATABASE, or sqlite:PATH
    #[arg(long, value_name = "URL", env = "JOBCTL_DATABASE_URL", hide_env_values = true)]
    pub(crate) database_url: Option<String>,
    /// Print the SQL; change nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
}

/// The engines below.
#[derive(Debug, Args)]
pub(crate) struct Backends {
    /// The database: postgres://USER:PASSWORD@HOST/DATABASE
    #[arg(long, value_name = "URL", env = "JOBCTL_DATABASE_URL", hide_env_values = true)]
    pub(crate) database_url: Option<String>,
    /// The ready queue: redis://HOST:PORT or redis://:PASSWORD@HOST:PORT/NUMBER; rediss:// for TLS
    #[arg(long, value_name = "URL", env = "JOBCTL_REDIS_URL", hide_env_values = true)]
    pub(crate) redis_url: Option<String>,
}

/// How work is done.
#[derive(Debug, Args)]
pub(crate) struct Work {
    /// How many jobs run at once [default: four for each processor]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) slots: Option<u16>,
    #[command(flatten)]
    pub(crate) outside: Outside,
}

/// What work reaches outside.
#[derive(Debug, Default, Args)]
pub(crate) struct Outside {
    /// The relay for e-mail: smtp://USER:PASSWORD@HOST:PORT?tls=required (only HOST is needed) or smtps://…
    #[arg(long, value_name = "URL", env = "JOBCTL_SMTP_URL", hide_env_values = true)]
    pub(crate) smtp_url: Option<String>,
    /// The sender of e-mail, as in `Jobs <jobs@example.com>`
    #[arg(long, value_name = "ADDRESS", env = "JOBCTL_MAIL_FROM", hide_env_values = true)]
    pub(crate) mail_from: Option<String>,
    /// A network of your own that granted names may lead to, as in 10.20.0.0/16; may be given several times
    #[arg(
        long = "allow-network",
        value_name = "CIDR",
        value_delimiter = ',',
        env = "JOBCTL_ALLOW_NETWORKS",
        hide_env_values = true
    )]
    pub(crate) allow_networks: Vec<String>,
    /// Secrets that tasks may name: a TOML file of NAME = "value"
    #[arg(long, value_name = "FILE", env = "JOBCTL_SECRETS_FILE", hide_env_values = true)]
    pub(crate) secrets_file: Option<PathBuf>,
}

/// Where compiled code is kept.
#[derive(Debug, Args)]
pub(crate) struct Cache {
    /// Where compiled code is kept [default: ~/.cache/jobctl]
    #[arg(long, value_name = "FOLDER")]
    pub(crate) cache_dir: Option<PathBuf>,
}

/// What all roles have.
#[derive(Debug, Args)]
pub(crate) struct Common {
    /// Written whole once it is ready: a JSON object with its addresses and pid
    #[arg(long, value_name = "FILE")]
    pub(crate) ports_file: Option<PathBuf>,
    /// How long what runs may go on after SIGTERM before it is given back
    #[arg(long, value_name = "DURATION", default_value = "30s", value_parser = values::duration)]
    pub(crate) drain_timeout: Duration,
    /// Which log lines to print: info, warn,host=debug [default: info]
    #[arg(long, value_name = "FILTER", env = "JOBCTL_LOG", hide_env_values = true)]
    pub(crate) log: Option<String>,
    /// How log lines are written [default: text]
    #[arg(long, value_enum, value_name = "FORMAT", env = "JOBCTL_LOG_FORMAT", hide_env_values = true)]
    pub(crate) log_format: Option<LogFormat>,
}

/// How log lines are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(crate) enum LogFormat {
    // For people.
    #[default]
    Text,
    // One JSON object a line.
    Json,
}
