//! `jobctl enqueue`.

use std::path::PathBuf;
use std::time::Duration;

use chrono::{DateTime, Utc};
use clap::Args;
use model::name::QueueName;
use model::task::TaskRef;

use super::{LimitFlags, values};

const EXAMPLES: &str = "\
Examples:
  jobctl enqueue send_email '{\"email\": \"ana@example.com\", \"message\": \"Hello\"}'
  jobctl enqueue generate_report @request.json --priority 1 --wait
  echo '{}' | jobctl enqueue generate_report -
  jobctl enqueue send_email --batch mails.jsonl -o jsonl

With --wait the exit code tells how it went: 0 succeeded, 4 failed, 5 cancelled, 8 not ended in time.";

/// Make a job and print its id.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Enqueue {
    /// The task: NAME, NAME@VERSION or NAME@sha256:PREFIX
    pub(crate) task: TaskRef,
    /// A JSON text, @FILE, or - for standard input [default: {}]
    #[arg(allow_negative_numbers = true)]
    pub(crate) payload: Option<String>,
    #[command(flatten)]
    pub(crate) options: JobFlags,
    /// Make a job for each line of FILE (- for standard input): {"payload": …} and any option of a job by name
    #[arg(long, value_name = "FILE.jsonl", help_heading = None, conflicts_with_all = ["payload", "key"])]
    pub(crate) batch: Option<PathBuf>,
    /// Wait until it has ended and print the result
    #[arg(long, help_heading = None)]
    pub(crate) wait: bool,
    /// How long to wait at the most; the job goes on
    #[arg(long, value_name = "DURATION", help_heading = None, requires = "wait", value_parser = values::duration)]
    pub(crate) wait_timeout: Option<Duration>,
}

/// What a job may say besides task and payload.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct JobFlags {
    /// Not to be started before this long from now
    #[arg(long, value_name = "DURATION", value_parser = values::duration, conflicts_with = "at")]
    pub(crate) delay: Option<Duration>,
    /// Not to be started before this instant (RFC 3339 with an offset)
    #[arg(long, value_name = "INSTANT", value_parser = values::instant)]
    pub(crate) at: Option<DateTime<Utc>>,
    /// Idempotency key: the same key and content is the same job
    #[arg(long, value_name = "KEY")]
    pub(crate) key: Option<String>,
    /// How long the key is remembered [default: as long as the job]
    #[arg(long, value_name = "DURATION", value_parser = values::duration)]
    pub(crate) key_ttl: Option<Duration>,
    #[command(flatten)]
    pub(crate) run: RunFlags,
}

/// What a job may say that says nothing of when: so may the jobs of a schedule.
#[derive(Debug, Clone, Default, PartialEq, Eq, Args)]
pub(crate) struct RunFlags {
    /// The queue it waits in [default: default]
    #[arg(long, value_name = "QUEUE")]
    pub(crate) queue: Option<QueueName>,
    /// How urgent it is: 1 first, 9 last [default: 5]
    #[arg(long, value_name = "1..9", value_parser = clap::value_parser!(u8).range(1..=9))]
    pub(crate) priority: Option<u8>,
    /// How often it may be tried [default: as the task says]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) max_attempts: Option<u32>,
    /// Not worth starting any more after this long
    #[arg(long, value_name = "DURATION", value_parser = values::duration)]
    pub(crate) expires_in: Option<Duration>,
    /// For finding it again; may be given several times
    #[arg(long = "tag", value_name = "KEY=VALUE", value_parser = values::pair)]
    pub(crate) tags: Vec<(String, String)>,
    #[command(
        flatten,
        next_help_heading = "Limits of each attempt (a job lowers those of the task's version)"
    )]
    pub(crate) limits: LimitFlags,
}
