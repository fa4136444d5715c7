//! The field's own PostgreSQL and Redis, as a story handles them.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use testkit::postgres::{self, Database, Settings};
use testkit::redis;
use tokio::runtime::Handle;

/// PostgreSQL, with commits that wait for the disk.
pub struct Postgres {
    // In the order in which they end.
    database: Database,
    server: postgres::Server,
    runtime: Handle,
}

impl Postgres {
    pub(crate) fn start(runtime: &Handle) -> Self {
        let settings = Settings { fsync: true, ..Settings::default() };
        let (server, database) = runtime.block_on(async {
            let server = postgres::Server::start_with(settings).await;
            let database = server.fresh_database().await;
            (server, database)
        });
        Self { database, server, runtime: runtime.clone() }
    }

    /// The database, past all links.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.database.url
    }

    /// The same at another address.
    #[must_use]
    pub fn url_at(&self, address: SocketAddr) -> String {
        self.url().replace(&format!("127.0.0.1:{}", self.server.port()), &address.to_string())
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], self.server.port()))
    }

    /// How it is set up from its next start on.
    pub fn settings(&mut self) -> &mut Settings {
        self.server.settings()
    }

    /// Ends it in order.
    ///
    /// # Panics
    /// When it does not end.
    pub fn stop(&mut self) {
        self.runtime.block_on(self.server.stop());
    }

    /// Ends it at once, as a crash would (immediate mode); recovery comes with the next start.
    ///
    /// # Panics
    /// When it does not end.
    pub fn kill(&mut self) {
        self.runtime.block_on(self.server.kill());
    }

    /// Starts it again on the same port and data; nothing when it runs.
    ///
    /// # Panics
    /// When it does not start.
    pub fn start_again(&mut self) {
        self.runtime.block_on(self.server.start_again());
    }

    /// Restarts it in immediate mode.
    ///
    /// # Panics
    /// When it does not end or start.
    pub fn restart(&mut self) {
        self.runtime.block_on(self.server.restart());
    }

    /// Lets it stand still, connections open and silent.
    pub fn freeze(&mut self) {
        self.server.freeze();
    }

    /// Lets it go on.
    pub fn thaw(&mut self) {
        self.server.thaw();
    }

    /// Runs statements with the rights of a superuser, past all links, and tells the rows as lines, columns parted by
    /// `|`.
    ///
    /// # Panics
    /// When the server refuses them.
    #[must_use]
    pub fn query(&self, sql: &str) -> Vec<String> {
        self.runtime.block_on(self.database.execute(sql))
    }

    /// The same where nothing is answered.
    ///
    /// # Panics
    /// When the server refuses them.
    pub fn execute(&self, sql: &str) {
        let _ = self.query(sql);
    }

    /// The same where a refusal is an answer.
    ///
    /// # Errors
    /// With the server's words, when it refuses them or is not there.
    pub fn try_query(&self, sql: &str) -> Result<Vec<String>, String> {
        self.runtime.block_on(self.database.try_execute(sql))
    }

    /// What it printed so far.
    #[must_use]
    pub fn log_text(&self) -> String {
        self.server.log_text()
    }
}

/// Redis, which keeps nothing on disk.
pub struct Redis {
    server: redis::Server,
    runtime: Handle,
}

impl Redis {
    pub(crate) fn start(runtime: &Handle) -> Self {
        Self { server: runtime.block_on(redis::Server::start()), runtime: runtime.clone() }
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], self.server.port()))
    }

    /// Kills it. Harmless when it does not run.
    pub fn kill(&mut self) {
        self.runtime.block_on(self.server.kill());
    }

    /// Starts it again, empty, on the same port; first ends it when it still runs.
    ///
    /// # Panics
    /// When it does not start.
    pub fn restart(&mut self) {
        self.runtime.block_on(self.server.restart());
    }

    /// The same with more flags, as in `["--maxmemory", "1mb", "--maxmemory-policy", "noeviction"]`; an empty list
    /// takes them away again.
    ///
    /// # Panics
    /// When it does not start.
    pub fn restart_with(&mut self, flags: &[&str]) {
        self.server.set_flags(flags);
        self.restart();
    }

    /// Stops its process where it stands: connections stay open, nothing is answered.
    pub fn freeze(&mut self) {
        self.server.freeze();
    }

    /// Lets it go on.
    pub fn thaw(&mut self) {
        self.server.thaw();
    }

    /// Whether it answers.
    #[must_use]
    pub fn answers(&self) -> bool {
        TcpStream::connect(self.address()).is_ok()
    }

    /// Says one command, past all links, and returns the answer as it came over the wire (RESP): `+OK`, `:3`, or a bulk
    /// text with its head. What is longer than a read is cut.
    ///
    /// # Panics
    /// When it cannot be reached.
    pub fn command<A: AsRef<[u8]>>(&self, arguments: &[A]) -> Vec<u8> {
        let mut stream = TcpStream::connect(self.address()).expect("Redis can be reached");
        stream.set_read_timeout(Some(Duration::from_secs(10))).expect("a time-out");
        let mut said = format!("*{}\r\n", arguments.len()).into_bytes();
        for argument in arguments.iter().map(AsRef::as_ref) {
            said.extend(format!("${}\r\n", argument.len()).into_bytes());
            said.extend([argument, b"\r\n"].concat());
        }
        said.extend(b"*1\r\n$4\r\nQUIT\r\n");
        stream.write_all(&said).expect("it is said");
        let mut answer = Vec::new();
        // The connection ends with the answer to QUIT.
        stream.read_to_end(&mut answer).expect("it is answered");
        answer.truncate(answer.len().saturating_sub(b"+OK\r\n".len()));
        answer
    }
}
