//! One way of a connection: reads, holds back what is to come later, writes.

use std::collections::VecDeque;
use std::io;
use std::sync::atomic::Ordering;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::time::{Instant, sleep_until};

use super::{Manner, Shared, Way};

/// Read at once.
const CHUNK: usize = 32 << 10;

/// Held back at the most; then it is not read on, as by a network whose buffers are full.
const HELD_MAX: usize = 4 << 20;

/// One way of one connection.
pub(super) struct Pump<'a> {
    link: &'a Shared,
    way: Way,
    /// What was read and is not written, with the moment when it may be.
    held: VecDeque<(Instant, Vec<u8>)>,
    bytes: usize,
}

impl<'a> Pump<'a> {
    pub(super) fn new(link: &'a Shared, way: Way) -> Self {
        Self { link, way, held: VecDeque::new(), bytes: 0 }
    }

    /// Until the one end has said all and the other has heard it.
    pub(super) async fn run(mut self, mut from: ReadHalf<'_>, mut to: WriteHalf<'_>) -> io::Result<()> {
        let mut lines = self.link.line.subscribe();
        let mut buffer = vec![0; CHUNK];
        let mut ended = false;
        loop {
            let Manner { silent, .. } = lines.borrow_and_update().manner(self.way);
            if !silent {
                self.write_due(&mut to).await?;
                if ended && self.held.is_empty() {
                    return to.shutdown().await;
                }
            }
            let due = self.held.front().map(|(due, _)| *due);
            tokio::select! {
                changed = lines.changed() => changed.map_err(io::Error::other)?,
                read = from.read(&mut buffer), if !ended && !silent && self.bytes < HELD_MAX => match read? {
                    0 => {
                        ended = true;
                        if self.way == Way::Back {
                            self.link.ask_target().await;
                        }
                    }
                    count => self.pass(&buffer[..count], &mut to).await?,
                },
                () = sleep_until(due.unwrap_or_else(Instant::now)), if due.is_some() && !silent => {}
            }
        }
    }

    async fn write_due(&mut self, to: &mut WriteHalf<'_>) -> io::Result<()> {
        let now = Instant::now();
        while self.held.front().is_some_and(|(due, _)| *due <= now) {
            if let Some((_, bytes)) = self.held.pop_front() {
                self.bytes -= bytes.len();
                to.write_all(&bytes).await?;
            }
        }
        Ok(())
    }

    /// At once on a good line; else it is kept.
    async fn pass(&mut self, bytes: &[u8], to: &mut WriteHalf<'_>) -> io::Result<()> {
        let count = if self.way == Way::There { &self.link.there } else { &self.link.back };
        count.fetch_add(bytes.len() as u64, Ordering::Relaxed);
        let Manner { silent, delay } = self.link.line.borrow().manner(self.way);
        if !silent && delay.is_zero() && self.held.is_empty() {
            return to.write_all(bytes).await;
        }
        self.bytes += bytes.len();
        self.held.push_back((Instant::now() + delay, bytes.to_vec()));
        Ok(())
    }
}
