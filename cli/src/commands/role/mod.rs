//! The roles of a server, and what they share.

mod ceilings;
pub(super) mod dev;
pub(super) mod host;
mod lock;
pub(super) mod migrate;
mod ports;
pub(super) mod scheduler;

use std::collections::BTreeMap;
use std::future::Future;
use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ::host::{MailConfig, Network};
use anyhow::Context as _;
use sandbox::Sandbox;
use service::{Shutdown, telemetry};

use super::context::Context;
use crate::args::{Common, LogFormat, Outside, Work};
use crate::config::{first, machine_name, secrets};
use crate::exit::{Error, Exit, Result};

/// How long a database or Redis that is not there yet is waited for at the start: containers start together,
/// and the slowest Postgres is up in less.
const BACKEND_PATIENCE: Duration = Duration::from_secs(30);

/// Attempts that run at once for each processor, unless somebody says otherwise: guests that compute share a
/// processor fairly, and most wait for a relay or a web server most of the time.
const SLOTS_PER_PROCESSOR: usize = 4;

/// How long work of the runtime that nobody waits for may hold up the end of the process.
const RUNTIME_END: Duration = Duration::from_secs(1);

/// Runs a role on all processors.
pub(super) fn serve(role: impl Future<Output = Result>) -> Result {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("start the runtime")
        .map_err(Error::from)?;
    let result = runtime.block_on(role);
    runtime.shutdown_timeout(RUNTIME_END);
    result
}

/// Sends the process's log to standard error.
fn log(context: &Context, common: &Common) -> Result<()> {
    let asked = first(common.log.as_ref(), context.settings.file.log.clone());
    let config = telemetry::Config {
        filter: asked.unwrap_or_else(|| context.output.log_filter().to_owned()),
        format: match common.log_format.unwrap_or_default() {
            LogFormat::Text => telemetry::Format::Text,
            LogFormat::Json => telemetry::Format::Json,
        },
        color: context.output.colors_stderr(),
    };
    telemetry::init(&config).map_err(|error| Error::usage(format!("log: {error:#}")))
}

/// The same for a command that looks after itself: only what somebody should know.
pub(super) fn log_warnings(context: &Context) -> Result<()> {
    let filter = if context.output.is_verbose() { context.output.log_filter() } else { "warn,service=error" };
    let config = telemetry::Config {
        filter: filter.to_owned(),
        format: telemetry::Format::Text,
        color: context.output.colors_stderr(),
    };
    Ok(telemetry::init(&config)?)
}

/// A URL that a role cannot do without.
fn needed(flag: &str, variable: &str, value: Option<String>) -> Result<String> {
    value.ok_or_else(|| {
        Error::usage(format!("--{flag} is missing"))
            .hint(format!("or set {variable}; `jobctl dev` needs neither"))
    })
}

/// What a role needs before it begins. None: the process was asked to end first, and does.
async fn unless_ended<T>(shutdown: &Shutdown, needed: impl Future<Output = Result<T>>) -> Result<Option<T>> {
    tokio::select! {
        biased;
        () = shutdown.draining() => {
            tracing::info!("stopped before it began");
            Ok(None)
        }
        needed = needed => needed.map(Some),
    }
}

/// Opens a backend, and waits for it for a while when it is not there yet.
async fn patient<T, F>(what: &str, open: impl Fn() -> F) -> Result<T>
where
    F: Future<Output = std::result::Result<T, connect::Error>>,
{
    let began = Instant::now();
    let mut waits = service::backoff(Duration::from_millis(100), Duration::from_secs(2));
    loop {
        let why = match open().await {
            Ok(backend) => return Ok(backend),
            Err(connect::Error::Unavailable(why)) => why,
            Err(error) => return Err(error.into()),
        };
        let wait = waits.next().unwrap_or(BACKEND_PATIENCE);
        if began.elapsed() + wait > BACKEND_PATIENCE {
            let message = format!("{what} is not available: {why}");
            return Err(Error::new(Exit::Unavailable, "unavailable", message)
                .hint(format!("it was waited for for {} s", BACKEND_PATIENCE.as_secs())));
        }
        tracing::warn!(error = why, "{what} is not available yet; trying again");
        tokio::time::sleep(wait).await;
    }
}

/// The sandbox, which starts this program again to compile.
pub(super) fn sandbox(cache_dir: PathBuf, slots: usize, disk_bytes_max: u64) -> Result<Arc<Sandbox>> {
    let program = std::env::current_exe().context("find this program").map_err(Error::from)?;
    let program = program.into_os_string().into_string().map_err(|path| {
        Error::usage(format!("this program lies at {}, which is not UTF-8", path.display()))
    })?;
    let compile_command = vec![program, "compile-worker".to_owned()];
    let memory_bytes_max = sandbox::MEMORY_BYTES_DEFAULT;
    Ok(Sandbox::new(sandbox::Config { cache_dir, compile_command, slots, disk_bytes_max, memory_bytes_max })?)
}

fn slots(work: &Work) -> usize {
    let processors = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
    work.slots.map_or(processors * SLOTS_PER_PROCESSOR, usize::from)
}

