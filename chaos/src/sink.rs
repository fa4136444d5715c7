//! The server outside: it takes every effect, and remembers it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use history::{Effect, Event, Journal};
use serde::Deserialize;
use testkit::port::Port;

/// An HTTP server that counts executions by job. It answers 200 after it has recorded a call.
#[derive(Debug)]
pub struct Sink {
    port: Port,
    seen: Arc<Seen>,
}

#[derive(Debug)]
struct Seen {
    journal: Journal,
    effects: Mutex<HashMap<String, Vec<Effect>>>,
    count: tokio::sync::watch::Sender<usize>,
    /// How long it thinks before it answers.
    thinks: Mutex<Duration>,
}

/// What a guest says.
#[derive(Debug, Deserialize)]
struct Told {
    job: String,
    attempt: u32,
    #[serde(default = "first")]
    effect: u32,
}

fn first() -> u32 {
    1
}

impl Sink {
    pub(crate) async fn start(journal: Journal) -> Self {
        let port = Port::reserve();
        let listener = port.listen().expect("the port is ours");
        let seen = Arc::new(Seen {
            journal,
            effects: Mutex::default(),
            count: tokio::sync::watch::Sender::new(0),
            thinks: Mutex::default(),
        });
        let routes = Router::new().route("/effect", post(take)).with_state(Arc::clone(&seen));
        tokio::spawn(async move { axum::serve(listener, routes).await });
        Self { port, seen }
    }

    /// Host and port, as they are granted.
    #[must_use]
    pub fn place(&self) -> String {
        self.port.address().to_string()
    }

    /// What guests call.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}/effect", self.place())
    }

    /// How many effects it has seen.
    #[must_use]
    pub fn count(&self) -> usize {
        *self.seen.count.borrow()
    }

    /// The effects of a job, in the order in which they came.
    #[must_use]
    pub fn effects(&self, job: &str) -> Vec<Effect> {
        self.seen.effects().get(job).cloned().unwrap_or_default()
    }

    /// From now on it records at once, and answers after this long.
    ///
    /// # Panics
    /// Never: nobody panics with it.
    pub fn think(&self, duration: Duration) {
        *self.seen.thinks.lock().expect("nobody panics with it") = duration;
    }
}

impl Seen {
    fn effects(&self) -> MutexGuard<'_, HashMap<String, Vec<Effect>>> {
        self.effects.lock().expect("nobody panics with it")
    }
}

async fn take(State(seen): State<Arc<Seen>>, headers: HeaderMap, body: Bytes) -> StatusCode {
    let Ok(Told { job, attempt, effect }) = serde_json::from_slice(&body) else {
        return StatusCode::BAD_REQUEST;
    };
    let key = headers.get("idempotency-key").and_then(|key| key.to_str().ok()).map(str::to_owned);
    let effect = Effect { job: job.clone(), attempt, effect, key };
    seen.journal.record(Event::Effect(effect.clone()));
    seen.effects().entry(job).or_default().push(effect);
    seen.count.send_modify(|count| *count += 1);
    let thinks = *seen.thinks.lock().expect("nobody panics with it");
    if !thinks.is_zero() {
        tokio::time::sleep(thinks).await;
    }
    StatusCode::OK
}
