//! A whole system, started as a user would, on private servers and free ports.
//!
//! ```text
//! Embedded      jobctl dev
//! Distributed   PostgreSQL, Redis ─ jobctl migrate, then n × jobctl scheduler run, m × jobctl host run
//! ```

use std::io::Write as _;
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rpc::v1::{HostStatusRequest, HostStatusResponse};
use tempfile::TempDir;
use testkit::eventually::eventually_blocking;
use testkit::postgres::{Database, fresh_database};
use testkit::redis;
use tokio::runtime::Runtime;

use crate::jobctl::{Jobctl, jobctl_path};
use crate::process::{Launch, Process};
use crate::role::Role;

/// What a system stands on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Footing {
    /// Everything in one process, over SQLite.
    Embedded,
    /// Processes of their own over PostgreSQL and Redis.
    Distributed {
        /// How many schedulers.
        schedulers: usize,
        /// How many hosts.
        hosts: usize,
    },
}

/// How a system is set up.
#[derive(Debug, Clone)]
pub struct Setup {
    /// What it stands on.
    pub footing: Footing,
    /// The URL of an SMTP relay; none: the outbox of `jobctl dev`.
    pub relay: Option<String>,
    /// What callers, schedulers and hosts must show; none: everybody may do everything.
    pub token: Option<&'static str>,
    /// How many attempts a host of its own runs at once.
    pub slots: usize,
    /// How long what runs may go on once a host was asked to end.
    pub drain_timeout: &'static str,
    /// What the processes have in their environment besides.
    pub environment: Vec<(&'static str, String)>,
    /// More flags of those that run jobs: `jobctl dev` and hosts.
    pub flags: Vec<String>,
}

impl Setup {
    /// The plainest system on `footing`.
    #[must_use]
    pub fn on(footing: Footing) -> Self {
        Self {
            footing,
            relay: None,
            token: None,
            slots: 4,
            drain_timeout: "30s",
            environment: Vec::new(),
            flags: Vec::new(),
        }
    }
}

/// A running system; ended with its test.
pub struct System {
    schedulers: Vec<Role>,
    hosts: Vec<Role>,
    servers: Option<Servers>,
    token: Option<&'static str>,
    runtime: Runtime,
    folder: TempDir,
}

struct Servers {
    database: Database,
    redis: redis::Server,
}

impl System {
    /// The plainest system on `footing`, ready to work.
    ///
    /// # Panics
    /// When it does not come up.
    #[must_use]
    pub fn on(footing: Footing) -> Self {
        Self::start(&Setup::on(footing))
    }

    /// A system that is ready to work.
    ///
    /// # Panics
    /// When it does not come up.
    #[must_use]
    pub fn start(setup: &Setup) -> Self {
        let folder = tempfile::Builder::new().prefix("jobctl-story-").tempdir().expect("a folder");
        let runtime = Runtime::new().expect("a runtime");
        let (schedulers, hosts, servers) = match setup.footing {
            Footing::Embedded => (vec![dev(setup, folder.path())], Vec::new(), None),
            Footing::Distributed { schedulers, hosts } => {
                let servers = runtime.block_on(async {
                    Servers { database: fresh_database().await, redis: redis::Server::start().await }
                });
                servers.migrate(setup, folder.path());
                let schedulers = (1..=schedulers).map(|n| servers.scheduler(n, setup, folder.path()));
                let hosts = (1..=hosts).map(|n| servers.host(n, setup, folder.path()));
                (schedulers.collect(), hosts.collect(), Some(servers))
            }
        };
        let mut system = Self { schedulers, hosts, servers, token: setup.token, runtime, folder };
        system.start_all();
        system
    }

    /// `jobctl` pointed at the first scheduler.
    ///
    /// # Panics
    /// When that does not run.
    #[must_use]
    pub fn jobctl(&self) -> Jobctl {
        self.jobctl_at(0)
    }

    /// `jobctl` pointed at one of the schedulers, from 0.
    ///
    /// # Panics
    /// When that does not run.
    #[must_use]
    pub fn jobctl_at(&self, scheduler: usize) -> Jobctl {
        Jobctl::at(self.schedulers[scheduler].api()).with_token(self.token)
    }

    /// One of the schedulers, from 0; `jobctl dev` is the only one of its system.
    pub fn scheduler(&mut self, index: usize) -> &mut Role {
        &mut self.schedulers[index]
    }

