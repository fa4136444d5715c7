//! The private system that is measured: PostgreSQL that waits for the disk, Redis, a scheduler and a host.

use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use rpc::{Client, ClientConfig};
use stories::{Jobctl, Launch, Process, Role, guest, jobctl_path};
use tempfile::TempDir;
use testkit::postgres::{self, Database, Settings};
use testkit::redis;
use tokio::runtime::Runtime;

/// Attempts that the host runs at once.
pub(super) const SLOTS: usize = 16;

/// The log of the scheduler tells of each look for what is due, and is read by a program.
const LOG: [(&str, &str); 2] =
    [("JOBCTL_LOG", "info,scheduler::leader::firing=trace"), ("JOBCTL_LOG_FORMAT", "json")];

/// A system of its own, with the task `echo` published. What is measured runs on [`Setting::runtime`].
pub struct Setting {
    // In the order in which they end.
    host: Role,
    scheduler: Role,
    /// The API.
    pub client: Client,
    /// The binary, as a user types it.
    pub jobctl: Jobctl,
    database: Database,
    _server: postgres::Server,
    _redis: redis::Server,
    /// What the benchmark itself runs on.
    pub runtime: Runtime,
    _folder: TempDir,
}

impl Setting {
    /// Starts the system.
    ///
    /// # Errors
    /// When the scheduler does not answer.
    ///
    /// # Panics
    /// When something does not come up.
    pub fn prepare() -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("jobctl-bench-").tempdir().context("make a folder")?;
        let runtime = Runtime::new().context("start a runtime")?;
        let (server, database, redis) = runtime.block_on(async {
            let server = postgres::Server::start_with(Settings { fsync: true, ..Settings::default() }).await;
            let database = server.fresh_database().await;
            (server, database, redis::Server::start().await)
        });
        let environment = environment(&database, &redis, folder.path());
        migrate(&environment, folder.path())?;
        let role = |name: &str, arguments: &[&str]| {
            let arguments = arguments.iter().map(|&argument| argument.to_owned()).collect();
            let mut role = Role::new(name, arguments, environment.clone(), folder.path());
            role.start();
            role
        };
        let scheduler = role("scheduler", &["scheduler", "run", "--listen", "127.0.0.1:0"]);
        let slots = SLOTS.to_string();
        let host = role("host", &["host", "run", "--listen", "127.0.0.1:0", "--slots", &slots]);
        let jobctl = Jobctl::at(scheduler.api());
        jobctl.publish(&guest(folder.path()), &[]);
        let config = ClientConfig {
            server: scheduler.api().to_owned(),
            token: None,
            connect_timeout: std::time::Duration::from_secs(10),
        };
        let client = runtime.block_on(Client::connect(&config))?;
        Ok(Self {
            host,
            scheduler,
            client,
            jobctl,
            database,
            _server: server,
            _redis: redis,
            runtime,
            _folder: folder,
        })
    }

    /// What the scheduler printed so far.
    #[must_use]
    pub fn log(&self) -> String {
        self.scheduler.log_text()
    }

    /// What the database answers, a line a row, columns parted by `|`.
    ///
    /// # Errors
    /// With its words, when it refuses.
    pub async fn query(&self, sql: &str) -> Result<Vec<String>> {
        self.database.try_execute(sql).await.map_err(|words| anyhow::anyhow!("{words}"))
    }

    /// Whether its processes still run.
    pub fn is_whole(&mut self) -> bool {
        self.scheduler.is_running() && self.host.is_running()
    }
}

fn environment(database: &Database, redis: &redis::Server, folder: &Path) -> Vec<(String, String)> {
    let variables = [
        ("HOME", folder.display().to_string()),
        ("JOBCTL_DATABASE_URL", database.url.clone()),
        ("JOBCTL_REDIS_URL", redis.url()),
    ];
    let log = LOG.map(|(name, value)| (name, value.to_owned()));
    variables.into_iter().chain(log).map(|(name, value)| (name.to_owned(), value)).collect()
}

fn migrate(environment: &[(String, String)], folder: &Path) -> Result<()> {
    let launch = Launch {
        program: jobctl_path(),
        arguments: vec!["migrate".to_owned()],
        environment: environment.to_vec(),
        log: folder.join("migrate.log"),
    };
    let mut process = Process::start(&launch);
    let status = process.ended();
    ensure!(status.success(), "jobctl migrate ended with {status}:\n{}", process.log_text());
    Ok(())
}
