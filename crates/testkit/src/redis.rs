//! A private Redis server: it keeps nothing on disk, so a restart finds it empty.

use std::net::SocketAddr;
use std::path::PathBuf;

use rustix::process::Signal;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::server::{Launch, Process, free_port};

/// How many ports are tried before giving up: each miss needs somebody else to take the very same port.
const PORTS_MAX: usize = 20;

/// A running Redis on a loopback port of its own; ended when dropped.
pub struct Server {
    port: u16,
    folder: TempDir,
    process: Process,
    flags: Vec<String>,
}

impl Server {
    /// Starts one.
    ///
    /// # Panics
    /// When there is no `redis-server` to start; `scripts/setup redis` installs it.
    pub async fn start() -> Self {
        let folder = TempDir::with_prefix("redis-").expect("a temporary folder");
        for _ in 0..PORTS_MAX {
            let port = free_port();
            if let Some(process) = launch(&folder, port, &[]).await {
                return Self { port, folder, process, flags: Vec::new() };
            }
        }
        let log = std::fs::read_to_string(folder.path().join("log")).unwrap_or_default();
        panic!("redis-server did not start (scripts/setup redis installs it):\n{log}");
    }

    /// Where it listens.
    #[must_use]
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// The port it listens on, and will after a restart.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Asks it to end, and waits until it did.
    pub async fn stop(&mut self) {
        self.process.end(Signal::TERM).await;
    }

    /// Kills it as a crash would, and waits until it is gone.
    pub async fn kill(&mut self) {
        self.process.end(Signal::KILL).await;
    }

    /// Starts it again, empty, on the same port; first ends it when it still runs.
    ///
    /// # Panics
    /// When somebody else took the port and keeps it.
    pub async fn restart(&mut self) {
        self.kill().await;
        for _ in 0..PORTS_MAX {
            if let Some(process) = launch(&self.folder, self.port, &self.flags).await {
                self.process = process;
                return;
            }
        }
        panic!("port {} was taken while redis-server was down", self.port);
    }

    /// More of its flags from its next start on, as in `["--maxmemory", "1mb"]`.
    pub fn set_flags(&mut self, flags: &[&str]) {
        self.flags = flags.iter().map(|&flag| flag.to_owned()).collect();
    }

    /// Stops its process where it stands: connections stay open, nothing is answered.
    pub fn freeze(&mut self) {
        self.process.signal(Signal::STOP);
    }

    /// Lets it go on.
    pub fn thaw(&mut self) {
        self.process.signal(Signal::CONT);
    }
}

/// The server, once it answers; none when it ended because somebody else has the port.
async fn launch(folder: &TempDir, port: u16, flags: &[String]) -> Option<Process> {
    let arguments: [(&str, &str); 7] = [
        ("--bind", "127.0.0.1"),
        ("--port", &port.to_string()),
        ("--dir", &folder.path().to_string_lossy()),
        ("--save", ""),
        ("--appendonly", "no"),
        ("--enable-debug-command", "yes"),
        ("--daemonize", "no"),
    ];
    let mut process = Process::start(&Launch {
        program: PathBuf::from("redis-server"),
        arguments: arguments
            .iter()
            .flat_map(|(name, value)| [(*name).to_owned(), (*value).to_owned()])
            .chain(flags.iter().cloned())
            .collect(),
        user: None,
        log: folder.path().join("log"),
        end: Signal::KILL,
    });
    // Somebody else's server on the port would answer too: ask it who it is.
    let wanted = format!("process_id:{}\r\n", process.id());
    let answers = process.until("redis-server to answer", async || info(port).await.contains(&wanted)).await;
    answers.then_some(process)
}

/// What the server on `port` tells about itself; empty when it tells nothing.
async fn info(port: u16) -> String {
    let mut seen = String::new();
    let address = SocketAddr::from(([127, 0, 0, 1], port));
    if let Ok(mut stream) = TcpStream::connect(address).await
        && stream.write_all(b"INFO\r\nQUIT\r\n").await.is_ok()
    {
        // What was read until an error is judged all the same.
        let _ = stream.read_to_string(&mut seen).await;
    }
    seen
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_private_redis_comes_back_empty_on_its_port() {
        let mut server = Server::start().await;
        let (port, first) = (server.port(), server.process.id());
        assert!(info(port).await.contains("redis_version"));

        server.kill().await;
        assert_eq!(info(port).await, "");

        server.restart().await;
        assert_eq!(server.port(), port);
        assert!(info(port).await.contains("redis_version"));
        assert_ne!(server.process.id(), first);
    }

    #[tokio::test]
    async fn a_private_redis_takes_flags_from_its_next_start_on() {
        let mut server = Server::start().await;
        let before = info(server.port()).await;

        server.set_flags(&["--maxmemory", "3mb"]);
        server.restart().await;
        let after = info(server.port()).await;

        assert!(before.contains("\r\nmaxmemory:0\r\n"), "{before}");
        assert!(after.contains("\r\nmaxmemory:3145728\r\n"), "{after}");
    }
}
