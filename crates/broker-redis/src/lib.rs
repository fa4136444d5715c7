//! The broker on Redis or Valkey.
//!
//! Nothing in Redis is the truth: all of it can be offered again from the store, so losing a key, or all of
//! them, costs time only. These are the keys:
//!
//! ```text
//! jobctl:queue:NAMESPACE/QUEUE   sorted set: the 16 bytes of a job's id, by urgency and due time
//! jobctl:queues                  set: NAMESPACE/QUEUE of every queue that ever had a reference
//! jobctl:generation              a random number; when it is gone, so is everything else
//! jobctl:signals                 not a key but a channel: wake-ups
//! ```
//!
//! `ZADD NX` releases a reference, and doing it twice is harmless. `BZMPOP … MIN COUNT n` takes a batch and
//! waits for it. Three kinds of connection share the work:
//!
//! ```text
//! line      one, shared by all quick commands; each has a time-out, after which the connection is replaced
//! pop       one for each take that waits, on its own: whatever else was sent on it would wait too
//! signals   one that listens, checked by pings, made again when it is lost
//! ```
//!
//! A connection with an unanswered pop must never be left alone: Redis would hand the next references to
//! somebody who does not listen any more. See `pop`.

mod config;
mod junk;
mod keys;
mod known;
mod line;
mod listen;
mod pop;
mod server;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use broker::{Broker, Error, Queues, Reference, Result, Signal, Take};
use model::id::JobId;
use model::name::QueueKey;
use redis::{Pipeline, RedisResult, pipe};
use tokio::sync::broadcast;
use tokio::task::JoinSet;

pub use config::Config;

use junk::Junk;
use keys::{Keys, member, score};
use known::Known;
use line::Line;
use pop::Popper;
use server::{Server, timed_out};

/// How long connecting may take before it is given up, so that a program that cannot start says so soon.
const START_MAX: Duration = Duration::from_millis(2500);

/// How many members one command carries: Redis serves nobody else while it runs one.
const MEMBERS_MAX: usize = 1000;

/// How many references go over the line in one pipeline, well inside a command's time-out.
const PIPELINE_MAX: usize = 10_000;

/// Signals that a listener may lag behind before it misses the oldest: a few seconds of a busy system.
const SIGNALS_MAX: usize = 1024;

/// A broker on one Redis, shared with every process that uses the same Redis and prefix.
pub struct RedisBroker {
    keys: Arc<Keys>,
    server: Arc<Server>,
    line: Arc<Line>,
    known: Arc<Known>,
    popper: Arc<Popper>,
    signals: broadcast::Sender<Signal>,
    /// Ends with the broker.
    _listener: JoinSet<()>,
}

impl RedisBroker {
    /// Connects to the Redis at `url`: `redis://[USER:PASSWORD@]HOST[:PORT][/DB]`, or `rediss://` for TLS.
    ///
    /// # Errors
    /// When the URL is malformed, nothing answers within three seconds, or what answers is older than
    /// Redis 7.0. The password is never part of an error.
    pub async fn connect(url: &str) -> Result<Self> {
        let config = Config::parse(url).map_err(|invalid| Error { why: invalid.to_string() })?;
        Self::open(config).await
    }

    /// Connects as `config` says.
    ///
    /// # Errors
    /// As [`RedisBroker::connect`].
    pub async fn open(config: Config) -> Result<Self> {
        let server = Arc::new(Server::new(config.info)?);
        let started = tokio::time::timeout(START_MAX, Self::start(config.prefix, server.clone())).await;
        started.unwrap_or_else(|_| Err(server.error(&timed_out(START_MAX))))
    }

    async fn start(prefix: String, server: Arc<Server>) -> Result<Self> {
        let keys = Arc::new(Keys::new(prefix));
        let junk = Arc::new(Junk::default());
        let line = Arc::new(Line::new(server.clone()));
        let (about,): (String,) =
            line.ask(pipe().cmd("INFO").arg("server")).await.map_err(|e| server.error(&e))?;
        server.check(&about)?;
        let subscription = server.subscribe(&keys.signals()).await.map_err(|e| server.error(&e))?;

        let known = Arc::new(Known::new(keys.clone(), line.clone(), junk.clone()));
        let popper =
            Arc::new(Popper::new(server.clone(), line.clone(), known.clone(), keys.clone(), junk.clone()));
        let signals = broadcast::channel(SIGNALS_MAX).0;
        let mut listener = JoinSet::new();
        listener.spawn(listen::run(server.clone(), keys.signals(), subscription, signals.clone(), junk));
        Ok(Self { keys, server, line, known, popper, signals, _listener: listener })
    }

    /// Runs a pipeline whose answers nobody needs. Keys of ours that somebody put something else into are
    /// deleted first, when they stand in the way.
    async fn tell(&self, pipeline: &Pipeline, keys: &[String]) -> Result<()> {
        let mut told: RedisResult<()> = self.line.ask(pipeline).await;
        if told.as_ref().is_err_and(server::is_wrong_type) && self.known.repair(keys).await.is_ok() {
            told = self.line.ask(pipeline).await;
        }
        told.map_err(|e| self.server.error(&e))
    }

