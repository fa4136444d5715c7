//! `jobctl job …`.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand};
use model::job::JobState;
use model::name::{QueueName, TaskName};

use super::values;

/// Look at jobs, wait for them, cancel and retry them. An ID may be a unique prefix of 6 characters or more.
#[derive(Debug, Subcommand)]
pub(crate) enum JobCommand {
    /// List jobs, newest first
    List(JobList),
    /// Show a job with its attempts
    Show(JobRef),
    /// Wait until a job has ended and print its result
    Wait(JobWait),
    /// Print what a job logged
    Logs(Follow),
    /// Print a job's result, raw
    Result(JobRef),
    /// List the files that a job produced
    Files(JobRef),
    /// Fetch a file that a job produced
    File(JobFile),
    /// Cancel a job, or all that match; one that runs is stopped
    Cancel(JobCancel),
    /// Run a job that failed or was cancelled again, or all that match
    Retry(JobRetry),
}

/// Which job.
#[derive(Debug, Args)]
pub(crate) struct JobRef {
    /// The job's id, or a unique prefix of 6 characters or more
    pub(crate) id: String,
}

/// Which jobs, and how many.
#[derive(Debug, Args)]
pub(crate) struct JobList {
    #[command(flatten)]
    pub(crate) filter: JobFilter,
    /// At most this many
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) limit: u32,
    /// Go on where an earlier listing ended
    #[arg(long, value_name = "CURSOR")]
    pub(crate) cursor: Option<String>,
}

/// Which job, or which jobs, and how hard.
#[derive(Debug, Args)]
#[command(after_help = "\
Without ID the jobs that match are counted first, and cancelled when you say so:
  jobctl job cancel --task generate_report --state running
  jobctl job cancel --queue mail --since 1h --grace 5s -y

A job that runs is stopped at once, whatever it does. With --grace its task can see that it is to end
(`cancel-requested`) and may tidy up for that long first.")]
pub(crate) struct JobCancel {
    /// The job's id, or a unique prefix of 6 characters or more
    #[arg(conflicts_with_all = ["JobFilter", "all"])]
    pub(crate) id: Option<String>,
    #[command(flatten)]
    pub(crate) filter: JobFilter,
    /// All unfinished jobs of the namespace
    #[arg(long, conflicts_with = "JobFilter")]
    pub(crate) all: bool,
    /// How long a task that runs may go on to tidy up [default: not at all]
    #[arg(long, value_name = "DURATION", value_parser = values::duration)]
    pub(crate) grace: Option<Duration>,
    /// Do not ask
    #[arg(short, long)]
    pub(crate) yes: bool,
}

/// Which job, or which jobs.
#[derive(Debug, Args)]
#[command(after_help = "\
Without ID the failed jobs that match (with --state cancelled the cancelled ones) are counted first, and retried when
you say so:
  jobctl job retry --task send_email --since 2h
  jobctl job retry --queue mail --state failed,cancelled -y

A job runs again at once, with all its attempts to spend. It keeps its id, payload, key, queue, priority and limits, and
the history of its attempts. What fails again meanwhile is not retried twice by one command.")]
pub(crate) struct JobRetry {
    /// The job's id, or a unique prefix of 6 characters or more
    #[arg(conflicts_with_all = ["JobFilter", "all"])]
    pub(crate) id: Option<String>,
    #[command(flatten)]
    pub(crate) filter: JobFilter,
    /// All failed jobs of the namespace
    #[arg(long, conflicts_with = "JobFilter")]
    pub(crate) all: bool,
    /// Do not ask
    #[arg(short, long)]
    pub(crate) yes: bool,
}

/// Which jobs.
#[derive(Debug, Default, Args)]
pub(crate) struct JobFilter {
    /// Only those in this state; may be given several times
    #[arg(long = "state", value_name = "STATE", value_delimiter = ',')]
    pub(crate) states: Vec<JobState>,
    /// Only those of this task
    #[arg(long, value_name = "TASK")]
    pub(crate) task: Option<TaskName>,
    /// Only those of this queue
    #[arg(long, value_name = "QUEUE")]
    pub(crate) queue: Option<QueueName>,
    /// Only those with this tag; may be given several times
    #[arg(long = "tag", value_name = "KEY=VALUE", value_parser = values::pair)]
    pub(crate) tags: Vec<(String, String)>,
    /// Only those made since this long ago
    #[arg(long, value_name = "DURATION", value_parser = values::duration)]
    pub(crate) since: Option<Duration>,
}

/// Which job, and how long.
#[derive(Debug, Args)]
#[command(
    after_help = "Exit code: 0 succeeded, 4 failed, 5 cancelled, 8 not ended in time (the job goes on)."
)]
pub(crate) struct JobWait {
    #[command(flatten)]
    pub(crate) job: JobRef,
    /// How long to wait at the most; the job goes on
    #[arg(long, alias = "timeout", value_name = "DURATION", value_parser = values::duration)]
    pub(crate) wait_timeout: Option<Duration>,
}

/// Which log.
#[derive(Debug, Args)]
pub(crate) struct Follow {
    #[command(flatten)]
    pub(crate) job: JobRef,
    /// Go on with what comes, until the job ends
    #[arg(short, long)]
    pub(crate) follow: bool,
}

/// Which file.
#[derive(Debug, Args)]
pub(crate) struct JobFile {
    #[command(flatten)]
    pub(crate) job: JobRef,
    /// The file's name, as `jobctl job files` lists it
    pub(crate) name: String,
    /// Where to write it: a file, or a folder to keep the name; none: standard output
    #[arg(long, value_name = "PATH")]
    pub(crate) out: Option<PathBuf>,
}
