//! How SQLite goes about each query: nothing that a busy system asks walks through a table that grows.

use std::fs;
use std::path::Path;

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, Row, SqliteConnection};
use store_sqlite::SqliteStore;

/// What may be walked through from end to end: JSON texts and lists in the query itself, and tables that hold
/// a row for each queue (`s`), each open session, or each replica. What a part of the query answers (`u`) is as long as
/// that part's own walks, which stand in the plan.
const SMALL: [&str; 9] = [
    "VIRTUAL TABLE",
    "CONSTANT ROW",
    "CONSTANT ROWS",
    "SCAN s",
    "SCAN p",
    "SCAN u",
    "USING INDEX host_sessions_open",
    "SCAN schedulers",
    "SCAN sqlite_schema",
];

/// The steps of a plan, as SQLite words them: `SEARCH q USING …`, `SCAN e VIRTUAL TABLE …`.
async fn plan(connection: &mut SqliteConnection, sql: &str) -> Vec<String> {
    let rows = sqlx::query(AssertSqlSafe(format!("explain query plan {sql}"))).fetch_all(connection).await;
    rows.expect("a plan").iter().map(|row| row.get::<String, _>("detail")).collect()
}

/// Whether the step looks at no more than the rows it is asked for. A search without a condition in brackets is
/// a walk along an index until something is found.
fn is_bounded(step: &str) -> bool {
    if step.starts_with("SCAN") {
        SMALL.iter().any(|small| format!("{step} ").contains(&format!("{small} ")))
    } else {
        !step.starts_with("SEARCH") || step.contains('(') || step == "SEARCH p"
    }
}

#[tokio::test]
async fn no_query_walks_through_a_table_that_grows() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("jobs.db");
    SqliteStore::open(&path).await.expect("open");
    let mut connection = SqliteConnectOptions::new().filename(&path).connect().await.expect("connect");
    let mut seen = 0;

    for entry in fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("sql")).expect("sql") {
        let file = entry.expect("an entry").path();
        let name = file.file_name().expect("a name").to_string_lossy().into_owned();
        // They are about transactions and the log, not about rows.
        if name.starts_with("begin_") || name.starts_with("wal_") {
            continue;
        }
        let steps = plan(&mut connection, &fs::read_to_string(&file).expect("read")).await;
        let unbounded: Vec<_> = steps.iter().filter(|step| !is_bounded(step)).collect();
        assert!(unbounded.is_empty(), "{name}: {unbounded:?} of {steps:#?}");
        seen += 1;
    }

    assert!(seen > 80, "{seen} files were found");
}

/// The walks of the hot path and of listings go along the index that ends them early, in its order.
#[tokio::test]
async fn walks_go_along_the_index_that_bounds_them() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("jobs.db");
    SqliteStore::open(&path).await.expect("open");
    let mut connection = SqliteConnectOptions::new().filename(&path).connect().await.expect("connect");
    let cases = [
        (
            include_str!("../sql/due.sql"),
            "SEARCH d USING INDEX job_queue_due (queue_id=? AND priority=? AND run_at>? AND run_at<?)",
        ),
        (include_str!("../sql/claim.sql"), "SEARCH job_queue USING PRIMARY KEY (job_id=?)"),
        (include_str!("../sql/held.sql"), "SEARCH q USING INDEX job_queue_running (session>?)"),
        (
            include_str!("../sql/rescue_expired.sql"),
            "SEARCH job_queue USING INDEX job_queue_expires (expires_at<?)",
        ),
        (include_str!("../sql/find_any.sql"), "SEARCH j USING INDEX sqlite_autoindex_jobs_1 (id>? AND id<?)"),
        (include_str!("../sql/find_waiting.sql"), "SEARCH q USING PRIMARY KEY (job_id>? AND job_id<?)"),
        (include_str!("../sql/count_ended.sql"), "SEARCH a USING INDEX attempts_failed (job_id>?)"),
        (include_str!("../sql/retry.sql"), "SEARCH j USING INDEX sqlite_autoindex_jobs_1 (id=?)"),
        (include_str!("../sql/count_running.sql"), "SEARCH q USING INDEX job_queue_running (session>?)"),
        (include_str!("../sql/count_waiting.sql"), "SEARCH q USING INDEX job_queue_due (queue_id=?)"),
        (include_str!("../sql/cancel_running.sql"), "SEARCH job_queue USING PRIMARY KEY (job_id=?)"),
        (include_str!("../sql/cancel_waiting.sql"), "SEARCH job_queue USING PRIMARY KEY (job_id=?)"),
        (include_str!("../sql/schedules_due.sql"), "SEARCH c USING INDEX schedules_look (look_at<?)"),
        (
            include_str!("../sql/schedules_page.sql"),
            "SEARCH c USING INDEX schedules_name (namespace=? AND name>?)",
        ),
        (
            include_str!("../sql/schedule_fates.sql"),
            "SEARCH f USING PRIMARY KEY (schedule_id=? AND instant<?)",
        ),
        (
            include_str!("../sql/schedule_fates.sql"),
            "SEARCH k USING INDEX schedule_skips_schedule (schedule_id=? AND from_instant<?)",
        ),
        (include_str!("../sql/schedule_change.sql"), "SEARCH schedules USING INTEGER PRIMARY KEY (rowid=?)"),
        (
            include_str!("../sql/find_failed.sql"),
            "SEARCH a USING INDEX attempts_failed (job_id>? AND job_id<?)",
        ),
    ];

    for (sql, step) in cases {
        let steps = plan(&mut connection, sql).await;
        assert!(steps.iter().any(|found| found == step), "{step} is not in {steps:#?}");
    }
    for sql in [include_str!("../sql/find_any.sql"), include_str!("../sql/find_succeeded.sql")] {
        let steps = plan(&mut connection, sql).await;
        assert!(!steps.iter().any(|step| step.contains("ORDER BY")), "{steps:#?}");
    }
}
