//! `jobctl scheduler run`.

use ::scheduler::{Config, Parts, Scheduler};
use anyhow::Context as _;
use serde_json::json;
use service::Shutdown;

use super::ceilings::{disk_bytes_max, limits_max};
use super::ports::PortsFile;
use super::{advertised, log, needed, patient, sandbox, unless_ended};
use crate::args::SchedulerRun;
use crate::commands::context::Context;
use crate::config::{self, first};
use crate::exit::{Error, Exit, Result};
use crate::version::VERSION;

/// A scheduler runs components only to ask what they are: a publish at a time, a few at once.
const SLOTS: usize = 4;

/// Runs a replica until it is asked to end.
pub(crate) async fn run(context: Context, args: SchedulerRun) -> Result {
    log(&context, &args.common)?;
    let file = &context.settings.file;
    let database = first(args.backends.database_url.as_ref(), file.database_url.clone());
    let database = needed("database-url", "JOBCTL_DATABASE_URL", database)?;
    let redis = first(args.backends.redis_url.as_ref(), file.redis_url.clone());
    let redis = needed("redis-url", "JOBCTL_REDIS_URL", redis)?;
    let (limits_max, disk_bytes_max) =
        (limits_max(&context, &args.ceilings)?, disk_bytes_max(&context, &args.ceilings)?);
    let ports = PortsFile::at(args.common.ports_file)?;
    let shutdown = listen_for_signals(args.common.drain_timeout)?;

    let backends = async {
        let store = patient("the database", || connect::store(&database)).await?;
        Ok((store, patient("Redis", || connect::broker(&redis)).await?))
    };
    let Some((store, broker)) = unless_ended(&shutdown, backends).await? else { return Ok(Exit::Done) };
    let cache_dir = args.cache.cache_dir.unwrap_or_else(config::cache_dir);
    let sandbox = sandbox(cache_dir, SLOTS, disk_bytes_max)?;
    let config = Config {
        version: VERSION.to_owned(),
        listen: args.listen,
        advertise: advertised(args.advertise, args.listen),
        token: context.settings.token.clone(),
        term: Config::TERM,
        long_transaction: args.long_transaction,
        limits_max,
    };
    let scheduler = Scheduler::new(config, Parts { store, broker, sandbox }).await?;
    let address = scheduler.address();
    tracing::info!(address, "the scheduler is ready");
    ports.write(&json!({ "api": address, "dashboard": address, "pid": std::process::id() }))?;
    Box::pin(scheduler.run(shutdown)).await?;
    Ok(Exit::Done)
}

/// The signals that ask the process to end.
pub(super) fn listen_for_signals(drain_timeout: std::time::Duration) -> Result<Shutdown> {
    Shutdown::on_signals(drain_timeout).context("listen for signals").map_err(Error::from)
}
