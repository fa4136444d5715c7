//! A private PostgreSQL server.
//!
//! [`fresh_database`] is what most tests want: an empty database of their own, on a server that many tests
//! share (`scripts/with-postgres` starts one and names it in `TEST_POSTGRES_URL`), or on one of this
//! process, kept while any of its databases is in use. A [`Server`] is for stories that stop or kill it.

mod programs;

use std::path::Path;
use std::process::Stdio;
use std::sync::{Arc, Weak};

use rustix::process::Signal;
use tempfile::TempDir;
use tokio::process::Command;
use tokio::sync::Mutex;
use uuid::Uuid;

use self::programs::{USER, as_user, program, psql_arguments};
use crate::server::{Launch, Process, free_port, give, is_root};

/// Room for many tests side by side, each with a pool of its own.
const CONNECTIONS_MAX: u32 = 300;

/// Starts are tried again with another port when somebody else took the free one.
const STARTS_MAX: u32 = 5;

/// How a server is set up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Whether commits wait for the disk, as users have it. Without, a killed server loses nothing, and a machine
    /// without power might.
    pub fsync: bool,
    /// How many connections it takes.
    pub connections: u32,
    /// More of its settings, as in `deadlock_timeout=100ms`.
    pub more: Vec<String>,
}

impl Default for Settings {
    /// What most tests want.
    fn default() -> Self {
        Self { fsync: false, connections: CONNECTIONS_MAX, more: Vec::new() }
    }
}

/// A private server; ended and removed when dropped.
pub struct Server {
    process: Option<Process>,
    port: u16,
    settings: Settings,
    folder: TempDir,
}

impl Server {
    /// Makes a new, empty server on a free loopback port and starts it, by the default settings.
    ///
    /// # Panics
    /// When PostgreSQL is not installed or does not start.
    pub async fn start() -> Self {
        Self::start_with(Settings::default()).await
    }

    /// The same, set up otherwise.
    ///
    /// # Panics
    /// When PostgreSQL is not installed or does not start.
    pub async fn start_with(settings: Settings) -> Self {
        let folder = tempfile::Builder::new().prefix("jobctl-postgres-").tempdir().expect("a folder");
        if is_root() {
            give(folder.path(), USER);
        }
        let data = folder.path().join("data");
        let made = as_user(&program("initdb"))
            .args(["--no-sync", "--no-instructions", "-U", "postgres", "-A", "trust", "-E", "UTF8"])
            .args(["--locale", "C", "-D"])
            .arg(&data)
            .output()
            .await
            .expect("run initdb");
        assert!(made.status.success(), "initdb: {}", String::from_utf8_lossy(&made.stderr));
        let mut server = Self { process: None, port: 0, settings, folder };
        for _ in 0..STARTS_MAX {
            server.port = free_port();
            if server.try_start().await {
                return server;
            }
        }
        panic!("PostgreSQL does not start:\n{}", server.log_text());
    }