    /// The scheduler that leads now, by its number from 0.
    ///
    /// # Panics
    /// When none does within a minute.
    #[must_use]
    pub fn leader(&self) -> usize {
        eventually_blocking("a leader", || {
            let asked = self.schedulers.iter().find(|role| role.is_up()).expect("one runs");
            let status = Jobctl::at(asked.api()).with_token(self.token).json(&["status"]);
            let leader = status["schedulers"].as_array()?.iter().find(|one| one["leading"] == true)?.clone();
            self.schedulers.iter().position(|role| role.is_up() && leader["address"] == role.api())
        })
    }

    /// One of the hosts, from 0.
    pub fn host(&mut self, index: usize) -> &mut Role {
        &mut self.hosts[index]
    }

    /// Stops all processes as an operator would, and starts them again on the same data. Redis comes back
    /// empty: it is not asked to keep anything.
    ///
    /// # Panics
    /// When one does not end with success or does not come up.
    pub fn restart(&mut self) {
        self.stop();
        if self.servers.is_some() {
            self.start_redis();
        }
        self.start_all();
    }

    /// Asks all processes to end (SIGTERM), all at once, and waits until they have.
    ///
    /// # Panics
    /// When one does not end with success.
    pub fn stop(&mut self) {
        for role in self.roles() {
            role.ask_to_end();
        }
        for role in self.roles() {
            role.ended();
        }
    }

    /// Starts all processes that do not run.
    ///
    /// # Panics
    /// When one does not come up.
    pub fn start_all(&mut self) {
        for role in self.roles() {
            role.begin();
        }
        for role in self.roles() {
            role.ready();
        }
    }

    /// Empties Redis.
    ///
    /// # Panics
    /// When the system has none.
    pub fn flush_redis(&self) {
        use std::io::Read as _;
        let url = self.servers.as_ref().expect("a distributed system").redis.url();
        let address = url.trim_start_matches("redis://").split('/').next().expect("a host").to_owned();
        let mut stream = TcpStream::connect(&address).unwrap_or_else(|e| panic!("{url}: {e}"));
        stream.set_read_timeout(Some(Duration::from_secs(10))).expect("a time-out");
        stream.write_all(b"FLUSHALL\r\n").expect("it is sent");
        let mut answer = [0; 5];
        stream.read_exact(&mut answer).expect("it is answered");
        assert_eq!(&answer, b"+OK\r\n");
    }

    /// What the database answers, a line for each row.
    ///
    /// # Panics
    /// When the system has none or it refuses.
    #[must_use]
    pub fn query(&self, sql: &str) -> Vec<String> {
        let servers = self.servers.as_ref().expect("a distributed system");
        self.runtime.block_on(servers.database.execute(sql))
    }

    /// What the control service of each host says of itself to whoever shows `token`.
    ///
    /// # Panics
    /// When the status names no hosts.
    #[must_use]
    pub fn ask_hosts(&self, token: Option<&str>) -> Vec<Result<HostStatusResponse, rpc::Error>> {
        let status = self.jobctl().json(&["status"]);
        let hosts = status["hosts"].as_array().unwrap_or_else(|| panic!("{status}"));
        let addresses =
            hosts.iter().map(|host| host["address"].as_str().unwrap_or_else(|| panic!("{status}")));
        addresses.map(|address| self.runtime.block_on(ask_host(address, token))).collect()
    }

    /// How many components the hosts have compiled since they started, each host's count for itself.
    ///
    /// # Panics
    /// When one does not answer.
    #[must_use]
    pub fn components_compiled(&self) -> Vec<u64> {
        let answers = self.ask_hosts(self.token).into_iter();
        answers.map(|answer| answer.expect("the host answers").components_compiled).collect()
    }

    /// Takes Redis away, with all it knew.
    ///
    /// # Panics
    /// When the system has none.
    pub fn stop_redis(&mut self) {
        let servers = self.servers.as_mut().expect("a distributed system");
        self.runtime.block_on(servers.redis.kill());
    }

    /// Brings it back, empty.
    ///
    /// # Panics
    /// When the system has none.
    pub fn start_redis(&mut self) {
        let servers = self.servers.as_mut().expect("a distributed system");
        self.runtime.block_on(servers.redis.restart());
    }

    /// The folder of the system's own data; in it, `data` is that of `jobctl dev`.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Writes a file into the system's folder, and returns its path.
    ///
    /// # Panics
    /// When the folder cannot be written.
    #[must_use]
    pub fn file(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.folder().join(name);
        std::fs::write(&path, bytes).expect("the folder can be written");
        path
    }

