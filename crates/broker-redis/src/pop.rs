//! Taking references, and waiting for them.
//!
//! A `BZMPOP` that nobody waits for any more is a trap: Redis hands it the next references, and they are
//! gone. So a pop is run by a task of its own, which outlives a take that is dropped:
//!
//! ```text
//! take ──spawns──▶ serve: pops in slices ──answer──▶ take
//!   │dropped           │sees it: CLIENT UNBLOCK, awaits the pop's end; what came all the same is
//!   ▼                  ▼put back, with its scores
//! ```
//!
//! A connection whose pop was not answered in time, or broke, is closed and never used again. Then, and only
//! then, a reference may be lost, and the leader offers it again.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use broker::{Error, Queues, Result, Take};
use model::id::JobId;
use rand::seq::SliceRandom as _;
use redis::aio::MultiplexedConnection;
use redis::{Cmd, RedisResult, cmd, pipe};
use tokio::sync::oneshot;

use crate::junk::Junk;
use crate::keys::{Keys, read_member};
use crate::known::{AGE_MAX, Known};
use crate::line::Line;
use crate::server::{Server, is_broken, is_wrong_type, timed_out};

/// A pop waits no longer than this before it is asked anew, so that a connection that died without a word
/// is found out.
const SLICE_MAX: Duration = Duration::from_secs(5);

/// How much later than its wait a pop may answer before its connection is given up.
const GRACE: Duration = Duration::from_secs(2);

/// Between two tries while Redis is away.
const RETRY: Duration = Duration::from_millis(100);

/// No take waits longer; keeps the arithmetic of instants safe.
const WAIT_MAX: Duration = Duration::from_secs(24 * 3600);

/// How many connections are kept for the next takes: more than a process has takers.
const IDLE_MAX: usize = 8;

/// What `BZMPOP` gives: the queue's key, and members with their scores.
type Popped = (String, Vec<(Vec<u8>, f64)>);

pub(crate) struct Popper {
    server: Arc<Server>,
    line: Arc<Line>,
    known: Arc<Known>,
    keys: Arc<Keys>,
    junk: Arc<Junk>,
    idle: Mutex<Vec<Connection>>,
}

struct Connection {
    redis: MultiplexedConnection,
    /// By which `CLIENT UNBLOCK` knows it; none when this user may not ask.
    id: Option<i64>,
    /// Whether it has served before, and so may have died since.
    used: bool,
}

/// References that left Redis and are not yet anybody's.
#[derive(Default)]
struct Batch {
    /// The queue's key.
    key: String,
    jobs: Vec<(JobId, f64)>,
}

/// What one pop came to.
enum Pop {
    Taken(Batch),
    /// There was nothing, or nobody waits for it any more.
    Nothing,
    /// What stood in the way is gone; the next pop may find something.
    Cleared,
}

impl Popper {
    pub(crate) fn new(
        server: Arc<Server>,
        line: Arc<Line>,
        known: Arc<Known>,
        keys: Arc<Keys>,
        junk: Arc<Junk>,
    ) -> Self {
        Self { server, line, known, keys, junk, idle: Mutex::default() }
    }

    pub(crate) async fn take(self: Arc<Self>, take: Take) -> Result<Vec<JobId>> {
        let (answer, batch) = oneshot::channel();
        tokio::spawn(self.clone().serve(take, answer));
        let mut pending = Pending { popper: self, batch };
        let batch =
            (&mut pending.batch).await.map_err(|_| Error { why: "the process is ending".to_owned() })??;
        Ok(batch.jobs.into_iter().map(|(job, _)| job).collect())
    }

    async fn serve(self: Arc<Self>, take: Take, mut answer: oneshot::Sender<Result<Batch>>) {
        let outcome = self.pop(&take, &mut answer).await.map_err(|e| self.server.error(&e));
        if let Err(Ok(batch)) = answer.send(outcome) {
            self.give_back(batch).await;
        }
    }

