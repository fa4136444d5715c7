//! The connection that all quick commands share.
//!
//! The `redis` crate's own manager keeps a connection on which an answer is overdue; behind a network that
//! swallows packets it would be waited for as long as the kernel tries again, which may be minutes. This one
//! replaces it. Every command that goes this way may be sent twice without harm, so one that met a
//! connection which had died while idle is sent again at once.
//!
//! A caller that is less patient than this is goes away before the answer is overdue. If all of them are, nobody
//! would ever find the connection dead: so one that left somebody waiting for a while is replaced too.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use redis::aio::MultiplexedConnection;
use redis::{FromRedisValue, Pipeline, RedisError, RedisResult};
use tokio::sync::Mutex;

use crate::server::{Server, is_broken, timed_out};

/// How long a command may take before its connection is given up.
const ANSWER_MAX: Duration = Duration::from_secs(2);

/// How long a caller must have waited in vain, when it goes away, for the connection to be doubted: a working one
/// answers in a millisecond.
const DOUBT_MIN: Duration = Duration::from_millis(500);

pub(crate) struct Line {
    server: Arc<Server>,
    state: Mutex<State>,
    /// The number of the connection that left somebody waiting.
    doubted: AtomicU64,
}

#[derive(Default)]
struct State {
    connection: Option<MultiplexedConnection>,
    /// Which connection this is, of all there were.
    number: u64,
    /// When connecting was last refused, and why: for those who waited for the same attempt.
    refused: Option<(Instant, RedisError)>,
}

struct Lent {
    connection: MultiplexedConnection,
    number: u64,
    fresh: bool,
}

/// Somebody waits for an answer on the connection of this number.
struct Waits<'a> {
    line: &'a Line,
    number: u64,
    since: Instant,
    answered: bool,
}

impl Drop for Waits<'_> {
    fn drop(&mut self) {
        if !self.answered && self.since.elapsed() >= DOUBT_MIN {
            self.line.doubted.store(self.number, Ordering::Relaxed);
        }
    }
}

impl Line {
    pub(crate) fn new(server: Arc<Server>) -> Self {
        Self { server, state: Mutex::default(), doubted: AtomicU64::new(0) }
    }

    /// Sends `pipeline` and gives its answers.
    pub(crate) async fn ask<T: FromRedisValue>(&self, pipeline: &Pipeline) -> RedisResult<T> {
        let lent = self.lend().await?;
        let fresh = lent.fresh;
        match self.ask_on(lent, pipeline).await {
            Err(e) if is_broken(&e) && !e.is_timeout() && !fresh => {
                self.ask_on(self.lend().await?, pipeline).await
            }
            answer => answer,
        }
    }

    async fn ask_on<T: FromRedisValue>(&self, mut lent: Lent, pipeline: &Pipeline) -> RedisResult<T> {
        let mut waits = Waits { line: self, number: lent.number, since: Instant::now(), answered: false };
        let query = pipeline.query_async(&mut lent.connection);
        let answer =
            tokio::time::timeout(ANSWER_MAX, query).await.unwrap_or_else(|_| Err(timed_out(ANSWER_MAX)));
        waits.answered = true;
        if answer.as_ref().is_err_and(is_broken) {
            let mut state = self.state.lock().await;
            if state.number == lent.number {
                state.connection = None;
            }
        }
        answer
    }

    /// The connection there is, or a new one. Whoever comes while it is being made waits, and shares what
    /// comes of it.
    async fn lend(&self) -> RedisResult<Lent> {
        let asked = Instant::now();
        let mut state = self.state.lock().await;
        if self.doubted.load(Ordering::Relaxed) == state.number {
            state.connection = None;
        }
        if let Some(connection) = state.connection.clone() {
            return Ok(Lent { connection, number: state.number, fresh: false });
        }
        if let Some((_, why)) = state.refused.as_ref().filter(|(at, _)| *at >= asked) {
            return Err(why.clone());
        }
        match self.server.connect().await {
            Ok(connection) => {
                state.number += 1;
                state.connection = Some(connection.clone());
                Ok(Lent { connection, number: state.number, fresh: true })
            }
            Err(e) => {
                state.refused = Some((Instant::now(), e.clone()));
                Err(e)
            }
        }
    }
}
