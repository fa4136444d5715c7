//! A TCP proxy that stands between two parts of a system and is a good line, a bad one or none.
//!
//! ```text
//!   role ──► link's port ──► target          There: what the role says     Back: what the target answers
//! ```
//!
//! A link keeps its port over everything. It does as its target does: when the target's port refuses, so does the
//! link's, and it does so before a broken connection is passed on; who then asks whether a process is gone or only its
//! connection is told the same as without the link.

mod pump;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use self::pump::Pump;
use crate::port::Port;

/// Between two looks whether a target that refused listens again.
const LOOK: Duration = Duration::from_millis(10);

/// A target on this machine answers at once; one that stands still with a full backlog never does, and is not gone.
const CONNECT: Duration = Duration::from_secs(2);

/// The way of bytes through a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// From whoever connected to the target.
    There,
    /// From the target.
    Back,
    /// Either.
    Both,
}

impl Way {
    fn has(self, way: Self) -> bool {
        self == way || self == Self::Both
    }
}

/// A link. It listens as long as it lives, on the runtime that made it.
#[derive(Debug)]
pub struct Link {
    port: SocketAddr,
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

#[derive(Debug)]
struct Shared {
    line: watch::Sender<Line>,
    /// Whether the port is open.
    listening: watch::Sender<bool>,
    there: AtomicU64,
    back: AtomicU64,
    taken: AtomicU64,
    open: AtomicUsize,
}

/// How the line is.
#[derive(Debug, Clone, Copy)]
struct Line {
    target: SocketAddr,
    /// The target's port refused when last asked.
    gone: bool,
    cut: bool,
    /// Raised when all open connections are to break.
    breaks: u64,
    there: Manner,
    back: Manner,
}

/// How bytes of one way travel.
#[derive(Debug, Clone, Copy, Default)]
struct Manner {
    silent: bool,
    delay: Duration,
}

impl Line {
    fn manner(&self, way: Way) -> Manner {
        if way == Way::There { self.there } else { self.back }
    }

    fn set(&mut self, way: Way, change: impl Fn(&mut Manner)) {
        if way.has(Way::There) {
            change(&mut self.there);
        }
        if way.has(Way::Back) {
            change(&mut self.back);
        }
    }

    fn is_closed(&self) -> bool {
        self.cut || self.gone
    }

    fn is_silent(&self) -> bool {
        self.there.silent || self.back.silent
    }
}

impl Link {
    /// A good line to `target`, which need not listen yet.
    ///
    /// # Panics
    /// When no port is free, or outside a runtime.
    #[must_use]
    pub fn to(target: SocketAddr) -> Self {
        let (there, back) = (Manner::default(), Manner::default());
        let line = Line { target, gone: true, cut: false, breaks: 0, there, back };
        let shared = Arc::new(Shared {
            line: watch::Sender::new(line),
            listening: watch::Sender::new(false),
            there: AtomicU64::new(0),
            back: AtomicU64::new(0),
            taken: AtomicU64::new(0),
            open: AtomicUsize::new(0),
        });
        let reserved = Port::reserve();
        let port = reserved.address();
        let task = tokio::spawn(Arc::clone(&shared).run(reserved));
        Self { port, shared, task }
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.port
    }

    /// Leads to another target from now on; open connections stay where they are.
    pub fn retarget(&self, target: SocketAddr) {
        self.shared.line.send_modify(|line| (line.target, line.gone) = (target, true));
    }

    /// A good line again, whatever it was. What was held back while it was silent arrives.
    pub fn pass(&self) {
        self.shared.line.send_modify(|line| {
            line.cut = false;
            line.set(Way::Both, |manner| *manner = Manner::default());
        });
    }

    /// Resets all connections and refuses new ones.
    pub fn cut(&self) {
        self.shared.line.send_modify(|line| {
            line.cut = true;
            line.breaks += 1;
        });
    }

    /// Resets all connections; new ones are taken.
    pub fn reset(&self) {
        self.shared.line.send_modify(|line| line.breaks += 1);
    }

    /// Lets nothing through `way`; connections stay open. New ones are taken and come to nothing, as on a network that
    /// loses every packet.
    pub fn silence(&self, way: Way) {
        self.shared.line.send_modify(|line| line.set(way, |manner| manner.silent = true));
    }

    /// Everything on `way` arrives later by `delay`.
    pub fn delay(&self, way: Way, delay: Duration) {
        self.shared.line.send_modify(|line| line.set(way, |manner| manner.delay = delay));
    }

    /// How many connections are open now.
    #[must_use]
    pub fn open(&self) -> usize {
        self.shared.open.load(Ordering::Relaxed)
    }

    /// How many connections it has taken.
    #[must_use]
    pub fn taken(&self) -> u64 {
        self.shared.taken.load(Ordering::Relaxed)
    }