    /// Pops until there is something, the wait ran out, or nobody waits any more. While Redis is away, tries
    /// again until the wait ran out.
    async fn pop(&self, take: &Take, answer: &mut oneshot::Sender<Result<Batch>>) -> RedisResult<Batch> {
        let deadline = Instant::now() + take.wait.min(WAIT_MAX);
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let popped = self.pop_once(take, left, answer).await;
            let over = Instant::now() >= deadline || answer.is_closed();
            match popped {
                Ok(Pop::Taken(batch)) => return Ok(batch),
                Ok(Pop::Cleared) => {}
                Ok(Pop::Nothing) if over => return Ok(Batch::default()),
                Ok(Pop::Nothing) => {}
                Err(e) if over => return Err(e),
                Err(_) => drop(tokio::time::timeout(RETRY.min(left), answer.closed()).await),
            }
        }
    }

    async fn pop_once(
        &self,
        take: &Take,
        left: Duration,
        answer: &mut oneshot::Sender<Result<Batch>>,
    ) -> RedisResult<Pop> {
        let (keys, slice) = self.plan(&take.queues, left).await?;
        let command = command(&keys, take.max, slice);
        loop {
            let mut connection = self.connection().await?;
            match self.pop_on(&mut connection, &command, slice, answer).await {
                Ok(popped) => {
                    self.keep(connection);
                    return Ok(popped.map_or(Pop::Nothing, |popped| self.sift(popped)));
                }
                Err(e) if is_wrong_type(&e) && self.known.repair(&keys).await? > 0 => {
                    return Ok(Pop::Cleared);
                }
                // It died while it was idle, and so did the others.
                Err(e) if connection.used && is_broken(&e) && !e.is_timeout() => self.forget_idle(),
                Err(e) => {
                    // What swallowed its answer may swallow those of the others, one time-out after another.
                    if e.is_timeout() {
                        self.forget_idle();
                    }
                    return Err(e);
                }
            }
        }
    }

    /// The keys of the queues, in another order each time: the first that has something is served, so a
    /// fixed order would starve the last. And how long to wait before looking anew.
    async fn plan(&self, queues: &Queues, left: Duration) -> RedisResult<(Vec<String>, Duration)> {
        let (mut keys, slice_max): (Vec<String>, _) = match queues {
            Queues::Only(queues) => (queues.iter().map(|queue| self.keys.queue(queue)).collect(), SLICE_MAX),
            Queues::All => {
                (self.known.list().await?.iter().map(|queue| self.keys.queue(queue)).collect(), AGE_MAX)
            }
        };
        keys.shuffle(&mut rand::rng());
        Ok((keys, left.min(slice_max)))
    }

    /// Runs the pop; when nobody waits for it any more, ends it.
    async fn pop_on(
        &self,
        connection: &mut Connection,
        command: &Cmd,
        slice: Duration,
        answer: &mut oneshot::Sender<Result<Batch>>,
    ) -> RedisResult<Option<Popped>> {
        let limit = slice + GRACE;
        let mut pop = std::pin::pin!(command.query_async(&mut connection.redis));
        let popped = tokio::select! {
            biased;
            popped = tokio::time::timeout(limit, &mut pop) => popped,
            () = answer.closed() => {
                let Some(id) = connection.id else { return Err(timed_out(Duration::ZERO)) };
                self.line.ask::<()>(pipe().cmd("CLIENT").arg("UNBLOCK").arg(id).ignore()).await?;
                tokio::time::timeout(GRACE, &mut pop).await
            }
        };
        popped.unwrap_or_else(|_| Err(timed_out(limit)))
    }

    /// Drops what is no reference.
    fn sift(&self, (key, members): Popped) -> Pop {
        let count = members.len();
        let jobs: Vec<(JobId, f64)> =
            members.into_iter().filter_map(|(member, score)| Some((read_member(&member)?, score))).collect();
        self.junk.dropped(count - jobs.len(), "reference");
        if jobs.is_empty() { Pop::Cleared } else { Pop::Taken(Batch { key, jobs }) }
    }

    /// Puts back, where they were, references that nobody waits for any more. When that fails they are lost
    /// until the leader offers them again.
    async fn give_back(&self, batch: Batch) {
        if batch.jobs.is_empty() {
            return;
        }
        let mut pipeline = pipe();
        let add = pipeline.cmd("ZADD").arg(&batch.key).arg("NX");
        for (job, score) in &batch.jobs {
            add.arg(score).arg(&crate::keys::member(*job));
        }
        let given: RedisResult<()> = self.line.ask(add.ignore()).await;
        if let Err(e) = given {
            let why = self.server.error(&e);
            tracing::warn!(count = batch.jobs.len(), "lost references of a take that was dropped: {why}");
        }
    }

    async fn connection(&self) -> RedisResult<Connection> {
        if let Some(connection) = self.idle.lock().expect("no one panics while holding the idle").pop() {
            return Ok(connection);
        }
        let mut redis = self.server.connect().await?;
        let ask = cmd("CLIENT").arg("ID").to_owned();
        let id: std::result::Result<RedisResult<i64>, _> =
            tokio::time::timeout(GRACE, ask.query_async(&mut redis)).await;
        Ok(Connection { redis, id: id.map_err(|_| timed_out(GRACE))?.ok(), used: false })
    }

    fn keep(&self, mut connection: Connection) {
        connection.used = true;
        let mut idle = self.idle.lock().expect("no one panics while holding the idle");
        if idle.len() < IDLE_MAX {
            idle.push(connection);
        }
    }

    fn forget_idle(&self) {
        self.idle.lock().expect("no one panics while holding the idle").clear();
    }
}

/// The pop of up to `max` from the first of `keys` that has any, waiting for `slice`.
fn command(keys: &[String], max: usize, slice: Duration) -> Cmd {
    let mut command = if slice.is_zero() {
        cmd("ZMPOP")
    } else {
        let mut waiting = cmd("BZMPOP");
        // Nought would be for ever.
        waiting.arg(slice.as_secs_f64().max(0.001));
        waiting
    };
    command.arg(keys.len()).arg(keys).arg("MIN").arg("COUNT").arg(max);
    command
}

/// A take that waits for its batch.
struct Pending {
    popper: Arc<Popper>,
    batch: oneshot::Receiver<Result<Batch>>,
}

impl Drop for Pending {
    /// What was answered but not seen goes back.
    fn drop(&mut self) {
        self.batch.close();
        if let Ok(Ok(batch)) = self.batch.try_recv()
            && let Ok(runtime) = tokio::runtime::Handle::try_current()
        {
            let popper = self.popper.clone();
            runtime.spawn(async move { popper.give_back(batch).await });
        }
    }
}
