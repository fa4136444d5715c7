//! A database of an older release: it comes up, and its jobs go on.

use model::attempt::Usage;
use model::id::{Digest, JobId, Lease, SessionId};
use model::job::JobState;
use model::limits::{LimitOverrides, Limits};
use model::name::Namespace;
use sqlx::ConnectOptions;
use sqlx::sqlite::SqliteConnectOptions;
use store::{
    Attempts, Cancel, Cancelled, Cancelling, Claim, Components, Extend, JobFilter, Jobs, Publish,
    PublishTask, Schedules,
};

use crate::file::File;
use crate::schedules::create;

#[tokio::test]
async fn the_jobs_of_the_first_release_go_on() {
    let file = File::fresh();
    std::fs::create_dir_all(file.path.parent().expect("a folder")).expect("make the folder");
    let options = SqliteConnectOptions::new().filename(&file.path).create_if_missing(true);
    let mut connection = options.connect().await.expect("connect");
    let migrations = sqlx::migrate!("../../migrations/sqlite");
    migrations.run_to(1, &mut connection).await.expect("the first release's schema");
    sqlx::raw_sql(include_str!("old.sql")).execute(&mut connection).await.expect("its jobs");
    drop(connection);

    let store = file.open().await;

    let job = |n: u32| format!("01890000-0000-7000-8000-00000000000{n}").parse::<JobId>().expect("a UUID");
    let look = |n| {
        let store = &store;
        async move { store.job(&Namespace::default(), job(n)).await.expect("job") }
    };
    let ended = look(1).await;
    let usage = Usage {
        fuel: Some(12),
        peak_memory_bytes: 65_536,
        wall_us: 345,
        host_call_us: 6,
        ..Usage::default()
    };
    assert_eq!((ended.state, ended.attempts[0].usage), (JobState::Succeeded, Some(usage)));
    assert_eq!(ended.limits, LimitOverrides { timeout_ms: Some(1500), ..LimitOverrides::default() });
    let session = SessionId(1);
    let running = Lease { job: job(2), attempt: 1, session };
    let beat = store.extend(Extend { session, lease_ms: 600_000 }).await.expect("extend");
    assert_eq!(beat.cancels, [Cancelling { lease: running, grace_ms: 0 }], "it was asked to end at once");
    let grace = Cancel { namespace: Namespace::default(), ids: vec![job(2)], grace_ms: 60_000 };
    assert_eq!(store.cancel(grace).await.expect("cancel"), [Cancelled::Asked(running)]);
    let beat = store.extend(Extend { session, lease_ms: 600_000 }).await.expect("extend");
    assert_eq!(beat.cancels[0].grace_ms, 0, "so it stays");
    let claimed = store.claim(Claim { session, jobs: vec![job(3)] }).await.expect("claim").remove(0);
    assert_eq!(claimed.limits.timeout_ms, Some(1500));
    let version = store.version(claimed.version).await.expect("version");
    assert_eq!((&version.manifest.limits, version.manifest.deterministic), (&Limits::default(), false));
    let again = Publish {
        namespace: Namespace::default(),
        bytes: b"component".to_vec(),
        sha256: Digest::of(b"component"),
        tasks: vec![PublishTask { task: version.task.clone(), manifest: version.manifest.clone() }],
        promote: true,
    };
    let published = store.publish(again).await.expect("publish").remove(0);
    assert_eq!((published.unchanged, published.version), (true, version));
    let count = store.count(JobFilter::default()).await.expect("count");
    assert_eq!(count.states, [(JobState::Running, 2)]);
    assert_eq!((ended.schedule, ended.scheduled_for), (None, None));
    let schedule = create(&store, "a").await;
    assert_eq!(store.due_schedules(10).await.expect("due").schedules, [Ok(schedule)]);
}
