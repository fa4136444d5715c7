//! A peer that takes every connection and never says a word.

use std::collections::VecDeque;
use std::net::SocketAddr;

use anyhow::{Context as _, Result};
use tokio::net::TcpListener;
use tokio::sync::watch;

/// Connections that are kept open. A benchmark has few at a time; who leaves first closes its own end.
const KEPT: usize = 32;

/// A silent server on a free port of this machine. It listens as long as its runtime runs.
#[derive(Debug, Clone)]
pub struct Silence {
    address: SocketAddr,
    taken: watch::Receiver<usize>,
}

impl Silence {
    /// Starts to listen.
    ///
    /// # Errors
    /// When no port is free.
    pub async fn listen() -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await.context("find a free port")?;
        let address = listener.local_addr().context("read the port")?;
        let (count, taken) = watch::channel(0);
        tokio::spawn(async move {
            let mut kept = VecDeque::new();
            while let Ok((connection, _)) = listener.accept().await {
                kept.push_back(connection);
                if kept.len() > KEPT {
                    kept.pop_front();
                }
                count.send_modify(|count| *count += 1);
            }
        });
        Ok(Self { address, taken })
    }

    /// Host and port.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// How many connections it has taken.
    #[must_use]
    pub fn taken(&self) -> usize {
        *self.taken.borrow()
    }

    /// Waits until it has taken more than `count`.
    ///
    /// # Errors
    /// When it listens no more.
    pub async fn more_than(&self, count: usize) -> Result<()> {
        let mut taken = self.taken.clone();
        taken.wait_for(|taken| *taken > count).await.context("the silent peer is gone")?;
        Ok(())
    }
}
