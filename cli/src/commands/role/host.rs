//! `jobctl host run`.

use ::host::{Config, Host, Parts};
use broker::Queues;
use model::name::{Namespace, QueueKey};
use serde_json::json;

use super::ceilings::{disk_bytes_max, limits_max};
use super::ports::PortsFile;
use super::scheduler::listen_for_signals;
use super::{advertised, log, mail, needed, networks, patient, sandbox, secret_values, slots, unless_ended};
use crate::args::HostRun;
use crate::commands::context::Context;
use crate::config::{self, first, machine_name};
use crate::exit::{Exit, Result};
use crate::version::VERSION;

/// Runs a host until it is asked to end.
pub(crate) async fn run(context: Context, args: HostRun) -> Result {
    log(&context, &args.common)?;
    let file = &context.settings.file;
    let database = first(args.backends.database_url.as_ref(), file.database_url.clone());
    let database = needed("database-url", "JOBCTL_DATABASE_URL", database)?;
    let redis = first(args.backends.redis_url.as_ref(), file.redis_url.clone());
    let redis = needed("redis-url", "JOBCTL_REDIS_URL", redis)?;
    let config = Config {
        name: args.name.unwrap_or_else(machine_name),
        version: VERSION.to_owned(),
        listen: args.listen,
        advertise: advertised(args.advertise, args.listen),
        token: context.settings.token.clone(),
        slots: slots(&args.work),
        queues: queues(&args.queues, &context.settings.namespace)?,
        lease: args.lease,
        limits_max: limits_max(&context, &args.ceilings)?,
        allow_networks: networks(&context, &args.work.outside)?,
        mail: mail(&context, &args.work.outside, None)?,
        secrets: secret_values(&context, &args.work.outside)?,
    };
    let disk_bytes_max = disk_bytes_max(&context, &args.ceilings)?;
    let ports = PortsFile::at(args.common.ports_file)?;
    let shutdown = listen_for_signals(args.common.drain_timeout)?;

    let backends = async {
        let store = patient("the database", || connect::store(&database)).await?;
        Ok((store, patient("Redis", || connect::broker(&redis)).await?))
    };
    let Some((store, broker)) = unless_ended(&shutdown, backends).await? else { return Ok(Exit::Done) };
    let cache_dir = args.cache.cache_dir.unwrap_or_else(config::cache_dir);
    let sandbox = sandbox(cache_dir, config.slots, disk_bytes_max)?;
    let host = Host::new(config, Parts { store, broker, sandbox }).await?;
    let address = host.address();
    tracing::info!(address, "the host is ready");
    ports.write(&json!({ "control": address, "pid": std::process::id() }))?;
    Box::pin(host.run(shutdown)).await?;
    Ok(Exit::Done)
}

/// The queues that were named, as `QUEUE` or `NAMESPACE/QUEUE`; all when none was.
fn queues(words: &[String], namespace: &Namespace) -> Result<Queues> {
    if words.is_empty() {
        return Ok(Queues::All);
    }
    let keys = words.iter().map(|word| {
        let (namespace, queue) = match word.split_once('/') {
            Some((namespace, queue)) => (namespace.parse()?, queue),
            None => (namespace.clone(), word.as_str()),
        };
        Ok(QueueKey { namespace, queue: queue.parse()? })
    });
    keys.collect::<Result<_>>().map(Queues::Only)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_queue_is_that_of_the_namespace_unless_it_names_its_own() {
        let words = ["mail".to_owned(), "other/slow".to_owned()];

        let Ok(Queues::Only(keys)) = queues(&words, &Namespace::default()) else { panic!("two queues") };

        assert_eq!(keys.iter().map(ToString::to_string).collect::<Vec<_>>(), ["default/mail", "other/slow"]);
        assert!(matches!(queues(&[], &Namespace::default()), Ok(Queues::All)));
        assert!(queues(&["a b".to_owned()], &Namespace::default()).is_err());
    }
}