    fn roles(&mut self) -> impl Iterator<Item = &mut Role> {
        self.schedulers.iter_mut().chain(&mut self.hosts)
    }
}

async fn ask_host(address: &str, token: Option<&str>) -> Result<HostStatusResponse, rpc::Error> {
    let dialer = rpc::HostDialer { token: token.map(str::to_owned), timeout: Duration::from_secs(10) };
    let mut host = dialer.dial(address).await?;
    Ok(host.host_status(HostStatusRequest {}).await?.into_inner())
}

impl Drop for System {
    /// Shows the logs when the story failed, and fails it when a process panicked behind its back.
    fn drop(&mut self) {
        let logs: Vec<_> = self.roles().map(|role| (role.log().to_owned(), role.log_text())).collect();
        let panicked = logs.iter().any(|(_, text)| text.contains("panicked at"));
        if !panicked && !std::thread::panicking() {
            return;
        }
        for (path, text) in &logs {
            let shown = format!("\n==== {}\n{}\n", path.display(), tail(text));
            // When standard error is gone there is nobody to tell.
            let _ = std::io::stderr().write_all(shown.as_bytes());
        }
        assert!(std::thread::panicking(), "a process panicked");
    }
}

/// The last lines of a log: enough to see why.
fn tail(text: &str) -> String {
    const LINES: usize = 80;
    let lines: Vec<_> = text.lines().collect();
    lines[lines.len().saturating_sub(LINES)..].join("\n")
}

impl Servers {
    fn environment(&self, setup: &Setup, folder: &Path) -> Vec<(String, String)> {
        let mut environment = environment(setup, folder);
        environment.push(("JOBCTL_DATABASE_URL".to_owned(), self.database.url.clone()));
        environment.push(("JOBCTL_REDIS_URL".to_owned(), self.redis.url()));
        environment
    }

    fn migrate(&self, setup: &Setup, folder: &Path) {
        let launch = Launch {
            program: jobctl_path(),
            arguments: vec!["migrate".to_owned()],
            environment: self.environment(setup, folder),
            log: folder.join("migrate.log"),
        };
        let mut process = Process::start(&launch);
        let status = process.ended();
        assert!(status.success(), "jobctl migrate ended with {status}:\n{}", process.log_text());
    }

    fn scheduler(&self, number: usize, setup: &Setup, folder: &Path) -> Role {
        let name = format!("scheduler-{number}");
        let arguments = ["scheduler", "run", "--listen", "127.0.0.1:0"].map(str::to_owned).to_vec();
        Role::new(&name, arguments, self.environment(setup, folder), folder)
    }

    fn host(&self, number: usize, setup: &Setup, folder: &Path) -> Role {
        let name = format!("host-{number}");
        let mut arguments =
            ["host", "run", "--listen", "127.0.0.1:0", "--name", &name].map(str::to_owned).to_vec();
        arguments.extend(["--slots".to_owned(), setup.slots.to_string()]);
        arguments.extend(["--drain-timeout".to_owned(), setup.drain_timeout.to_owned()]);
        arguments.extend(setup.flags.iter().cloned());
        Role::new(&name, arguments, self.environment(setup, folder), folder)
    }
}

fn dev(setup: &Setup, folder: &Path) -> Role {
    let data = folder.join("data");
    let arguments = ["dev", "--port", "0", "--data-dir", data.to_str().expect("a plain path")];
    let mut arguments = arguments.map(str::to_owned).to_vec();
    arguments.extend(setup.flags.iter().cloned());
    Role::new("dev", arguments, environment(setup, folder), folder)
}

/// A home of its own, the token and the relay. What is not set is passed empty, as compose files do.
fn environment(setup: &Setup, folder: &Path) -> Vec<(String, String)> {
    let home = folder.display().to_string();
    let relay = setup.relay.as_deref().unwrap_or_default();
    let from = if relay.is_empty() { "" } else { "Jobs <jobs@example.com>" };
    let variables = [
        ("HOME", home.as_str()),
        ("JOBCTL_TOKEN", setup.token.unwrap_or_default()),
        ("JOBCTL_SMTP_URL", relay),
        ("JOBCTL_MAIL_FROM", from),
    ];
    let more = setup.environment.iter().map(|(name, value)| (*name, value.as_str()));
    variables.into_iter().chain(more).map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}
