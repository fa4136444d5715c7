//! When there is no connection to have, or somebody has locked a whole table: who is told what, and what goes on.

use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use model::id::{JobId, SessionId};
use model::name::Namespace;
use sqlx::{Connection, PgConnection};
use store::{
    Attempts, Cancel, Cancelled, Claim, Due, Elect, Extend, Finish, Jobs, Plans, Rescue, Submit, Terms,
};
use store_postgres::{Config, PostgresStore};
use testkit::eventually::eventually;
use testkit::postgres::Database;

use crate::common::{host, host_for, job, jobs, store, store_with, succeeded, version};

const BRIEF: Duration = Duration::from_millis(200);

/// Somebody else in the database.
async fn stranger(database: &Database) -> PgConnection {
    PgConnection::connect(&database.url).await.expect("connect")
}

async fn run(connection: &mut PgConnection, sql: &'static str) {
    sqlx::raw_sql(sql).execute(connection).await.expect(sql);
}

/// A job that runs under a session.
async fn running(store: &PostgresStore) -> (JobId, SessionId) {
    let version = version(store).await;
    let id = store.submit(Submit { jobs: vec![job(version)], parent: None }).await.expect("submit")[0].id;
    let session = host(store).await;
    store.claim(Claim { session, jobs: vec![id] }).await.expect("claim");
    (id, session)
}

fn beat(session: SessionId) -> Extend {
    Extend { session, lease_ms: 600_000 }
}

fn cancel(id: JobId) -> Cancel {
    Cancel { namespace: Namespace::default(), ids: vec![id], grace_ms: 0 }
}

#[tokio::test]
async fn who_gets_none_of_our_connections_is_told_that_all_are_in_use() {
    let (store, database) = store_with(|config| {
        config.connections = 1;
        config.acquire_timeout = BRIEF;
    })
    .await;
    let (id, session) = running(&store).await;
    let mut stranger = stranger(&database).await;
    run(&mut stranger, "begin; select 1 from job_queue for update").await;

    let late = async {
        let told = eventually("no connection", || async { store.depths().await.err() }).await.to_string();
        assert!(told.contains("all 1 connections were in use for 200ms"), "{told}");
        store.extend(beat(session)).await.expect("a sign of life has connections of its own");
        let elect = Elect { holder: "a".to_owned(), address: "http://a".to_owned(), lease_ms: 1_000 };
        store.elect(elect).await.expect("so has a leader");
        run(&mut stranger, "rollback").await;
    };
    let (cancelled, ()) = tokio::join!(store.cancel(cancel(id)), late);

    assert!(matches!(cancelled.expect("nobody holds it")[..], [Cancelled::Asked(_)]));
    store.depths().await.expect("there is a connection again");
}

#[tokio::test]
async fn a_server_without_room_says_so_in_its_own_words_until_there_is_some() {
    let (owner, database) = store().await;
    let name = database.url.rsplit('/').next().expect("a URL names its database").to_owned();
    let role = format!("guest_of_{name}");
    database
        .execute(&format!(
            "create role {role} login connection limit 1; grant all on all tables in schema public to {role}"
        ))
        .await;
    let url = database.url.replace("postgres://postgres@", &format!("postgres://{role}@"));
    let mut config = Config::new(&url);
    config.acquire_timeout = BRIEF;
    let store = PostgresStore::connect(config).await.expect("there is room for one");
    let crowd = eventually("the only place", || async { PgConnection::connect(&url).await.ok() }).await;

    let told = store.depths().await.expect_err("there is no room").to_string();
    crowd.close().await.expect("close");
    eventually("room", || async { store.depths().await.ok() }).await;

    assert!(told.contains("too many connections for role"), "{told}");
    drop((store, owner));
    database.execute(&format!("drop owned by {role}; drop role {role}")).await;
}

#[tokio::test]
async fn who_locks_the_queue_holds_up_no_sign_of_life() {
    let (store, database) = store().await;
    let (id, session) = running(&store).await;
    store.cancel(cancel(id)).await.expect("cancel");
    let mut stranger = stranger(&database).await;
    run(&mut stranger, "begin; lock table job_queue in access exclusive mode").await;

    let meanwhile = store.extend(beat(session)).await.expect("it does not need the queue");
    run(&mut stranger, "rollback").await;
    let afterwards = store.extend(beat(session)).await.expect("extend");

    assert!(meanwhile.cancels.is_empty(), "it cannot be known");
    assert_eq!(afterwards.cancels.len(), 1, "it is told late");
}

