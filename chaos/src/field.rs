//! The system that is broken: schedulers, hosts, PostgreSQL, Redis, a sink, and a link in every line between them.
//!
//! ```text
//!   load ──► schedulers ──link──► PostgreSQL, Redis ◄──link── hosts ──► sink
//!                 └──────────────link (control)──────────────►┘
//! ```

use std::net::SocketAddr;
use std::path::Path;

use history::{Event, Journal, Truth, now_us};
use stories::{Jobctl, Launch, Process, Role, jobctl_path};
use tempfile::TempDir;
use testkit::eventually::eventually_blocking;
use testkit::link::Link;
use testkit::port::Port;
use tokio::runtime::{Handle, Runtime};

use crate::guest;
use crate::load::{Load, LoadPlan, Work};
use crate::member::Member;
use crate::servers::{Postgres, Redis};
use crate::sink::Sink;
use crate::truth::truth;

/// How large a field is. What is not said here is as users have it by default.
#[derive(Debug, Clone)]
pub struct Setup {
    /// How many schedulers.
    pub schedulers: usize,
    /// How many hosts.
    pub hosts: usize,
    /// How many attempts each host runs at once.
    pub slots: usize,
    /// More flags of every host.
    pub host_flags: Vec<String>,
}

impl Default for Setup {
    /// Slots for 2,000 jobs of 50 to 200 ms within some ten seconds.
    fn default() -> Self {
        Self { schedulers: 2, hosts: 3, slots: 8, host_flags: Vec::new() }
    }
}

/// A running system of its own; ended when dropped.
pub struct Field {
    // In the order in which they end.
    schedulers: Vec<Member>,
    hosts: Vec<Member>,
    ports: Vec<Port>,
    sink: Sink,
    redis: Redis,
    postgres: Postgres,
    journal: Journal,
    runtime: Runtime,
    folder: TempDir,
}

impl Field {
    /// Starts one, with the task `touch` published. What its sink sees and its loads are told goes into `journal`.
    ///
    /// # Panics
    /// When it does not come up, or something was not built.
    #[must_use]
    pub fn start(setup: &Setup, journal: &Journal) -> Self {
        let folder = tempfile::Builder::new().prefix("jobctl-chaos-").tempdir().expect("a folder");
        let runtime = Runtime::new().expect("a runtime");
        let (postgres, redis) = (Postgres::start(runtime.handle()), Redis::start(runtime.handle()));
        let sink = runtime.block_on(Sink::start(journal.clone()));
        let mut field = Self {
            schedulers: Vec::new(),
            hosts: Vec::new(),
            ports: Vec::new(),
            sink,
            redis,
            postgres,
            journal: journal.clone(),
            runtime,
            folder,
        };
        field.migrate();
        field.schedulers = (1..=setup.schedulers).map(|number| field.make_scheduler(number)).collect();
        field.hosts = (1..=setup.hosts).map(|number| field.make_host(number, setup)).collect();
        field.start_all();
        let _ = field.leader();
        field.publish();
        field.warm_up(setup);
        field
    }

    /// One of the schedulers, from 0.
    pub fn scheduler(&mut self, index: usize) -> &mut Member {
        &mut self.schedulers[index]
    }

    /// One of the hosts, from 0.
    pub fn host(&mut self, index: usize) -> &mut Member {
        &mut self.hosts[index]
    }

    /// All schedulers.
    pub fn schedulers(&mut self) -> &mut [Member] {
        &mut self.schedulers
    }

    /// All hosts.
    pub fn hosts(&mut self) -> &mut [Member] {
        &mut self.hosts
    }

    /// Schedulers and hosts.
    pub fn members(&mut self) -> impl Iterator<Item = &mut Member> {
        self.schedulers.iter_mut().chain(&mut self.hosts)
    }

    /// The index of the scheduler whose term is running now, by the database.
    ///
    /// # Panics
    /// When the database does not answer.
    #[must_use]
    pub fn leading(&self) -> Option<usize> {
        let address = self.postgres.query("select address from leader where expires_at > now()").pop()?;
        self.schedulers.iter().enumerate().position(|(index, _)| self.api(index) == address)
    }

