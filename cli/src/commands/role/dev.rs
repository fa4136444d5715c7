//! `jobctl dev`: the same scheduler and the same host as everywhere, in one process over SQLite and a broker
//! in memory.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::time::Duration;

use ::host::{Host, MailConfig};
use ::scheduler::Scheduler;
use anyhow::{Context as _, ensure};
use broker::Queues;
use rpc::v1;
use serde_json::json;
use service::{Shutdown, Tasks};
use store::{Rescue, Store};

use super::ceilings::{disk_bytes_max, limits_max};
use super::lock::Lock;
use super::ports::PortsFile;
use super::scheduler::listen_for_signals;
use super::{log, mail, networks, sandbox, secret_values, slots};
use crate::args::{Dev, Format};
use crate::commands::context::Context;
use crate::config::SERVER_DEFAULT;
use crate::exit::{Error, Exit, Result};
use crate::server::Server;
use crate::version::VERSION;

/// How long the parts may take to find each other: a term and a heartbeat, on a machine that is busy.
const READY: Duration = Duration::from_secs(30);

/// Between two looks.
const LOOK: Duration = Duration::from_millis(20);

/// The lease of the one host. As in production: what works here works there.
const LEASE: Duration = Duration::from_secs(5);

/// Jobs taken back before the start; the leader takes back what is left, a round after another.
const TAKEN_BACK_MAX: u32 = 1_000;

/// How long the API answers after the last attempt has ended: who waited for that job is told at once, and then asks
/// for its result.
const LINGER: Duration = Duration::from_millis(500);

/// Runs everything until it is asked to end.
pub(crate) async fn run(context: Context, args: Dev) -> Result {
    log(&context, &args.common)?;
    let lock = Lock::take(&args.data_dir)?;
    let data_dir = args.data_dir.canonicalize().context("find the data folder").map_err(Error::from)?;
    let ports = PortsFile::at(args.common.ports_file.clone())?;
    let shutdown = listen_for_signals(args.common.drain_timeout)?;

    let (scheduler, host) = parts(&context, &args, &data_dir).await?;
    let api = scheduler.address();
    let mut tasks = Tasks::new(shutdown.clone());
    let answering = shutdown.outlasting();
    tasks.spawn("scheduler", scheduler.run(answering.clone()));
    tasks.spawn("host", drain_in_order(host, shutdown.clone(), answering));
    let announcement = announce(context, args, api, data_dir.display().to_string(), ports, shutdown);
    tasks.spawn("start", announcement);
    tasks.join().await?;
    drop(lock);
    Ok(Exit::Done)
}

/// Runs the host, and lets the API end after it: whoever waits for a job that still runs learns how it ended.
async fn drain_in_order(host: Host, shutdown: Shutdown, answering: Shutdown) -> anyhow::Result<()> {
    host.run(shutdown).await?;
    tokio::select! {
        () = answering.ending() => {}
        () = tokio::time::sleep(LINGER) => answering.drain(),
    }
    Ok(())
}

/// Ends the term and closes the sessions that the store still holds open. Who has the folder's lock is alone with it:
/// they are of a process that is gone, or, in a copy of another folder, of one that works on and must not be disturbed.
/// So nothing waits for a lease to run out, and nothing is said to the hosts of others.
async fn take_over(store: &dyn Store) -> anyhow::Result<()> {
    if let Some(leader) = store.leader().await.context("read who led before")? {
        store.resign(&leader.holder, leader.term).await.context("end the term of who led before")?;
    }
    let gone: Vec<_> =
        store.sessions().await.context("read the sessions")?.iter().map(|one| one.id).collect();
    if !gone.is_empty() {
        let rescue = Rescue { limit: TAKEN_BACK_MAX, gone };
        let rescued = store.rescue(rescue).await.context("take back what ran before")?;
        let (again, ended) = (rescued.offers.len(), rescued.ended.len());
        tracing::warn!(again, ended, "this folder was not closed in order: what ran then runs again");
    }
    Ok(())
}

