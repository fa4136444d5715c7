//! What connections a process has, by the kernel's own book.

use std::fs;

/// An open connection in `/proc/net/tcp`.
const ESTABLISHED: &str = "01";

/// Whether the process has an open TCP connection to `port` of an IPv4 address.
#[must_use]
pub fn is_connected(pid: u32, port: u16) -> bool {
    let table = fs::read_to_string(format!("/proc/{pid}/net/tcp")).unwrap_or_default();
    let sockets: Vec<String> = fs::read_dir(format!("/proc/{pid}/fd"))
        .into_iter()
        .flatten()
        .filter_map(|entry| fs::read_link(entry.ok()?.path()).ok()?.into_os_string().into_string().ok())
        .collect();
    table.lines().skip(1).any(|line| {
        let columns: Vec<&str> = line.split_whitespace().collect();
        let [_, _, remote, state, _, _, _, _, _, inode, ..] = columns[..] else { return false };
        state == ESTABLISHED
            && remote.ends_with(&format!(":{port:04X}"))
            && sockets.contains(&format!("socket:[{inode}]"))
    })
}

#[cfg(test)]
mod tests {
    use std::net::{TcpListener, TcpStream};

    use super::*;

    #[test]
    fn an_open_connection_is_seen_until_it_is_closed() {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
        let port = listener.local_addr().expect("it is bound").port();
        let pid = std::process::id();
        assert!(!is_connected(pid, port));

        let stream = TcpStream::connect(("127.0.0.1", port)).expect("it listens");
        assert!(is_connected(pid, port));

        drop(stream);
        assert!(!is_connected(pid, port));
    }
}