#[tokio::test]
async fn a_lock_on_the_sessions_that_ends_within_the_lease_takes_nobody_for_dead() {
    let (store, database) = store().await;
    let (_, session) = running(&store).await;
    let mut stranger = stranger(&database).await;
    run(&mut stranger, "begin; lock table host_sessions in access exclusive mode").await;

    let refused = store.extend(beat(session)).await.expect_err("nobody can write");
    let rescue = store.rescue(Rescue { limit: 10, gone: Vec::new() });
    let unlock = run(&mut stranger, "rollback");
    let (rescued, ()) = tokio::join!(rescue, unlock);

    assert!(refused.is_transient() && refused.to_string().contains("locked"), "{refused}");
    assert_eq!(rescued.expect("rescue").sessions, 0);
    store.extend(beat(session)).await.expect("it is held all the same");
}

#[tokio::test]
async fn a_sign_of_life_that_was_given_in_time_counts_although_a_lock_held_it_up() {
    let (store, database) = store().await;
    let mut stranger = stranger(&database).await;

    // On a busy machine the lease may run out before it is asked, or the wait be given up before the lock goes.
    let mut kept = false;
    for _ in 0..20 {
        let session = host_for(&store, 300).await;
        run(&mut stranger, "begin; lock table host_sessions in access exclusive mode").await;
        let past_the_lease = run(&mut stranger, "select pg_sleep(0.4); rollback");
        let (extended, ()) = tokio::join!(store.extend(beat(session)), past_the_lease);
        if extended.is_ok() {
            kept = store.rescue(Rescue { limit: 10, gone: Vec::new() }).await.expect("rescue").sessions == 0;
            assert!(kept, "it was answered, so it holds");
            break;
        }
        store.close(session).await.expect("close");
    }

    assert!(kept, "not once in twenty");
}

#[tokio::test]
async fn whoever_locks_rows_in_another_order_costs_a_victim_no_more_than_a_second_run() {
    let (store, database) = store().await;
    let version = version(&store).await;
    let mut ids = Vec::new();
    for _ in 0..2 {
        ids.push(
            store.submit(Submit { jobs: vec![job(version)], parent: None }).await.expect("submit")[0].id,
        );
    }
    ids.sort();
    let mut stranger = stranger(&database).await;
    let last = "begin; select 1 from job_queue where job_id::text = (select max(job_id::text) from job_queue) for update";
    run(&mut stranger, last).await;

    let both = Cancel { ids: ids.clone(), ..cancel(ids[0]) };
    let cross = async {
        let waits = "select count(*) from pg_stat_activity
                     where datname = current_database() and wait_event_type = 'Lock'";
        eventually("the cancel waits", || async { (database.execute(waits).await == ["1"]).then_some(()) })
            .await;
        // On a busy machine it may be the victim itself.
        let _ = sqlx::raw_sql("select 1 from job_queue for update; commit").execute(&mut stranger).await;
    };
    let (cancelled, ()) = tokio::join!(store.cancel(both), cross);

    assert_eq!(cancelled.expect("it is run again"), [Cancelled::Done, Cancelled::Done]);
    let deadlocks = "select deadlocks from pg_stat_database where datname = current_database()";
    let counted = eventually("the server to count it", || async {
        Some(database.execute(deadlocks).await).filter(|told| *told != ["0"])
    });
    counted.await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_is_set_to_serialize_everything_makes_no_victims() {
    let (owner, database) = store().await;
    let version = version(&owner).await;
    let name = database.url.rsplit('/').next().expect("a URL names its database");
    let serialize = format!("alter database \"{name}\" set default_transaction_isolation = 'serializable'");
    database.execute(&serialize).await;
    let store = Arc::new(PostgresStore::connect(Config::new(&database.url)).await.expect("connect"));

    let workers = (0..8).map(|_| {
        let store = Arc::clone(&store);
        tokio::spawn(async move {
            let session = host(&store).await;
            for _ in 0..10 {
                let told =
                    store.submit(Submit { jobs: jobs(version, 10), parent: None }).await.expect("submit");
                let ids: Vec<_> = told.iter().map(|one| one.id).collect();
                let claimed = store.claim(Claim { session, jobs: ids }).await.expect("claim");
                let ended = claimed.iter().map(succeeded).collect();
                store.finish(Finish { ended }).await.expect("finish");
                store.due(Due { since: None, limit: 10 }).await.expect("due");
            }
        })
    });

    for worker in join_all(workers).await {
        worker.expect("nobody is told of a conflict");
    }
}
