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

use serde_json::Value;
use tempfile::TempDir;
use testkit::eventually::eventually_blocking;
use testkit::postgres::{Database, fresh_database};
use testkit::redis;
use tokio::runtime::Runtime;

use crate::jobctl::{Jobctl, jobctl_path};
use crate::process::{Launch, Process};

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
    /// How many attempts a host of its own runs at once.
    pub slots: usize,
    /// How long what runs may go on once a host was asked to end.
    pub drain_timeout: &'static str,
}

impl Setup {
    /// The plainest system on `footing`.
    #[must_use]
    pub fn on(footing: Footing) -> Self {
        Self { footing, relay: None, slots: 4, drain_timeout: "30s" }
    }
}

/// A running system; ended with its test.
pub struct System {
    schedulers: Vec<Role>,
    hosts: Vec<Role>,
    servers: Option<Servers>,
    runtime: Runtime,
    folder: TempDir,
}

struct Servers {
    database: Database,
    redis: redis::Server,
}

/// One process of a system.
#[derive(Debug)]
pub struct Role {
    launch: Launch,
    ports_file: PathBuf,
    process: Option<Process>,
    ports: Value,
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
                servers.migrate(folder.path());
                let schedulers = (1..=schedulers).map(|n| servers.scheduler(n, folder.path()));
                let hosts = (1..=hosts).map(|n| servers.host(n, setup, folder.path()));
                (schedulers.collect(), hosts.collect(), Some(servers))
            }
        };
        let mut system = Self { schedulers, hosts, servers, runtime, folder };
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
        Jobctl::at(self.schedulers[scheduler].api())
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
            let asked = self.schedulers.iter().find(|role| role.process.is_some()).expect("one runs");
            let status = Jobctl::at(asked.api()).json(&["status"]);
            let leader = status["schedulers"].as_array()?.iter().find(|one| one["leading"] == true)?.clone();
            self.schedulers.iter().position(|role| role.process.is_some() && leader["address"] == role.api())
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
        if let Some(servers) = &mut self.servers {
            self.runtime.block_on(servers.redis.restart());
        }
        self.start_all();
    }

    /// Asks all processes to end (SIGTERM), all at once, and waits until they have.
    ///
    /// # Panics
    /// When one does not end with success.
    pub fn stop(&mut self) {
        for role in self.roles() {
            if let Some(process) = &role.process {
                process.ask_to_end();
            }
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

    /// How many components the hosts have compiled since they started, each host's count for itself.
    ///
    /// # Panics
    /// When one does not answer.
    #[must_use]
    pub fn components_compiled(&self) -> Vec<u64> {
        let status = self.jobctl().json(&["status"]);
        let hosts = status["hosts"].as_array().unwrap_or_else(|| panic!("{status}"));
        let address =
            |host: &Value| host["address"].as_str().unwrap_or_else(|| panic!("{status}")).to_owned();
        hosts.iter().map(|host| self.runtime.block_on(compiled(&address(host)))).collect()
    }

    /// The folder of the system's own data; in it, `data` is that of `jobctl dev`.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    fn roles(&mut self) -> impl Iterator<Item = &mut Role> {
        self.schedulers.iter_mut().chain(&mut self.hosts)
    }
}

async fn compiled(address: &str) -> u64 {
    let dialer = rpc::HostDialer { token: None, timeout: Duration::from_secs(10) };
    let mut host = dialer.dial(address).await.unwrap_or_else(|e| panic!("{address}: {e}"));
    let status = host.host_status(rpc::v1::HostStatusRequest {}).await;
    status.unwrap_or_else(|e| panic!("{address}: {e}")).into_inner().components_compiled
}

impl Drop for System {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            return;
        }
        let mut text = String::new();
        for role in self.roles() {
            text.push_str(&format!("\n==== {}\n{}", role.launch.log.display(), tail(&role.launch.log)));
        }
        // The test has failed already; when its standard error is gone there is nobody to tell.
        let _ = std::io::stderr().write_all(text.as_bytes());
    }
}

/// The last lines of a log: enough to see why.
fn tail(log: &Path) -> String {
    const LINES: usize = 80;
    let text = std::fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<_> = text.lines().collect();
    lines[lines.len().saturating_sub(LINES)..].join("\n")
}

impl Role {
    /// Asks it to end (SIGTERM) and waits until it has, with success.
    ///
    /// # Panics
    /// When it does not, or does not run.
    pub fn terminate(&mut self) {
        self.process.as_ref().expect("it runs").ask_to_end();
        self.ended();
    }

    /// Ends it as a crash would.
    ///
    /// # Panics
    /// When it does not run.
    pub fn kill(&mut self) {
        self.process.take().expect("it runs").kill();
    }