async fn parts(context: &Context, args: &Dev, data_dir: &Path) -> Result<(Scheduler, Host)> {
    let slots = slots(&args.work);
    let allow_networks = networks(context, &args.work.outside)?;
    let mail = mail(context, &args.work.outside, Some(data_dir.join("outbox")))?;
    let secrets = secret_values(context, &args.work.outside)?;
    let limits_max = limits_max(context, &args.ceilings)?;
    let disk_bytes_max = disk_bytes_max(context, &args.ceilings)?;
    let store = connect::store(&format!("sqlite:{}", data_dir.join("jobs.db").display())).await?;
    take_over(&*store).await?;
    let broker = connect::broker("memory:").await?;
    let sandbox = sandbox(data_dir.join("cache"), slots, disk_bytes_max)?;
    let scheduler = ::scheduler::Config {
        version: VERSION.to_owned(),
        listen: SocketAddr::from((Ipv4Addr::LOCALHOST, args.port)),
        advertise: None,
        token: context.settings.token.clone(),
        term: ::scheduler::Config::TERM,
        long_transaction: ::scheduler::Config::LONG_TRANSACTION,
        limits_max: limits_max.clone(),
    };
    let host = ::host::Config {
        name: "dev".to_owned(),
        version: VERSION.to_owned(),
        listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
        advertise: None,
        token: context.settings.token.clone(),
        slots,
        queues: Queues::All,
        lease: LEASE,
        limits_max,
        allow_networks,
        mail,
        secrets,
    };
    let shared =
        ::scheduler::Parts { store: store.clone(), broker: broker.clone(), sandbox: sandbox.clone() };
    let scheduler = Scheduler::new(scheduler, shared).await?;
    let host = Host::new(host, ::host::Parts { store, broker, sandbox }).await?;
    Ok((scheduler, host))
}

/// Tells people and the ports file that everything is up, and takes the file away at the end.
async fn announce(
    mut context: Context,
    args: Dev,
    api: String,
    data_dir: String,
    ports: PortsFile,
    shutdown: Shutdown,
) -> anyhow::Result<()> {
    context.settings.server.clone_from(&api);
    tokio::select! {
        () = shutdown.draining() => return Ok(()),
        ready = ready(&context) => ready?,
    }
    let pid = std::process::id();
    ports.write(&json!({ "api": api, "dashboard": api, "pid": pid }))?;
    if context.output.format() == Format::Text {
        let outbox = matches!(
            mail(&context, &args.work.outside, Some("outbox".into())),
            Ok(MailConfig::Outbox { .. })
        );
        context.output.note(&banner(&api, &data_dir, outbox));
    } else {
        let document = json!({ "api": api, "dashboard": api, "pid": pid, "data_dir": data_dir });
        let told = context.output.document(&document, |_| String::new());
        ensure!(told.is_ok(), "tell where it listens: standard output is closed");
    }
    shutdown.draining().await;
    Ok(())
}

/// Waits until somebody leads and a host is there: only then does a job that is enqueued run at once.
async fn ready(context: &Context) -> anyhow::Result<()> {
    let look = async {
        loop {
            if let Ok(server) = Server::connect(&context.settings).await
                && let Ok(status) = status(&server).await
                && status.leader.is_some()
                && !status.hosts.is_empty()
            {
                return;
            }
            tokio::time::sleep(LOOK).await;
        }
    };
    tokio::time::timeout(READY, look).await.context("wait until scheduler and host are ready")
}

async fn status(server: &Server) -> std::result::Result<v1::StatusResponse, rpc::Error> {
    let mut client = server.client();
    server.call_once(client.cluster.status(v1::StatusRequest {})).await
}

fn banner(api: &str, data_dir: &str, outbox: bool) -> String {
    let mail = if outbox { " (e-mail is written to its outbox/)" } else { "" };
    let point = if api == SERVER_DEFAULT { String::new() } else { format!("  export JOBCTL_SERVER={api}\n") };
    format!(
        "\njobctl dev {VERSION} is ready\n\n  API        {api}\n  Dashboard  {api}/\n  Data       {data_dir}{mail}\n\n\
         In another terminal:\n{point}  jobctl task publish FILE.wasm\n  jobctl enqueue TASK '{{}}' --wait\n  \
         jobctl status\n\nctrl-c ends it\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_banner_tells_how_to_point_at_another_port() {
        assert!(!banner(SERVER_DEFAULT, "/d", true).contains("export"));
        assert!(
            banner("http://127.0.0.1:9", "/d", true).contains("export JOBCTL_SERVER=http://127.0.0.1:9\n")
        );
    }
}
