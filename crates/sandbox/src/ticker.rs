//! The thread that moves the engines' epochs on, so that guests that compute for long let others have a turn.
//!
//! It sleeps while nothing runs. Whoever begins to run raises a count and rings only when the thread has said
//! that it sleeps; with short jobs one after another that is at most once a tick.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::engine::Engines;

/// How long a guest computes before another one has its turn.
const TICK: Duration = Duration::from_millis(5);

/// The thread; it ends when this is dropped.
pub(crate) struct Ticker {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Shared {
    running: AtomicUsize,
    asleep: AtomicBool,
    closed: Mutex<bool>,
    bell: Condvar,
}

/// Keeps the ticker awake while it lives.
pub(crate) struct Running(Arc<Shared>);

impl Ticker {
    /// Starts the thread.
    pub(crate) fn start(engines: Arc<Engines>) -> std::io::Result<Self> {
        let shared = Arc::new(Shared::default());
        let theirs = Arc::clone(&shared);
        let thread = std::thread::Builder::new()
            .name("epoch-ticker".to_owned())
            .spawn(move || theirs.tick_until_closed(&engines))?;
        Ok(Self { shared, thread: Some(thread) })
    }

    /// Says that a guest runs from now on.
    pub(crate) fn running(&self) -> Running {
        self.shared.running.fetch_add(1, Ordering::SeqCst);
        if self.shared.asleep.load(Ordering::SeqCst) {
            self.shared.ring();
        }
        Running(Arc::clone(&self.shared))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0.running.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        *self.shared.closed.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.shared.bell.notify_all();
        if let Some(thread) = self.thread.take() {
            // A panic there has been reported by the panic hook; there is nobody left to tell.
            let _ = thread.join();
        }
    }
}

impl Shared {
    /// The lock is taken so that the bell does not ring between the sleeper's last look and its sleep.
    fn ring(&self) {
        drop(self.closed.lock().unwrap_or_else(PoisonError::into_inner));
        self.bell.notify_all();
    }

    fn tick_until_closed(&self, engines: &Engines) {
        let mut closed = self.closed.lock().unwrap_or_else(PoisonError::into_inner);
        while !*closed {
            self.asleep.store(true, Ordering::SeqCst);
            while !*closed && self.running.load(Ordering::SeqCst) == 0 {
                closed = self.bell.wait(closed).unwrap_or_else(PoisonError::into_inner);
            }
            self.asleep.store(false, Ordering::SeqCst);
            if *closed {
                break;
            }
            closed = self.bell.wait_timeout(closed, TICK).unwrap_or_else(PoisonError::into_inner).0;
            engines.tick();
        }
    }
}
