//! Servers that are called by tasks: one of HTTP that says what it was told to and remembers what it was asked, and
//! one of HTTPS that is not ours.

use std::io::{BufRead, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;
use testkit::eventually::eventually_blocking;

use crate::certificates::make_certificates;
use crate::process::{Launch, Process};

/// An HTTP server on a free port of this machine.
#[derive(Debug)]
pub struct Receiver {
    address: SocketAddr,
    received: Arc<Mutex<Vec<Received>>>,
}

/// A request.
#[derive(Debug, Clone)]
pub struct Received {
    /// When it was there as a whole.
    pub at: Instant,
    /// As in `POST /hook HTTP/1.1`.
    pub line: String,
    /// Names and values.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: String,
}

impl Receiver {
    /// One that answers the n-th request by the n-th of `answers`, and more than there are by the last: each
    /// begins with its status, as in `503 Busy\r\nRetry-After: 2\r\n\r\nlater`.
    ///
    /// # Panics
    /// When no port is free.
    #[must_use]
    pub fn saying(answers: &[&str]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("it has one");
        let received: Arc<Mutex<Vec<Received>>> = Arc::default();
        let kept = Arc::clone(&received);
        let answers: Vec<_> = answers.iter().map(|&answer| answer.to_owned()).collect();
        thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.expect("a connection");
                let request = read(&stream);
                let mut all = kept.lock().expect("nobody panics with it");
                let answer = &answers[all.len().min(answers.len() - 1)];
                all.push(request);
                drop(all);
                // Whoever asked may be gone. The end of the connection is the end of the answer.
                let _ = write!(stream, "HTTP/1.1 {answer}");
            }
        });
        Self { address, received }
    }

    /// Host and port, as they are granted.
    #[must_use]
    pub fn place(&self) -> String {
        self.address.to_string()
    }

    /// The port alone.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// The URL of `path` there.
    #[must_use]
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// All it was asked, in its order.
    ///
    /// # Panics
    /// Never: its server does not panic while it keeps one.
    #[must_use]
    pub fn received(&self) -> Vec<Received> {
        self.received.lock().expect("nobody panics with it").clone()
    }
}

impl Received {
    /// The value of this header.
    ///
    /// # Panics
    /// When it stands there more than once.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut values = self.headers.iter().filter(|(known, _)| known.eq_ignore_ascii_case(name));
        let (_, value) = values.next()?;
        assert!(values.next().is_none(), "{name} stands there twice: {self:?}");
        Some(value)
    }
}

fn read(stream: &TcpStream) -> Received {
    stream.set_read_timeout(Some(Duration::from_secs(30))).expect("a time-out");
    let mut reader = BufReader::new(stream);
    let mut next_line = || {
        let mut line = String::new();
        reader.read_line(&mut line).expect("a line of the head");
        line.trim_end().to_owned()
    };
    let line = next_line();
    let mut headers = Vec::new();
    let mut length = 0;
    loop {
        let header = next_line();
        if header.is_empty() {
            break;
        }
        let (name, value) = header.split_once(": ").unwrap_or_else(|| panic!("no header: {header:?}"));
        if name.eq_ignore_ascii_case("content-length") {
            length = value.parse().expect("a length");
        }
        headers.push((name.to_owned(), value.to_owned()));
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).expect("the whole body");
    Received { at: Instant::now(), line, headers, body: String::from_utf8(body).expect("the body is text") }
}

/// An HTTPS server at `localhost`, Python's own over OpenSSL. It answers every `POST` by its body. Its certificate is
/// of an authority that nobody trusts who is not told to.
#[derive(Debug)]
pub struct TlsReceiver {
    port: u64,
    process: Process,
    folder: TempDir,
}

impl TlsReceiver {
    /// Starts one on a free port of this machine.
    ///
    /// # Panics
    /// When Python or OpenSSL is not installed, or it does not come up.
    #[must_use]
    pub fn start() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        make_certificates(folder.path());
        let wanted = json!({
            "certificate": folder.path().join("server.pem"), "key": folder.path().join("server.key"),
        });
        let mut process = Process::start(&Launch {
            program: PathBuf::from("python3"),
            arguments: vec!["-c".to_owned(), include_str!("receiver.py").to_owned(), wanted.to_string()],
            environment: Vec::new(),
            log: folder.path().join("log"),
        });
        let port = eventually_blocking("the HTTPS server to listen", || {
            assert!(process.is_running(), "the HTTPS server ended:\n{}", process.log_text());
            said(&process).first()?["port"].as_u64()
        });
        Self { port, process, folder }
    }

    /// Host and port, as they are granted.
    #[must_use]
    pub fn place(&self) -> String {
        format!("localhost:{}", self.port)
    }

    /// The URL of `path` there.
    #[must_use]
    pub fn url(&self, path: &str) -> String {
        format!("https://{}{path}", self.place())
    }

    /// The certificate of its authority.
    #[must_use]
    pub fn authority(&self) -> PathBuf {
        self.folder.path().join("authority.pem")
    }

    /// All it was asked: an object each, with `path`, `headers` and `body`.
    #[must_use]
    pub fn received(&self) -> Vec<Value> {
        said(&self.process).into_iter().filter(|line| line["path"].is_string()).collect()
    }
}

/// Its whole lines that are JSON: what it prints of itself, not what Python says of connections that broke off.
fn said(process: &Process) -> Vec<Value> {
    process.log_text().lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
}