    /// The URL of the superuser in the database `postgres`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("postgres://postgres@127.0.0.1:{}/postgres", self.port)
    }

    /// The port it listens on, the same over restarts.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// What it printed so far.
    #[must_use]
    pub fn log_text(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    /// Ends it in order: connections are broken, all is written. Harmless when it does not run.
    ///
    /// # Panics
    /// When it does not end.
    pub async fn stop(&mut self) {
        self.end(Signal::INT).await;
    }

    /// Breaks all connections and ends at once, as a crash would; its recovery comes with the next start.
    /// Harmless when it does not run.
    ///
    /// # Panics
    /// When it does not end.
    pub async fn kill(&mut self) {
        self.end(Signal::QUIT).await;
    }

    /// Lets it stand still, connections open and silent, until [`Self::thaw`].
    pub fn freeze(&mut self) {
        self.signal_all(Signal::STOP);
    }

    /// Lets it go on.
    pub fn thaw(&mut self) {
        self.signal_all(Signal::CONT);
    }

    /// Starts it again on the same port, after a stop or a kill.
    ///
    /// # Panics
    /// When it does not start.
    pub async fn start_again(&mut self) {
        if self.process.is_none() {
            assert!(self.try_start().await, "PostgreSQL does not start again:\n{}", self.log_text());
        }
    }

    /// Kills it and starts it again on the same port.
    ///
    /// # Panics
    /// When it does not end or start.
    pub async fn restart(&mut self) {
        self.kill().await;
        self.start_again().await;
    }

    /// How it is set up from its next start on.
    pub fn settings(&mut self) -> &mut Settings {
        &mut self.settings
    }

    async fn end(&mut self, signal: Signal) {
        if let Some(mut process) = self.process.take() {
            process.end(signal).await;
        }
    }

    /// Its backends are processes of their own; all are children of the first one.
    fn signal_all(&mut self, signal: Signal) {
        let Some(process) = &mut self.process else { return };
        // The first one first: while it stands still it makes no more.
        process.signal(signal);
        for pid in process.children() {
            // It may end by itself meanwhile.
            let _ = rustix::process::kill_process(pid, signal);
        }
    }

    /// False when the port is taken.
    async fn try_start(&mut self) -> bool {
        let mut arguments = vec!["-D".to_owned(), self.folder.path().join("data").display().to_string()];
        let port = format!("port={}", self.port);
        let connections = format!("max_connections={}", self.settings.connections);
        let (fsync, pages) = if self.settings.fsync {
            ("fsync=on", "full_page_writes=on")
        } else {
            ("fsync=off", "full_page_writes=off")
        };
        let settings = [
            "listen_addresses=127.0.0.1",
            &port,
            &connections,
            "unix_socket_directories=",
            fsync,
            pages,
            // In the data folder, so that a killed server leaves nothing behind elsewhere.
            "dynamic_shared_memory_type=mmap",
        ];
        for setting in settings.into_iter().chain(self.settings.more.iter().map(String::as_str)) {
            arguments.extend(["-c".to_owned(), setting.to_owned()]);
        }
        let mut process = Process::start(&Launch {
            program: program("postgres"),
            arguments,
            user: is_root().then(|| USER.to_owned()),
            log: self.folder.path().join("log"),
            end: Signal::QUIT,
        });
        // Its own word; who answers on the port might be somebody else.
        let word = self.folder.path().join("data/postmaster.pid");
        let pid = process.id().to_string();
        let started = process.until("PostgreSQL to be ready", async || is_ready(&word, &pid)).await;
        self.process = started.then_some(process);
        started
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // What stands still cannot end.
        self.thaw();
    }
}

/// An empty database; dropped with this.
pub struct Database {
    /// Where it is, with a user who may do everything.
    pub url: String,
    name: String,
    admin: String,
    ours: Option<Arc<Server>>,
}

/// Makes an empty database, on the server of `TEST_POSTGRES_URL` or on one of this process.
///
/// # Panics
/// When there is no server.
pub async fn fresh_database() -> Database {
    if let Some(url) = shared_url() {
        return make(&url, None).await;
    }
    static OURS: Mutex<Weak<Server>> = Mutex::const_new(Weak::new());
    let mut ours = OURS.lock().await;
    let server = match ours.upgrade() {
        Some(server) => server,
        None => {
            let server = Arc::new(Server::start().await);
            *ours = Arc::downgrade(&server);
            server
        }
    };
    drop(ours);
    let url = server.url();
    make(&url, Some(server)).await
}

impl Server {
    /// Makes an empty database on this server. It must be dropped before the server.
    ///
    /// # Panics
    /// When the server does not run.
    pub async fn fresh_database(&self) -> Database {
        make(&self.url(), None).await
    }
}

impl Database {
    /// Runs statements with the rights of a superuser, and tells the rows as lines, columns parted by `|`.
    ///
    /// # Panics
    /// When the server refuses them.
    pub async fn execute(&self, sql: &str) -> Vec<String> {
        self.try_execute(sql).await.unwrap_or_else(|e| panic!("{sql}: {e}"))
    }