/// The URL to be reached under: as told, or, when every address is listened to, by this machine's name.
fn advertised(advertise: Option<String>, listen: SocketAddr) -> Option<String> {
    let advertise = advertise.filter(|url| !url.is_empty());
    let by_name = listen.ip().is_unspecified() && listen.port() != 0;
    advertise.or_else(|| by_name.then(|| format!("http://{}:{}", machine_name(), listen.port())))
}

/// Where e-mail goes: to the relay, or else to the outbox if there is one.
pub(super) fn mail(context: &Context, outside: &Outside, outbox: Option<PathBuf>) -> Result<MailConfig> {
    let file = &context.settings.file;
    let url = first(outside.smtp_url.as_ref(), file.smtp_url.clone());
    let from = first(outside.mail_from.as_ref(), file.mail_from.clone());
    match (url, outbox, from) {
        (Some(url), _, Some(from)) => Ok(MailConfig::Smtp { url, from }),
        (Some(_), _, None) => Err(Error::usage("--mail-from is missing: relays want a sender")
            .hint("--mail-from 'Jobs <jobs@example.com>', or set JOBCTL_MAIL_FROM")),
        (None, Some(folder), _) => Ok(self::outbox(context, outside, folder)),
        (None, None, _) => Ok(MailConfig::Off),
    }
}

/// A folder that e-mail is written to instead of being sent.
pub(super) fn outbox(context: &Context, outside: &Outside, folder: PathBuf) -> MailConfig {
    let from = first(outside.mail_from.as_ref(), context.settings.file.mail_from.clone());
    MailConfig::Outbox { folder, from: from.unwrap_or_else(|| "jobctl dev <jobs@localhost>".to_owned()) }
}

/// The networks that granted names may lead to: as flags or their variable say, else as the file does.
pub(super) fn networks(context: &Context, outside: &Outside) -> Result<Vec<Network>> {
    chosen(&outside.allow_networks, &context.settings.file.allow_networks)
}

fn chosen(flags: &[String], file: &[String]) -> Result<Vec<Network>> {
    let said = |words: &[String]| -> Vec<String> {
        words.iter().map(|word| word.trim().to_owned()).filter(|word| !word.is_empty()).collect()
    };
    let flags = said(flags);
    let words = if flags.is_empty() { said(file) } else { flags };
    words.iter().map(|word| Ok(word.parse::<Network>()?)).collect()
}

/// The values of secrets, from their file if one is named.
pub(super) fn secret_values(context: &Context, outside: &Outside) -> Result<BTreeMap<String, String>> {
    let path = outside.secrets_file.clone().filter(|path| !path.as_os_str().is_empty());
    match path.or_else(|| context.settings.file.secrets_file.clone()) {
        Some(path) => secrets(&path),
        None => Ok(BTreeMap::new()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_listens_everywhere_is_reached_by_the_machines_name() {
        let everywhere = "0.0.0.0:7700".parse().expect("an address");
        let here = "127.0.0.1:7700".parse().expect("an address");

        assert_eq!(advertised(None, everywhere), Some(format!("http://{}:7700", machine_name())));
        assert_eq!(advertised(Some("http://x:1".to_owned()), everywhere).as_deref(), Some("http://x:1"));
        assert_eq!(advertised(None, here), None);
    }

    #[test]
    fn networks_of_flags_win_over_those_of_the_file() {
        let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
        let chosen = |flags: &[&str], file: &[&str]| {
            let networks = chosen(&words(flags), &words(file)).expect("networks");
            networks.iter().map(ToString::to_string).collect::<Vec<_>>()
        };

        assert_eq!(chosen(&["10.0.0.0/8", " fd12::/32"], &["127.0.0.0/8"]), ["10.0.0.0/8", "fd12::/32"]);
        // Compose files pass empty variables.
        assert_eq!(chosen(&[""], &["127.0.0.0/8"]), ["127.0.0.0/8"]);
        assert_eq!(chosen(&[], &[]), [""; 0]);
    }

    #[tokio::test]
    async fn a_backend_that_comes_late_is_waited_for() {
        let tries = std::sync::atomic::AtomicU32::new(0);
        let open = || async {
            match tries.fetch_add(1, std::sync::atomic::Ordering::Relaxed) {
                0 => Err(connect::Error::Unavailable("refused".to_owned())),
                number => Ok(number),
            }
        };

        let opened = patient("the database", open).await;

        assert!(matches!(opened, Ok(1)));
    }

    #[tokio::test]
    async fn a_schema_that_is_not_migrated_is_refused_at_once() {
        let open = || async { Err::<(), _>(connect::Error::Outdated("0 of 1".to_owned())) };

        let refused = patient("the database", open).await.expect_err("refused");

        let Error::Shown(shown) = refused else { panic!("it is shown") };
        assert!(shown.hint.is_some_and(|hint| hint.contains("jobctl migrate")));
    }

    #[tokio::test]
    async fn waiting_for_a_backend_ends_when_asked_also_for_one_that_never_answers() {
        let shutdown = Shutdown::new();
        let silent = std::future::pending::<std::result::Result<(), connect::Error>>;

        let waiting = unless_ended(&shutdown, patient("the database", silent));
        let (waited, ()) = tokio::join!(waiting, async { shutdown.drain() });

        assert!(matches!(waited, Ok(None)));
    }
}
