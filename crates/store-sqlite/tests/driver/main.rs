//! What only this driver promises: a file that outlives its process, and many that use it at once.

mod copies;
mod file;
mod old;
mod schedules;
mod schema;

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use futures::future::join_all;
use model::clock::{Clock, SystemClock};
use model::grants::Grants;
use model::id::{Digest, JobId, SessionId, VersionId};
use model::job::{JobOptions, JobState, LogLevel, LogLine, NewJob};
use model::json::Json;
use model::limits::{LimitOverrides, Limits};
use model::name::Namespace;
use model::task::{Manifest, TaskDescription};
use sqlx::ConnectOptions;
use sqlx::sqlite::SqliteConnectOptions;
use store::{
    Attempts, Claim, Components, Due, Elect, Error, Jobs, OpenSession, Plans, Publish, PublishTask, Report,
    Rescue, Schedules, Submit, Terms,
};
use store_sqlite::SqliteStore;

use crate::file::File;

async fn publish(store: &SqliteStore) -> VersionId {
    let description = TaskDescription {
        name: "work".parse().expect("a good name"),
        description: String::new(),
        input_schema: None,
        output_schema: None,
        limits: LimitOverrides::default(),
        max_attempts: None,
    };
    let manifest = Manifest {
        imports: Vec::new(),
        grants: Grants::default(),
        limits: Limits::default(),
        deterministic: false,
        description: description.clone(),
    };
    let publish = Publish {
        namespace: Namespace::default(),
        bytes: b"component".to_vec(),
        sha256: Digest::of(b"component"),
        tasks: vec![PublishTask { task: description.name, manifest }],
        promote: true,
    };
    store.publish(publish).await.expect("publish")[0].version.id
}

fn new_jobs(version: VersionId, count: usize) -> Vec<NewJob> {
    let new_job = |_| NewJob {
        id: JobId::generate(SystemClock.now()),
        namespace: Namespace::default(),
        version,
        payload: Json::check("payload", b"{\"n\":1}".to_vec(), 100).expect("good JSON"),
        max_attempts: 5,
        options: JobOptions::default(),
    };
    (0..count).map(new_job).collect()
}

async fn submit(store: &SqliteStore, jobs: Vec<NewJob>) -> Vec<JobId> {
    let told = store.submit(Submit { jobs, parent: None }).await.expect("submit");
    told.into_iter().map(|one| one.id).collect()
}

/// A file with one job in it, whose store is closed.
async fn file_with_a_job() -> (File, JobId) {
    let file = File::fresh();
    let store = file.open().await;
    let version = publish(&store).await;
    let id = submit(&store, new_jobs(version, 1)).await[0];
    (file, id)
}

async fn look(store: &SqliteStore, id: JobId) -> Result<model::job::Job, Error> {
    store.job(&Namespace::default(), id).await
}

#[tokio::test]
async fn what_an_earlier_store_wrote_is_read_back() {
    let (file, id) = file_with_a_job().await;

    let store = file.open().await;

    let job = look(&store, id).await.expect("job");
    assert_eq!((job.state, job.payload.as_str()), (JobState::Queued, "{\"n\":1}"));
    assert_eq!(store.component(Digest::of(b"component")).await.expect("component"), b"component");
}

async fn open_session(store: &SqliteStore) -> SessionId {
    let open = OpenSession {
        name: "a".to_owned(),
        address: String::new(),
        version: String::new(),
        slots: 1,
        lease_ms: 60_000,
    };
    store.open(open).await.expect("open")
}

#[tokio::test]
async fn ids_of_sessions_are_not_used_again_after_a_restart() {
    let file = File::fresh();
    let first = open_session(&file.open().await).await;
    file.tamper("delete from host_sessions").await;

    let second = open_session(&file.open().await).await;

    assert!(second > first);
}

#[tokio::test]
async fn a_report_of_more_lines_than_a_chunk_holds_is_read_back_whole() {
    let (file, id) = file_with_a_job().await;
    let store = file.open().await;
    let session = open_session(&store).await;
    let claimed = store.claim(Claim { session, jobs: vec![id] }).await.expect("claim").remove(0);
    let line = |n: usize| LogLine { at: SystemClock.now(), level: LogLevel::Info, text: n.to_string() };
    let lines: Vec<LogLine> = (0..40_000).map(line).collect();
    let report = Report { lease: claimed.lease, lines: lines.clone(), progress: None, checkpoint: None };
    store.report(report).await.expect("report");

    let mut read = Vec::new();
    let mut after = 0;
    loop {
        let (piece, next) = store.logs(id, after, 15_000).await.expect("logs");
        if piece.is_empty() {
            break;
        }
        after = next;
        read.extend(piece.into_iter().map(|(_, line)| line));
    }

    assert!(read == lines, "{} of {} lines", read.len(), lines.len());
}

/// The argument by which a test knows that it is the child of another: the file it is to write.
const CHILD_FILE: &str = "killed.db";

