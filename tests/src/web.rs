//! A page as a browser would ask for it, with no more HTTP than that takes.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

/// What a server answered.
#[derive(Debug)]
pub struct Page {
    /// The status code.
    pub status: u16,
    /// The header lines, in lower case.
    pub head: String,
    /// The body.
    pub body: String,
}

/// Gets `path` of the server at `http://HOST:PORT`.
///
/// # Panics
/// When the server cannot be reached or speaks no HTTP.
#[must_use]
pub fn page(server: &str, path: &str) -> Page {
    page_with(server, path, "")
}

/// The same with more header lines, each ended by `\r\n`.
///
/// # Panics
/// When the server cannot be reached or speaks no HTTP.
#[must_use]
pub fn page_with(server: &str, path: &str, headers: &str) -> Page {
    let host = server.strip_prefix("http://").expect("an http:// URL").trim_end_matches('/');
    let mut stream = TcpStream::connect(host).unwrap_or_else(|e| panic!("{server}: {e}"));
    stream.set_read_timeout(Some(Duration::from_secs(30))).expect("a time-out");
    // HTTP/1.0: the answer comes whole and ends with the connection.
    write!(stream, "GET {path} HTTP/1.0\r\nHost: {host}\r\n{headers}\r\n").expect("it is sent");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).expect("it is answered");
    let answer = String::from_utf8_lossy(&answer);
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no HTTP: {answer:?}"));
    let status = head.split(' ').nth(1).and_then(|code| code.parse().ok());
    Page {
        status: status.unwrap_or_else(|| panic!("no status: {head:?}")),
        head: head.to_ascii_lowercase(),
        body: body.to_owned(),
    }
}
