//! An SMTP server that is not ours: aiosmtpd, which files what it receives into a Maildir. It takes everything from
//! everybody, or wants TLS and a password as relays out in the world do.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};
use tempfile::TempDir;
use testkit::eventually::eventually_blocking;

use crate::certificates::make_certificates;
use crate::process::{Launch, Process};
use crate::project;

/// Who may send by a guarded server, and by what password. Some of its characters are escaped in a URL.
const ACCOUNT: (&str, &str) = ("jobs", "p@ss/wört 1");

/// An SMTP server.
#[derive(Debug)]
pub struct SmtpServer {
    address: SocketAddr,
    tls: Option<Tls>,
    process: Option<Process>,
    folder: TempDir,
}

/// How a guarded server comes to TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tls {
    /// By STARTTLS, which it insists on.
    Starttls,
    /// From the first byte.
    Implicit,
}

/// A message as Python's own library reads it.
#[derive(Debug)]
pub struct Letter {
    /// Headers, decoded.
    pub subject: String,
    /// Who sent it.
    pub from: String,
    /// Who gets it.
    pub to: String,
    /// Where answers go.
    pub reply_to: Option<String>,
    /// Its id, with its angle brackets.
    pub message_id: String,
    /// By what protocol the server got it, in the words of RFC 3848: `ESMTPSA` was encrypted (S), by somebody who
    /// had shown a password (A). None: no server did.
    pub protocol: Option<String>,
    /// The `text/plain` part, decoded.
    pub text: String,
    /// The `text/html` part, decoded.
    pub html: Option<String>,
}

impl SmtpServer {
    /// Starts one on a free port of this machine.
    ///
    /// # Panics
    /// When it is not installed or does not come up.
    #[must_use]
    pub fn start() -> Self {
        let mut server = Self::away();
        server.begin();
        server
    }

    /// Starts one that takes nothing without TLS and the password of [`SmtpServer::guarded_url`]. Its certificate
    /// is of an authority of its own.
    ///
    /// # Panics
    /// When it is not installed or does not come up.
    #[must_use]
    pub fn guarded(tls: Tls) -> Self {
        let mut server = Self { tls: Some(tls), ..Self::away() };
        make_certificates(server.folder.path());
        server.begin();
        server
    }

    /// One that does not run yet.
    ///
    /// # Panics
    /// When no port is free.
    #[must_use]
    pub fn away() -> Self {
        let free = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = free.local_addr().expect("it has one");
        Self { address, tls: None, folder: tempfile::tempdir().expect("a folder"), process: None }
    }

    /// Starts it.
    ///
    /// # Panics
    /// When it is not installed or does not come up.
    pub fn begin(&mut self) {
        let guard = self.tls.map(|tls| {
            let (user, password) = ACCOUNT;
            json!({
                "implicit": tls == Tls::Implicit, "user": user, "password": password,
                "certificate": self.folder.path().join("server.pem"), "key": self.folder.path().join("server.key"),
            })
        });
        let (host, port) = (self.address.ip(), self.address.port());
        let wanted = json!({ "host": host, "port": port, "maildir": self.maildir(), "guard": guard });
        let process = self.process.insert(Process::start(&Launch {
            program: python(),
            arguments: vec!["-c".to_owned(), include_str!("smtp.py").to_owned(), wanted.to_string()],
            environment: Vec::new(),
            log: self.folder.path().join("log"),
        }));
        eventually_blocking("the SMTP server to listen", || {
            assert!(process.is_running(), "the SMTP server ended:\n{}", process.log_text());
            TcpStream::connect(self.address).ok()
        });
    }

    fn maildir(&self) -> PathBuf {
        self.folder.path().join("mail")
    }

    /// The URL of the relay, for `JOBCTL_SMTP_URL`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("smtp://{}", self.address)
    }

    /// The URL of a guarded relay, by the name in its certificate, with the user's `password` (escaped), or the right
    /// one.
    #[must_use]
    pub fn guarded_url(&self, password: Option<&str>) -> String {
        let (scheme, query) = match self.tls {
            Some(Tls::Implicit) => ("smtps", ""),
            Some(Tls::Starttls) | None => ("smtp", "?tls=required"),
        };
        let password = password.unwrap_or("p%40ss%2Fw%C3%B6rt%201");
        format!("{scheme}://{}:{password}@localhost:{}{query}", ACCOUNT.0, self.address.port())
    }

    /// The certificate of a guarded server's authority, which nobody trusts who is not told to.
    #[must_use]
    pub fn authority(&self) -> PathBuf {
        self.folder.path().join("authority.pem")
    }

    /// All it has received.
    ///
    /// # Panics
    /// When the folder cannot be read.
    #[must_use]
    pub fn letters(&self) -> Vec<Letter> {
        let new = self.maildir().join("new");
        let Ok(entries) = std::fs::read_dir(&new) else { return Vec::new() };
        entries.map(|entry| read_letter(&entry.expect("an entry").path())).collect()
    }
}

/// Reads a message file by a library that is not ours.
///
/// # Panics
/// When it is no message.
#[must_use]
pub fn read_letter(path: &Path) -> Letter {
    const READ: &str = r#"
import email, email.policy, json, sys
message = email.message_from_binary_file(open(sys.argv[1], "rb"), policy=email.policy.default)
def part(kind):
    found = message.get_body(preferencelist=(kind,))
    return None if found is None else found.get_content()
fields = {name: message[name] for name in ("subject", "from", "to", "reply-to", "message-id")}
fields = {name: None if value is None else str(value) for name, value in fields.items()}
fields["protocol"] = message["received"] and message["received"].split()[-1]
json.dump(fields | {"text": part("plain"), "html": part("html"), "defects": [str(d) for d in message.defects]}, sys.stdout)
"#;
    let output = Command::new(python()).arg("-c").arg(READ).arg(path).output().expect("python");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let fields: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(fields["defects"], serde_json::json!([]), "the message is malformed");
    let text = |name: &str| fields[name].as_str().map(str::to_owned);
    let must = |name: &str| text(name).unwrap_or_else(|| panic!("no {name}: {fields}"));
    Letter {
        subject: must("subject"),
        from: must("from"),
        to: must("to"),
        reply_to: text("reply-to"),
        message_id: must("message-id"),
        protocol: text("protocol"),
        text: must("text"),
        html: text("html"),
    }
}

fn python() -> PathBuf {
    let path = project().join(".tools/peers/bin/python");
    assert!(path.exists(), "{} is not there: `scripts/setup peers` makes it", path.display());
    path
}