    /// The same, once there is one.
    ///
    /// # Panics
    /// When nobody leads within a minute.
    #[must_use]
    pub fn leader(&self) -> usize {
        eventually_blocking("a leader", || self.leading())
    }

    /// A scheduler that does not lead.
    ///
    /// # Panics
    /// When there is only one.
    #[must_use]
    pub fn follower(&self) -> usize {
        let leader = self.leader();
        (0..self.schedulers.len()).find(|index| *index != leader).expect("there are two")
    }

    /// The URL of a scheduler's API, the same over restarts, whether it runs or not.
    #[must_use]
    pub fn api(&self, scheduler: usize) -> String {
        format!("http://{}", self.ports[scheduler].address())
    }

    /// `jobctl` pointed at the first scheduler.
    #[must_use]
    pub fn jobctl(&self) -> Jobctl {
        self.jobctl_at(0)
    }

    /// `jobctl` pointed at one of the schedulers.
    #[must_use]
    pub fn jobctl_at(&self, scheduler: usize) -> Jobctl {
        Jobctl::at(&self.api(scheduler))
    }

    /// A connection to the API of a scheduler, made at the first call. It needs [`Self::runtime`].
    ///
    /// # Panics
    /// Never: the URL is one.
    #[must_use]
    pub fn client(&self, scheduler: usize) -> rpc::Client {
        let _inside = self.runtime.enter();
        crate::calls::client(&self.api(scheduler))
    }

    /// The open session of a host, by the database.
    ///
    /// # Panics
    /// When the database does not answer.
    #[must_use]
    pub fn session(&self, host: usize) -> Option<i64> {
        let name = self.hosts[host].name();
        let sql = format!("select max(id) from host_sessions where name = '{name}' and closed_at is null");
        self.postgres.query(&sql).pop().and_then(|id| id.parse().ok())
    }

    /// PostgreSQL.
    pub fn postgres(&mut self) -> &mut Postgres {
        &mut self.postgres
    }

    /// Redis.
    pub fn redis(&mut self) -> &mut Redis {
        &mut self.redis
    }

    /// The server outside that counts executions.
    #[must_use]
    pub fn sink(&self) -> &Sink {
        &self.sink
    }

    /// What the database answers, past all links: a line for each row, columns parted by `|`.
    ///
    /// # Panics
    /// When it refuses or is not there.
    #[must_use]
    pub fn query(&self, sql: &str) -> Vec<String> {
        self.postgres.query(sql)
    }

    /// The one number that the database answers.
    ///
    /// # Panics
    /// When it answers anything else.
    #[must_use]
    pub fn number(&self, sql: &str) -> u64 {
        let rows = self.query(sql);
        rows.first().and_then(|row| row.parse().ok()).unwrap_or_else(|| panic!("{sql}: {rows:?}"))
    }

    /// What carries links, sink and loads; for calls of one's own.
    #[must_use]
    pub fn runtime(&self) -> &Handle {
        self.runtime.handle()
    }

    /// The folder of all logs and caches. Those of a role are `NAME.log` and `NAME/cache`.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Starts all processes that do not run.
    ///
    /// # Panics
    /// When one does not come up.
    pub fn start_all(&mut self) {
        for member in self.members() {
            member.begin();
        }
        for member in self.members() {
            member.ready();
        }
    }

    /// Makes everything whole: lines good, nothing frozen, everything up, and no schedule that fires.
    ///
    /// # Panics
    /// When something does not come up.
    pub fn heal(&mut self) {
        self.postgres.thaw();
        self.postgres.start_again();
        self.redis.thaw();
        if !self.redis.answers() {
            self.redis.restart_with(&[]);
        }
        // Those of a stage that broke off.
        self.postgres
            .execute("update schedules set deleted_at = now(), look_at = null where deleted_at is null");
        for member in self.members() {
            member.pass();
            if member.is_running() {
                member.thaw();
            }
        }
        self.start_all();
    }

