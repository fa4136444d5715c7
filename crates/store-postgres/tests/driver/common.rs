//! What the driver's own facts are tried with.

use std::time::Duration;

use model::attempt::{Outcome, Usage};
use model::clock::{Clock, SystemClock};
use model::grants::Grants;
use model::id::{Digest, JobId, SessionId, VersionId};
use model::job::{JobOptions, NewJob};
use model::json::Json;
use model::limits::{LimitOverrides, Limits};
use model::name::Namespace;
use model::retry::Next;
use model::task::{Manifest, TaskDescription};
use store::{Attempts, ClaimedJob, Components, Ended, OpenSession, Publish, PublishTask};
use store_postgres::{Config, PostgresStore};
use testkit::postgres::{Database, fresh_database};

/// A store in a fresh database, with settings made by `change`.
pub(crate) async fn store_with(change: impl FnOnce(&mut Config)) -> (PostgresStore, Database) {
    let database = fresh_database().await;
    store_postgres::migrate(&database.url).await.expect("migrate");
    let mut config = Config::new(&database.url);
    change(&mut config);
    (PostgresStore::connect(config).await.expect("connect"), database)
}

/// A store in a fresh database.
pub(crate) async fn store() -> (PostgresStore, Database) {
    store_with(|_| {}).await
}

/// Publishes a task.
pub(crate) async fn version(store: &PostgresStore) -> VersionId {
    let description = TaskDescription {
        name: "work".parse().expect("a good name"),
        description: String::new(),
        input_schema: None,
        output_schema: None,
        limits: LimitOverrides::default(),
        max_attempts: None,
    };
    let task = description.name.clone();
    let manifest = Manifest {
        description,
        imports: Vec::new(),
        grants: Grants::default(),
        limits: Limits::default(),
        deterministic: false,
    };
    let publish = Publish {
        namespace: Namespace::default(),
        bytes: b"component".to_vec(),
        sha256: Digest::of(b"component"),
        tasks: vec![PublishTask { task, manifest }],
        promote: true,
    };
    store.publish(publish).await.expect("publish")[0].version.id
}

/// A plain job.
pub(crate) fn job(version: VersionId) -> NewJob {
    NewJob {
        id: JobId::generate(SystemClock.now()),
        namespace: Namespace::default(),
        version,
        payload: Json::default(),
        max_attempts: 5,
        options: JobOptions::default(),
    }
}

/// Plain jobs.
pub(crate) fn jobs(version: VersionId, count: usize) -> Vec<NewJob> {
    (0..count).map(|_| job(version)).collect()
}

/// Opens a session with a long lease.
pub(crate) async fn host(store: &PostgresStore) -> SessionId {
    host_for(store, 600_000).await
}

/// Opens a session with this lease.
pub(crate) async fn host_for(store: &PostgresStore, lease_ms: u32) -> SessionId {
    let open = OpenSession {
        name: "a".to_owned(),
        address: "http://a:7710".to_owned(),
        version: "0.1.0".to_owned(),
        slots: 8,
        lease_ms,
    };
    store.open(open).await.expect("open")
}

/// A job that succeeded.
pub(crate) fn succeeded(claimed: &ClaimedJob) -> Ended {
    Ended {
        lease: claimed.lease,
        outcome: Outcome::Succeeded,
        next: Next::End,
        result: Some(Json::default()),
        failure: None,
        stop: None,
        usage: Usage::default(),
        lines: Vec::new(),
        files: Vec::new(),
    }
}

/// The same again, at once.
pub(crate) fn released(claimed: &ClaimedJob) -> Ended {
    Ended {
        outcome: Outcome::Released,
        next: Next::Again(Duration::ZERO),
        result: None,
        ..succeeded(claimed)
    }
}