#[tokio::test]
async fn a_killed_process_loses_nothing_that_was_answered() {
    if let Some(path) = std::env::args().find(|arg| arg.ends_with(CHILD_FILE)) {
        return submit_until_killed(Path::new(&path)).await;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join(CHILD_FILE);
    let mut child = Command::new(std::env::current_exe().expect("this test"))
        .args(["--exact", "--nocapture", "a_killed_process_loses_nothing_that_was_answered"])
        .arg(&path)
        .stdout(Stdio::piped())
        .spawn()
        .expect("spawn");
    let lines = BufReader::new(child.stdout.take().expect("it is piped")).lines();
    let told = lines.map(|line| line.expect("a line")).filter_map(|line| line.parse::<JobId>().ok());
    let answered: Vec<JobId> = told.take(200).collect();
    child.kill().expect("kill");
    child.wait().expect("wait");
    assert_eq!(answered.len(), 200);
    assert!(path.with_extension("db-wal").exists(), "nothing was tidied up");

    let store = SqliteStore::open(&path).await.expect("open");

    for id in answered {
        assert_eq!(look(&store, id).await.expect("it was answered").state, JobState::Queued);
    }
}

async fn submit_until_killed(path: &Path) {
    let store = SqliteStore::open(path).await.expect("open");
    let version = publish(&store).await;
    loop {
        for id in submit(&store, new_jobs(version, 10)).await {
            writeln!(std::io::stdout(), "{id}").expect("tell");
        }
    }
}

#[tokio::test]
async fn a_row_that_makes_no_sense_is_corrupt() {
    let tamperings = [
        "update jobs set priority = 77",
        "update jobs set tags = 'no json'",
        "update jobs set parent = x'0102'",
        "update jobs set created_at = 9223372036854775807",
        "update queues set name = '-no name-'",
        "pragma foreign_keys = off; update task_versions set sha256 = x'01'",
    ];
    for tampering in tamperings {
        let (file, id) = file_with_a_job().await;
        file.tamper(tampering).await;

        let refusal = look(&file.open().await, id).await.expect_err(tampering);

        assert!(matches!(refusal, Error::Corrupt { .. }), "{tampering}: {refusal}");
    }
}

#[tokio::test]
async fn stores_that_share_a_file_wait_for_each_other() {
    let file = File::fresh();
    let version = publish(&file.open().await).await;
    let mut stores = Vec::new();
    for _ in 0..4 {
        stores.push(file.open().await);
    }

    let racers = stores.iter().map(|store| async move {
        let mut made = Vec::new();
        for _ in 0..25 {
            made.extend(submit(store, new_jobs(version, 3)).await);
            store.due(Due { since: None, limit: 10 }).await.expect("due");
        }
        made
    });
    let made: usize = join_all(racers).await.iter().map(Vec::len).sum();

    let depth = stores[0].depths().await.expect("depths").remove(0);
    assert_eq!((made, depth.queued), (300, 300));
}

#[tokio::test]
async fn a_verb_that_is_given_up_leaves_no_trace_and_no_lock() {
    let file = File::fresh();
    let store = file.open().await;
    let version = publish(&store).await;

    for polls in 1..60 {
        let jobs = new_jobs(version, 2);
        let ids: Vec<JobId> = jobs.iter().map(|job| job.id).collect();
        let mut verb = Box::pin(store.submit(Submit { jobs, parent: None }));
        let mut left = polls;
        let done = std::future::poll_fn(|cx| {
            left -= 1;
            match verb.as_mut().poll(cx) {
                std::task::Poll::Ready(answer) => std::task::Poll::Ready(Some(answer)),
                std::task::Poll::Pending if left == 0 => std::task::Poll::Ready(None),
                std::task::Poll::Pending => std::task::Poll::Pending,
            }
        })
        .await;
        drop(verb);

        let stored = submit(&store, new_jobs(version, 1)).await;
        assert_eq!(stored.len(), 1, "the writer is free");
        let mut found = 0;
        for id in ids {
            found += usize::from(look(&store, id).await.is_ok());
        }
        assert!(found == 2 || (found == 0 && done.is_none()), "all or none, and all when it was answered");
    }
}

#[tokio::test]
async fn a_batch_that_takes_several_statements_is_stored_whole() {
    let file = File::fresh();
    let store = file.open().await;
    let version = publish(&store).await;
    let mut jobs = new_jobs(version, 24);
    for job in &mut jobs {
        let text = format!("\"{}\"", "\\\"".repeat(250_000));
        job.payload = Json::check("payload", text.into_bytes(), 1 << 20).expect("good JSON");
    }
    let last = jobs[23].clone();

    let ids = submit(&store, jobs).await;

    assert_eq!(ids.len(), 24);
    assert_eq!(look(&store, last.id).await.expect("job").payload, last.payload);
}

#[tokio::test]
async fn a_store_at_rest_writes_nothing() {
    let file = File::fresh();
    let store = file.open().await;
    let mut witness = SqliteConnectOptions::new().filename(&file.path).connect().await.expect("connect");
    let mut changes = async || {
        let version = sqlx::query_scalar::<_, i64>("pragma data_version").fetch_one(&mut witness).await;
        version.expect("it grows with each commit of another connection")
    };
    let before = changes().await;

    for _ in 0..3 {
        store.rescue(Rescue { limit: 10, gone: Vec::new() }).await.expect("rescue");
        store.due(Due { since: None, limit: 10 }).await.expect("due");
        store.due_schedules(10).await.expect("due");
        store.change_schedules(Vec::new()).await.expect("change");
        store.hosts().await.expect("hosts");
        store.leader().await.expect("leader");
    }

    assert_eq!(changes().await, before);
    store.elect(elect("a")).await.expect("elect");
    assert_ne!(changes().await, before, "the witness sees what is written");
}

fn elect(holder: &str) -> Elect {
    Elect { holder: holder.to_owned(), address: String::new(), lease_ms: 1000 }
}

#[tokio::test]
async fn a_replica_long_gone_is_forgotten() {
    let file = File::fresh();
    let store = file.open().await;
    store.elect(elect("old")).await.expect("elect");
    file.tamper("update schedulers set seen_at = 1").await;

    store.elect(elect("new")).await.expect("elect");

    let listed = store.schedulers(u32::MAX).await.expect("schedulers");
    assert_eq!(listed, [("new".to_owned(), String::new())]);
}