    /// The same where a refusal is an answer.
    ///
    /// # Errors
    /// With the server's words, when it refuses them or is not there.
    pub async fn try_execute(&self, sql: &str) -> Result<Vec<String>, String> {
        query(&self.url, sql).await
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        // A server of our own takes it along. Elsewhere it would only stay in the way, so a failure is
        // not worth a test.
        if self.ours.is_some() {
            return;
        }
        let drop = format!("drop database if exists \"{}\" with (force)", self.name);
        let _ = std::process::Command::new(program("psql"))
            .args(psql_arguments(&self.admin, &drop))
            .stdin(Stdio::null())
            .output();
    }
}

async fn make(admin: &str, server: Option<Arc<Server>>) -> Database {
    let name = format!("test_{}", Uuid::new_v4().simple());
    // Nobody connects to template0, so that copying it never waits.
    query(admin, &format!("create database \"{name}\" template template0")).await.expect("a fresh database");
    let (server_url, _) = admin.rsplit_once('/').expect("a URL names its database");
    Database { url: format!("{server_url}/{name}"), name, admin: admin.to_owned(), ours: server }
}

#[expect(
    clippy::disallowed_methods,
    reason = "this is how scripts/with-postgres names its server to the tests"
)]
fn shared_url() -> Option<String> {
    std::env::var("TEST_POSTGRES_URL").ok().filter(|url| !url.is_empty())
}

/// Runs `sql` by psql, which keeps this crate free of a driver, and tells the rows as lines, columns parted by `|`.
///
/// # Errors
/// With the words of psql, when the server refuses it or is not there.
pub async fn query(url: &str, sql: &str) -> Result<Vec<String>, String> {
    let told = Command::new(program("psql"))
        .args(psql_arguments(url, sql))
        // A server that stands still takes connections and says nothing.
        .env("PGCONNECT_TIMEOUT", "10")
        .stdin(Stdio::null())
        .output()
        .await
        .map_err(|e| format!("run psql: {e}"))?;
    if !told.status.success() {
        return Err(String::from_utf8_lossy(&told.stderr).into_owned());
    }
    Ok(String::from_utf8_lossy(&told.stdout).lines().map(str::to_owned).collect())
}

/// What a server writes into its lock file: its process id first, then other things, and at last that it
/// is ready.
fn is_ready(lock: &Path, pid: &str) -> bool {
    let text = std::fs::read_to_string(lock).unwrap_or_default();
    text.lines().next() == Some(pid) && text.lines().any(|line| line.trim_end() == "ready")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn databases_are_empty_and_apart() {
        let one = fresh_database().await;
        let two = fresh_database().await;

        one.execute("create table t (n integer); insert into t values (1), (2)").await;

        assert_eq!(one.execute("select n from t order by n").await, ["1", "2"]);
        assert_eq!(two.execute("select count(*) from pg_tables where tablename = 't'").await, ["0"]);
    }

    #[tokio::test]
    async fn what_was_committed_survives_a_killed_server() {
        let mut server = Server::start().await;
        let database = server.fresh_database().await;
        database.execute("create table t (n integer); insert into t values (7)").await;

        server.kill().await;
        assert!(query(&database.url, "select 1").await.is_err(), "it is gone");
        server.start_again().await;

        assert_eq!(database.execute("select n from t").await, ["7"]);
        server.stop().await;
        assert!(query(&database.url, "select 1").await.is_err(), "it is gone");
    }

    #[tokio::test]
    async fn a_server_is_set_up_as_it_was_told_from_its_next_start_on() {
        let settings = Settings { fsync: true, connections: 20, ..Settings::default() };
        let mut server = Server::start_with(settings).await;
        let database = server.fresh_database().await;
        let shown = async |name: &str| database.execute(&format!("show {name}")).await.concat();

        let before = [shown("fsync").await, shown("full_page_writes").await, shown("max_connections").await];
        server.settings().more = vec!["deadlock_timeout=100ms".to_owned()];
        server.restart().await;

        assert_eq!(before, ["on", "on", "20"]);
        assert_eq!(shown("deadlock_timeout").await, "100ms");
    }
}