    /// Starts it again on the same data, and waits until it is ready.
    ///
    /// # Panics
    /// When it does not come up.
    pub fn start(&mut self) {
        self.begin();
        self.ready();
    }

    /// What its ports file said last.
    #[must_use]
    pub fn ports(&self) -> &Value {
        &self.ports
    }

    /// What it has printed since its system was made.
    #[must_use]
    pub fn log_text(&self) -> String {
        std::fs::read_to_string(&self.launch.log).unwrap_or_default()
    }

    fn api(&self) -> &str {
        assert!(self.process.is_some(), "it does not run");
        self.ports["api"].as_str().unwrap_or_else(|| panic!("no `api` in {}", self.ports))
    }

    fn begin(&mut self) {
        if self.process.is_none() {
            // It is there only if this process never ran.
            let _ = std::fs::remove_file(&self.ports_file);
            self.process = Some(Process::start(&self.launch));
        }
    }

    fn ready(&mut self) {
        let process = self.process.as_mut().expect("it was started");
        let text = eventually_blocking("the ports file of a process", || {
            let text = std::fs::read_to_string(&self.ports_file).ok();
            assert!(text.is_some() || process.is_running(), "it ended:\n{}", process.log_text());
            text
        });
        self.ports = serde_json::from_str(&text).unwrap_or_else(|e| panic!("{e}: {text}"));
    }

    fn ended(&mut self) {
        if let Some(mut process) = self.process.take() {
            let status = process.ended();
            assert!(status.success(), "{} ended with {status}", self.launch.log.display());
        }
    }
}

impl Servers {
    fn environment(&self, folder: &Path) -> Vec<(String, String)> {
        let mut environment = environment(folder);
        environment.push(("JOBCTL_DATABASE_URL".to_owned(), self.database.url.clone()));
        environment.push(("JOBCTL_REDIS_URL".to_owned(), self.redis.url()));
        environment
    }

    fn migrate(&self, folder: &Path) {
        let launch = Launch {
            program: jobctl_path(),
            arguments: vec!["migrate".to_owned()],
            environment: self.environment(folder),
            log: folder.join("migrate.log"),
        };
        let mut process = Process::start(&launch);
        let status = process.ended();
        assert!(status.success(), "jobctl migrate ended with {status}:\n{}", process.log_text());
    }

    fn scheduler(&self, number: usize, folder: &Path) -> Role {
        let name = format!("scheduler-{number}");
        let arguments = ["scheduler", "run", "--listen", "127.0.0.1:0"].map(str::to_owned).to_vec();
        role(&name, arguments, self.environment(folder), folder)
    }

    fn host(&self, number: usize, setup: &Setup, folder: &Path) -> Role {
        let name = format!("host-{number}");
        let mut arguments =
            ["host", "run", "--listen", "127.0.0.1:0", "--name", &name].map(str::to_owned).to_vec();
        arguments.extend(["--slots".to_owned(), setup.slots.to_string()]);
        arguments.extend(["--drain-timeout".to_owned(), setup.drain_timeout.to_owned()]);
        let mut environment = self.environment(folder);
        environment.extend(relay(setup));
        role(&name, arguments, environment, folder)
    }
}

fn dev(setup: &Setup, folder: &Path) -> Role {
    let data = folder.join("data");
    let arguments = ["dev", "--port", "0", "--data-dir", data.to_str().expect("a plain path")];
    let mut environment = environment(folder);
    environment.extend(relay(setup));
    role("dev", arguments.map(str::to_owned).to_vec(), environment, folder)
}

fn role(name: &str, mut arguments: Vec<String>, environment: Vec<(String, String)>, folder: &Path) -> Role {
    let ports_file = folder.join(name).with_extension("ports.json");
    arguments.extend(["--ports-file".to_owned(), ports_file.display().to_string()]);
    if name != "dev" {
        arguments.extend(["--cache-dir".to_owned(), folder.join(name).join("cache").display().to_string()]);
    }
    let launch = Launch {
        program: jobctl_path(),
        arguments,
        environment,
        log: folder.join(name).with_extension("log"),
    };
    Role { launch, ports_file, process: None, ports: Value::Null }
}

/// A home of its own, and what a compose file passes that says nothing.
fn environment(folder: &Path) -> Vec<(String, String)> {
    let home = folder.display().to_string();
    [("HOME", home.as_str()), ("JOBCTL_TOKEN", ""), ("JOBCTL_SMTP_URL", "")]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .to_vec()
}

fn relay(setup: &Setup) -> Vec<(String, String)> {
    let Some(url) = &setup.relay else { return Vec::new() };
    let from = "Jobs <jobs@example.com>".to_owned();
    vec![("JOBCTL_SMTP_URL".to_owned(), url.clone()), ("JOBCTL_MAIL_FROM".to_owned(), from)]
}
