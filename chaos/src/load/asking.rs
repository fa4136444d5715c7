//! The clients of a load.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use history::{Event, Journal};
use model::id::JobId;
use rand::Rng as _;
use rpc::{Client, v1};
use serde_json::json;
use tokio::sync::watch;

use super::{Keys, LoadPlan};
use crate::calls;

/// Clients of one load at a time.
const CLIENTS: usize = 4;

/// Before a client asks again.
const AGAIN_MS: std::ops::RangeInclusive<u64> = 50..=150;

/// What the clients of a load share.
#[derive(Debug)]
pub(super) struct Asking {
    plan: LoadPlan,
    ids: Arc<[JobId]>,
    servers: Vec<Client>,
    sink: String,
    journal: Journal,
    began: Instant,
    /// The next job that nobody has asked for, and how many calls there were.
    next: Mutex<(usize, usize)>,
    stopped: AtomicBool,
    done: watch::Sender<Done>,
    errors: Mutex<BTreeMap<String, usize>>,
    slowest_ms: AtomicUsize,
}

/// How far it is.
#[derive(Debug, Clone, Copy, Default)]
struct Done {
    acknowledged: usize,
    /// Clients that ask no more.
    clients: usize,
}

/// Jobs of one call, by their numbers.
type Call = std::ops::Range<usize>;

impl Asking {
    pub(super) fn begin(
        plan: LoadPlan,
        ids: Arc<[JobId]>,
        servers: &[String],
        sink: String,
        journal: Journal,
    ) -> Arc<Self> {
        let asking = Arc::new(Self {
            plan,
            ids,
            servers: servers.iter().map(|server| calls::client(server)).collect(),
            sink,
            journal,
            began: Instant::now(),
            next: Mutex::default(),
            stopped: AtomicBool::new(false),
            done: watch::Sender::default(),
            errors: Mutex::default(),
            slowest_ms: AtomicUsize::new(0),
        });
        for client in 0..CLIENTS {
            tokio::spawn(Arc::clone(&asking).ask_on(client));
        }
        asking
    }

    pub(super) fn asked(&self) -> usize {
        self.next.lock().expect("nobody panics with it").0
    }

    pub(super) fn acknowledged(&self) -> usize {
        self.done.borrow().acknowledged
    }

    pub(super) fn errors(&self) -> BTreeMap<String, usize> {
        self.errors.lock().expect("nobody panics with it").clone()
    }

    pub(super) fn slowest(&self) -> Duration {
        Duration::from_millis(self.slowest_ms.load(Ordering::Relaxed) as u64)
    }

    pub(super) fn stop(&self) {
        self.stopped.store(true, Ordering::Relaxed);
    }

    pub(super) async fn until(&self, count: usize) {
        let mut done = self.done.subscribe();
        // The sender is ours.
        let _ = done.wait_for(|done| done.acknowledged >= count || done.clients == CLIENTS).await;
    }

    pub(super) async fn until_done(&self) {
        self.until(usize::MAX).await;
    }

    /// One client, until nothing is left to ask for.
    async fn ask_on(self: Arc<Self>, client: usize) {
        while let Some(call) = self.next_call() {
            if let Some(rate) = self.plan.per_second {
                let due = Duration::from_secs_f64(call.start as f64 / f64::from(rate));
                tokio::time::sleep_until((self.began + due).into()).await;
            }
            self.ask(call, client).await;
        }
        self.done.send_modify(|done| done.clients += 1);
    }

    /// Calls of one job and of many take turns.
    fn next_call(&self) -> Option<Call> {
        let mut next = self.next.lock().expect("nobody panics with it");
        let (from, calls) = *next;
        if from >= self.ids.len() || self.stopped.load(Ordering::Relaxed) {
            return None;
        }
        let size = if calls % 2 == 0 { 1 } else { self.plan.batch.max(1) };
        let until = (from + size).min(self.ids.len());
        *next = (until, calls + 1);
        Some(from..until)
    }

    /// Asks for the jobs of one call until it is answered for good.
    async fn ask(&self, call: Call, client: usize) {
        let jobs: Vec<_> = call.clone().map(|number| self.job(number)).collect();
        for (number, job) in call.clone().zip(&jobs) {
            self.journal.record(Event::Asked { job: job.id.clone(), key: self.key(number) });
        }
        let deadline = Instant::now() + self.plan.patience;
        // A client asks the next server when one does not answer well.
        for turn in call.start + client.. {
            let asked = Instant::now();
            let answer = calls::enqueue(&self.servers[turn % self.servers.len()], jobs.clone()).await;
            let took_ms = usize::try_from(asked.elapsed().as_millis()).unwrap_or(usize::MAX);
            self.slowest_ms.fetch_max(took_ms, Ordering::Relaxed);
            match answer {
                Ok(told) => return self.note_told(&jobs, told),
                Err(error) => {
                    let code = error.code.as_str().to_owned();
                    *self.errors.lock().expect("nobody panics with it").entry(code.clone()).or_default() += 1;
                    if !calls::passes(&error) {
                        for job in &jobs {
                            self.journal.record(Event::Refused { job: job.id.clone(), code: code.clone() });
                        }
                        return;
                    }
                }
            }
            if Instant::now() >= deadline {
                return;
            }
            let wait_ms = rand::rng().random_range(AGAIN_MS);
            tokio::time::sleep(Duration::from_millis(wait_ms)).await;
        }
    }

    fn note_told(&self, jobs: &[v1::NewJob], told: Vec<v1::EnqueuedJob>) {
        let count = told.len();
        for (asked, told) in jobs.iter().zip(told) {
            self.journal.record(Event::Told { asked: asked.id.clone(), job: told.id });
        }
        self.done.send_modify(|done| done.acknowledged += count);
    }

    fn key(&self, number: usize) -> Option<String> {
        match &self.plan.keys {
            Keys::None => None,
            Keys::Each(text) => Some(format!("{text}{number}")),
        }
    }

    fn job(&self, number: usize) -> v1::NewJob {
        let plan = &self.plan;
        let mut payload = json!(plan.work);
        payload["sleep_ms"] = json!(rand::rng().random_range(plan.work.sleep_ms.clone()));
        if plan.work.effects > 0 {
            payload["url"] = json!(self.sink);
        }
        let options = v1::JobOptions {
            queue: plan.queue.clone(),
            priority: plan.priority,
            delay_ms: plan.delay.map(|delay| u64::try_from(delay.as_millis()).unwrap_or(u64::MAX)),
            key: self.key(number).unwrap_or_default(),
            max_attempts: plan.max_attempts,
            ..v1::JobOptions::default()
        };
        v1::NewJob {
            id: self.ids[number].to_string(),
            payload: payload.to_string().into_bytes(),
            options: Some(options),
            task: "touch".to_owned(),
        }
    }
}