    /// How many bytes went this way; both ways together for [`Way::Both`].
    #[must_use]
    pub fn bytes(&self, way: Way) -> u64 {
        let (there, back) = (&self.shared.there, &self.shared.back);
        let of = |one: Way, count: &AtomicU64| if way.has(one) { count.load(Ordering::Relaxed) } else { 0 };
        of(Way::There, there) + of(Way::Back, back)
    }
}

impl Drop for Link {
    /// Open connections break.
    fn drop(&mut self) {
        self.cut();
        self.task.abort();
    }
}

impl Shared {
    async fn run(self: Arc<Self>, port: Port) {
        let mut lines = self.line.subscribe();
        loop {
            let line = *lines.borrow_and_update();
            if line.cut {
                if lines.changed().await.is_err() {
                    return;
                }
            } else if line.gone {
                self.look(line.target).await;
            } else {
                // Whoever listened on it by chance has gone when the next look finds it free.
                let Ok(listener) = port.listen() else {
                    tokio::time::sleep(LOOK).await;
                    continue;
                };
                self.listening.send_replace(true);
                self.take(&listener, &mut lines).await;
                drop(listener);
                self.listening.send_replace(false);
            }
        }
    }

    /// Takes connections until it is to be closed.
    async fn take(self: &Arc<Self>, listener: &TcpListener, lines: &mut watch::Receiver<Line>) {
        loop {
            tokio::select! {
                biased;
                closed = lines.wait_for(Line::is_closed) => {
                    drop(closed);
                    return;
                }
                taken = listener.accept() => {
                    let Ok((role, _)) = taken else { continue };
                    self.taken.fetch_add(1, Ordering::Relaxed);
                    tokio::spawn(Arc::clone(self).carry(role));
                }
            }
        }
    }

    /// Looks once whether the target listens.
    async fn look(&self, target: SocketAddr) {
        match timeout(CONNECT, TcpStream::connect(target)).await {
            Ok(Err(_)) => tokio::time::sleep(LOOK).await,
            Ok(Ok(_)) | Err(_) => {
                self.line.send_if_modified(|line| {
                    let same = line.target == target;
                    line.gone &= !same;
                    same
                });
            }
        }
    }

    /// A connection, from end to end.
    async fn carry(self: Arc<Self>, role: TcpStream) {
        self.open.fetch_add(1, Ordering::Relaxed);
        let mut role = End { stream: role, whole: false };
        let mut lines = self.line.subscribe();
        let breaks = lines.borrow().breaks;
        tokio::select! {
            biased;
            broken = lines.wait_for(|line| line.breaks != breaks) => drop(broken),
            // A failure is passed on by the reset that the ends leave behind.
            _ = self.carry_to_target(&mut role) => {}
        }
        drop(role);
        self.open.fetch_sub(1, Ordering::Relaxed);
    }

    async fn carry_to_target(&self, role: &mut End) -> io::Result<()> {
        let mut lines = self.line.subscribe();
        let heard = lines.wait_for(|line| !line.is_silent()).await.map(|line| line.target);
        let address = heard.map_err(io::Error::other)?;
        let stream = match TcpStream::connect(address).await {
            Ok(stream) => stream,
            Err(error) => {
                self.ask_target().await;
                return Err(error);
            }
        };
        let mut target = End { stream, whole: false };
        role.stream.set_nodelay(true)?;
        target.stream.set_nodelay(true)?;
        let (from_role, to_role) = role.stream.split();
        let (from_target, to_target) = target.stream.split();
        let there = Pump::new(self, Way::There).run(from_role, to_target);
        let back = Pump::new(self, Way::Back).run(from_target, to_role);
        if let Err(error) = tokio::try_join!(there, back) {
            self.ask_target().await;
            return Err(error);
        }
        (role.whole, target.whole) = (true, true);
        Ok(())
    }

    /// Asks whether the target's port refuses now, and if it does waits until ours does too.
    async fn ask_target(&self) {
        let target = self.line.borrow().target;
        if !matches!(timeout(CONNECT, TcpStream::connect(target)).await, Ok(Err(_))) {
            return;
        }
        self.line.send_if_modified(|line| {
            let same = line.target == target;
            line.gone |= same;
            same
        });
        // It is still there while the link lives.
        let _ = self.listening.subscribe().wait_for(|listening| !listening).await;
    }
}

/// One end of a connection. Unless everything was said, its last word is a reset.
#[derive(Debug)]
struct End {
    stream: TcpStream,
    whole: bool,
}

impl Drop for End {
    fn drop(&mut self) {
        if !self.whole {
            // It fails for one that is reset already.
            let _ = self.stream.set_zero_linger();
        }
    }
}

#[cfg(test)]
mod tests;