    pub(crate) fn load(&self, plan: LoadPlan) -> Load {
        let servers: Vec<_> = (0..self.schedulers.len()).map(|index| self.api(index)).collect();
        self.load_at(plan, &servers)
    }

    /// A load on servers of a stage's own. How many of its jobs have ended this field's database does not know.
    pub(crate) fn load_at(&self, plan: LoadPlan, servers: &[String]) -> Load {
        let url = self.sink.url();
        Load::begin(plan, servers, url, self.postgres.url(), &self.journal, self.runtime.handle())
    }

    /// Publishes the task that loads are made of.
    fn publish(&self) {
        self.jobctl().publish(&guest::component(), &["--allow-http", &self.sink.place()]);
    }

    /// All jobs that were stored since, and everything about them.
    pub(crate) fn truth(&self, since_us: i64) -> Truth {
        truth(&self.postgres, since_us)
    }

    /// Runs a few jobs on every slot: what a process holds for good it holds then, and code is compiled. For the
    /// history this is a trial without a fault.
    fn warm_up(&self, setup: &Setup) {
        let since_us = now_us();
        self.journal.begin("field");
        let work = Work { sleep_ms: 20..=20, ..Work::default() };
        let jobs = 3 * setup.hosts * setup.slots;
        let load = self.load(LoadPlan { jobs, work, ..LoadPlan::default() });
        load.until_asked();
        load.until_ended(jobs);
        self.journal.record(Event::Truth(self.truth(since_us)));
    }

    fn migrate(&self) {
        let launch = Launch {
            program: jobctl_path(),
            arguments: vec!["migrate".to_owned()],
            environment: self.environment(self.postgres.address(), self.redis.address()),
            log: self.folder().join("migrate.log"),
        };
        let mut process = Process::start(&launch);
        let status = process.ended();
        assert!(status.success(), "jobctl migrate ended with {status}:\n{}", process.log_text());
    }

    fn environment(&self, postgres: SocketAddr, redis: SocketAddr) -> Vec<(String, String)> {
        let variables = [
            ("HOME", self.folder().display().to_string()),
            ("JOBCTL_DATABASE_URL", self.postgres.url_at(postgres)),
            ("JOBCTL_REDIS_URL", format!("redis://{redis}")),
        ];
        variables.map(|(name, value)| (name.to_owned(), value)).to_vec()
    }

    fn make_scheduler(&mut self, number: usize) -> Member {
        let name = format!("scheduler-{number}");
        let (database, redis, port) = self.lines();
        let listen = port.address().to_string();
        let arguments = ["scheduler", "run", "--listen", &listen].map(str::to_owned).to_vec();
        let environment = self.environment(database.address(), redis.address());
        let role = Role::new(&name, arguments, environment, self.folder());
        self.ports.push(port);
        Member::new(name, role, database, redis, None)
    }

    fn make_host(&mut self, number: usize, setup: &Setup) -> Member {
        let name = format!("host-{number}");
        let (database, redis, port) = self.lines();
        let control = {
            let _inside = self.runtime.enter();
            Link::to(port.address())
        };
        let (listen, slots) = (port.address().to_string(), setup.slots.to_string());
        let advertise = format!("http://{}", control.address());
        let arguments = ["host", "run", "--name", &name, "--listen", &listen, "--advertise", &advertise];
        let mut arguments = arguments.map(str::to_owned).to_vec();
        arguments.extend(["--slots".to_owned(), slots]);
        arguments.extend(setup.host_flags.iter().cloned());
        let environment = self.environment(database.address(), redis.address());
        let role = Role::new(&name, arguments, environment, self.folder());
        self.ports.push(port);
        Member::new(name, role, database, redis, Some(control))
    }

    /// Links of a role's own, and a port to listen on.
    fn lines(&self) -> (Link, Link, Port) {
        let _inside = self.runtime.enter();
        (Link::to(self.postgres.address()), Link::to(self.redis.address()), Port::reserve())
    }
}
