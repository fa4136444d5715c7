//! Many clients with the same idempotency keys.

use std::collections::{HashMap, HashSet};

use futures::stream::{self, StreamExt as _};
use history::{Event, Hit};
use model::clock::{Clock as _, SystemClock};
use model::id::JobId;
use rand::seq::SliceRandom as _;
use rpc::{Client, Code, Error, v1};

use crate::calls;
use crate::load::LoadPlan;
use crate::trial::Trial;

/// Clients at once.
const CLIENTS: usize = 50;

/// Keys of every second client's calls; the others ask for one at a time.
const BATCH: usize = 20;

/// What a client asked for a key, and was told.
struct Told {
    asked: String,
    key: String,
    answer: Result<String, Error>,
}

pub(super) fn same(trial: &mut Trial) {
    let load = trial.load(LoadPlan { jobs: trial.times(1_000, 100), ..LoadPlan::default() });
    let keys: Vec<String> = (0..trial.times(200, 40)).map(|key| format!("same-{key}")).collect();

    let words = format!("{CLIENTS} clients with the same {} keys", keys.len());
    let told = trial.during(&words, Hit::Nobody, |trial| all_ask(trial, &keys, br#"{"sleep_ms": 50}"#));
    one_job_a_key(trial, &told);
    let some = &keys[..keys.len() / 10];
    let told = trial.during("the same keys with other content", Hit::Nobody, |trial| {
        all_ask(trial, some, br#"{"sleep_ms": 51}"#)
    });
    all_conflict(trial, told);
    at_the_terminal(trial);

    let settled = trial.settle(load);
    let stored =
        settled.truth.jobs.iter().filter(|job| job.key.as_ref().is_some_and(|key| keys.contains(key)));
    let stored = stored.count();
    trial.require(stored == keys.len(), format!("{} keys have {stored} jobs", keys.len()));
}

/// Every client asks for every key, each in an order of its own.
fn all_ask(trial: &Trial, keys: &[String], payload: &[u8]) -> Vec<Told> {
    let clients = (0..CLIENTS).map(|number| {
        let mut keys = keys.to_vec();
        keys.shuffle(&mut rand::rng());
        let size = if number % 2 == 0 { 1 } else { BATCH };
        ask(trial.field.client(number % 2), keys, size, payload.to_vec())
    });
    let clients = stream::iter(clients.collect::<Vec<_>>()).buffer_unordered(CLIENTS);
    trial.field.runtime().block_on(clients.collect::<Vec<_>>()).into_iter().flatten().collect()
}

async fn ask(client: Client, keys: Vec<String>, size: usize, payload: Vec<u8>) -> Vec<Told> {
    let mut told = Vec::with_capacity(keys.len());
    for keys in keys.chunks(size) {
        let jobs: Vec<_> = keys.iter().map(|key| job(key, &payload)).collect();
        let ids: Vec<_> = jobs.iter().map(|job| job.id.clone()).collect();
        let answer = loop {
            match calls::enqueue(&client, jobs.clone()).await {
                Err(error) if calls::passes(&error) => {}
                answer => break answer,
            }
        };
        let answers = match answer {
            Ok(jobs) => jobs.into_iter().map(|job| Ok(job.id)).collect(),
            Err(error) => vec![Err(error); keys.len()],
        };
        let asked = ids.into_iter().zip(keys).zip(answers);
        told.extend(asked.map(|((asked, key), answer)| Told { asked, key: key.clone(), answer }));
    }
    told
}

fn job(key: &str, payload: &[u8]) -> v1::NewJob {
    let options = v1::JobOptions { key: key.to_owned(), ..v1::JobOptions::default() };
    v1::NewJob {
        id: JobId::generate(SystemClock.now()).to_string(),
        payload: payload.to_vec(),
        options: Some(options),
        task: "touch".to_owned(),
    }
}

fn one_job_a_key(trial: &mut Trial, told: &[Told]) {
    let mut ids: HashMap<&str, HashSet<&str>> = HashMap::new();
    for Told { asked, key, answer } in told {
        trial.record(Event::Asked { job: asked.clone(), key: Some(key.clone()) });
        match answer {
            Ok(id) => {
                ids.entry(key).or_default().insert(id);
                trial.record(Event::Told { asked: asked.clone(), job: id.clone() });
            }
            Err(error) => trial.require(false, format!("key {key} was refused: {error}")),
        }
    }
    let several = ids.values().filter(|ids| ids.len() != 1).count();
    trial.require(several == 0, format!("of {several} keys clients were told different ids"));
}

fn all_conflict(trial: &mut Trial, told: Vec<Told>) {
    let conflicts = |told: &&Told| told.answer.as_ref().is_err_and(|error| error.code == Code::Conflict);
    let said = told.iter().filter(conflicts).count();
    trial.require(
        said == told.len(),
        format!("of {} calls with other content {said} were told of the conflict", told.len()),
    );
    let named = told.iter().filter(|told| {
        // Of a batch the first that is at fault is named.
        told.answer.as_ref().is_err_and(|error| error.message.contains("key"))
    });
    let named = named.count();
    trial.require(named == told.len(), format!("{} conflicts do not name the key", told.len() - named));
    for Told { asked, answer, .. } in told {
        if let Err(error) = answer {
            trial.record(Event::Refused { job: asked, code: error.code.as_str().to_owned() });
        }
    }
}

/// What a user sees of it.
fn at_the_terminal(trial: &mut Trial) {
    let jobctl = trial.field.jobctl();
    let ask = |payload| jobctl.run(&["enqueue", "touch", payload, "--key", "same-0"]);
    let (same, other) = (ask(r#"{"sleep_ms": 50}"#), ask(r#"{"sleep_ms": 51}"#));
    trial.require(same.code == 0, format!("the same key with the same content: {same:?}"));
    trial.require(other.code == 9, format!("the same key with other content: {other:?}"));
}