    async fn push_some(&self, references: &[Reference]) -> Result<()> {
        let mut queues: BTreeMap<&QueueKey, Vec<(f64, [u8; 16])>> = BTreeMap::new();
        for reference in references {
            queues.entry(&reference.queue).or_default().push((score(reference), member(reference.job)));
        }
        let mut pipeline = pipe();
        let mut keys = Vec::with_capacity(queues.len());
        for (queue, members) in &queues {
            let key = self.keys.queue(queue);
            for some in members.chunks(MEMBERS_MAX) {
                let add = pipeline.cmd("ZADD").arg(&key).arg("NX");
                for (score, member) in some {
                    add.arg(score).arg(member);
                }
                add.ignore();
            }
            keys.push(key);
        }
        let add = pipeline.cmd("SADD").arg(self.keys.queues());
        for queue in queues.keys() {
            add.arg(queue.to_string());
        }
        add.ignore();
        self.tell(&pipeline, &keys).await
    }

    /// The counts of `queues`, in their order.
    async fn counts(&self, queues: &[QueueKey]) -> RedisResult<Vec<u64>> {
        let mut pipeline = pipe();
        for queue in queues {
            pipeline.cmd("ZCARD").arg(self.keys.queue(queue));
        }
        self.line.ask(&pipeline).await
    }
}

#[async_trait]
impl Broker for RedisBroker {
    async fn push(&self, references: &[Reference]) -> Result<()> {
        for some in references.chunks(PIPELINE_MAX) {
            self.push_some(some).await?;
        }
        Ok(())
    }

    async fn take(&self, take: Take) -> Result<Vec<JobId>> {
        if take.max == 0 {
            return Ok(Vec::new());
        }
        if take.queues == Queues::Only(Vec::new()) {
            tokio::time::sleep(take.wait).await;
            return Ok(Vec::new());
        }
        self.popper.clone().take(take).await
    }

    async fn waiting(&self) -> Result<Vec<(QueueKey, u64)>> {
        let queues = self.known.read().await.map_err(|e| self.server.error(&e))?;
        let mut counts = self.counts(&queues).await;
        if counts.as_ref().is_err_and(server::is_wrong_type) {
            let keys: Vec<String> = queues.iter().map(|queue| self.keys.queue(queue)).collect();
            self.known.repair(&keys).await.map_err(|e| self.server.error(&e))?;
            counts = self.counts(&queues).await;
        }
        let counts = counts.map_err(|e| self.server.error(&e))?;
        Ok(queues.iter().cloned().zip(counts).filter(|(_, count)| *count > 0).collect())
    }

    async fn remove(&self, queue: &QueueKey, jobs: &[JobId]) -> Result<()> {
        let key = self.keys.queue(queue);
        for many in jobs.chunks(PIPELINE_MAX) {
            let mut pipeline = pipe();
            for some in many.chunks(MEMBERS_MAX) {
                let remove = pipeline.cmd("ZREM").arg(&key);
                for job in some {
                    remove.arg(&member(*job));
                }
                remove.ignore();
            }
            self.tell(&pipeline, std::slice::from_ref(&key)).await?;
        }
        Ok(())
    }

    async fn signal(&self, signal: Signal) -> Result<()> {
        let mut pipeline = pipe();
        for message in listen::encode(&signal) {
            pipeline.cmd("PUBLISH").arg(self.keys.signals()).arg(message).ignore();
        }
        if pipeline.is_empty() {
            return Ok(());
        }
        self.tell(&pipeline, &[]).await
    }

    fn signals(&self) -> broadcast::Receiver<Signal> {
        self.signals.subscribe()
    }

    /// The random number under the generation key, which goes with everything else, and the run id of the
    /// server: one that restarted from an old snapshot, or a replica that took over, has lost something too.
    async fn generation(&self) -> Result<u64> {
        let key = self.keys.generation();
        let fresh: u64 = rand::random();
        let mut ask = pipe();
        ask.cmd("SET").arg(&key).arg(fresh).arg("NX").arg("GET").cmd("INFO").arg("server");

        let answer: RedisResult<(Option<Vec<u8>>, String)> = self.line.ask(&ask).await;
        let (before, about) = match answer {
            Err(e) if server::is_wrong_type(&e) => {
                self.known.repair_generation().await.map_err(|e| self.server.error(&e))?;
                self.line.ask(&ask).await
            }
            answer => answer,
        }
        .map_err(|e| self.server.error(&e))?;

        let number = match before {
            None => fresh,
            Some(text) => match std::str::from_utf8(&text).ok().and_then(|text| text.parse().ok()) {
                Some(number) => number,
                None => {
                    self.tell(pipe().cmd("SET").arg(&key).arg(fresh).ignore(), &[]).await?;
                    fresh
                }
            },
        };
        Ok(number ^ server::run(&about))
    }
}
