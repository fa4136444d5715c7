//! A loopback port that stays ours while nobody listens on it.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};

use tokio::net::{TcpListener, TcpSocket};

/// Waiting connections, as servers have by default.
const BACKLOG: u32 = 1024;

/// A reserved port of the loopback interface: a socket that is bound and does not listen. The kernel gives the port to
/// nobody who asks for a free one, and refuses whoever connects; whoever asks for this very port may listen on it.
#[derive(Debug)]
pub struct Port {
    address: SocketAddr,
    _reserved: TcpSocket,
}

impl Port {
    /// Reserves one. It is free again when this is dropped.
    ///
    /// # Panics
    /// When there is none, or outside a runtime.
    #[must_use]
    pub fn reserve() -> Self {
        let reserved = socket(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).expect("loopback has a free port");
        let address = reserved.local_addr().expect("it is bound");
        Self { address, _reserved: reserved }
    }

    /// Where it is.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Listens on it. When the listener is dropped, connections are refused again.
    ///
    /// # Errors
    /// When somebody else listens there.
    pub fn listen(&self) -> io::Result<TcpListener> {
        socket(self.address)?.listen(BACKLOG)
    }
}

fn socket(address: SocketAddr) -> io::Result<TcpSocket> {
    let socket = TcpSocket::new_v4()?;
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    Ok(socket)
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpStream;

    use super::*;

    #[tokio::test]
    async fn a_reserved_port_refuses_until_somebody_listens_and_again_after() {
        let port = Port::reserve();

        let before = TcpStream::connect(port.address()).await;
        let listener = TcpListener::bind(port.address()).await.expect("whoever asks for it may listen");
        let meanwhile = TcpStream::connect(port.address()).await;
        drop((listener, meanwhile.expect("somebody listens")));
        let after = TcpStream::connect(port.address()).await;
        let again = port.listen();

        assert_eq!(before.expect_err("nobody listens").kind(), io::ErrorKind::ConnectionRefused);
        assert_eq!(after.expect_err("nobody listens").kind(), io::ErrorKind::ConnectionRefused);
        assert!(again.is_ok(), "it stayed ours");
    }
}
