//! Many at once: nobody is told an error, and each thing happens once.

use std::collections::HashSet;
use std::sync::Arc;

use futures::future::join_all;
use model::id::JobId;
use model::job::Key;
use model::name::Namespace;
use sqlx::{Connection, PgConnection};
use store::{
    Attempts, Cancel, Cancelled, Claim, Error, Extend, Finish, Finished, Jobs, Plans, Rescue, Submit,
};
use store_postgres::PostgresStore;
use testkit::eventually::eventually;

use crate::common::{host, job, jobs, released, store, store_with, succeeded, version};

/// The ids in an order of their own for each `seed`.
fn shuffled(ids: &[JobId], seed: usize) -> Vec<JobId> {
    let mut ids = ids.to_vec();
    ids.sort_by_key(|id| {
        let number = id.0.as_u128().wrapping_mul(0x9e37_79b9_7f4a_7c15 + 2 * seed as u128);
        number.rotate_left(64)
    });
    ids
}

async fn stored(store: &PostgresStore, count: usize) -> Vec<JobId> {
    let version = version(store).await;
    let told = store.submit(Submit { jobs: jobs(version, count), parent: None }).await.expect("submit");
    told.into_iter().map(|one| one.id).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_claimers_of_many_jobs_claim_each_once() {
    let (store, _database) = store_with(|config| config.connections = 16).await;
    let ids = stored(&store, 1000).await;
    let store = Arc::new(store);

    let claimers = (0..16).map(|n| {
        let store = Arc::clone(&store);
        let order = shuffled(&ids, n);
        tokio::spawn(async move {
            let session = host(&store).await;
            let mut won = Vec::new();
            for batch in order.chunks(50) {
                let claim = Claim { session, jobs: batch.to_vec() };
                won.extend(store.claim(claim).await.expect("claim").iter().map(|one| one.lease.job));
            }
            won
        })
    });

    let mut won = Vec::new();
    for claimer in join_all(claimers).await {
        won.extend(claimer.expect("no claimer fails"));
    }
    assert_eq!(won.len(), ids.len());
    assert_eq!(won.into_iter().collect::<HashSet<_>>(), ids.into_iter().collect());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn batches_that_end_in_any_order_while_others_are_taken_back_do_not_deadlock() {
    let (store, database) = store_with(|config| config.connections = 16).await;
    let ids = stored(&store, 400).await;
    let session = host(&store).await;
    let claimed = store.claim(Claim { session, jobs: ids.clone() }).await.expect("claim");
    let store = Arc::new(store);

    let racers = (0..8).map(|n| {
        let store = Arc::clone(&store);
        let order = shuffled(&ids, n);
        let ended: Vec<_> = order
            .iter()
            .filter_map(|id| claimed.iter().find(|one| one.lease.job == *id))
            .map(|one| if n % 2 == 0 { succeeded(one) } else { released(one) })
            .collect();
        tokio::spawn(async move {
            let mut told = Vec::new();
            for batch in ended.chunks(100) {
                told.extend(store.finish(Finish { ended: batch.to_vec() }).await.expect("finish"));
                store.rescue(Rescue { limit: 100, gone: Vec::new() }).await.expect("rescue");
            }
            if n == 7 {
                store.close(session).await.expect("close");
            }
            told
        })
    });

    let mut recorded = 0;
    for racer in join_all(racers).await {
        recorded += racer.expect("no racer fails").iter().filter(|one| **one != Finished::Stale).count();
    }
    let history = database.execute("select count(*), count(distinct job_id) from attempts").await;
    assert_eq!(history, ["400|400"], "each attempt ended once");
    assert!(recorded <= 400);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn those_who_cancel_while_others_claim_and_finish_do_not_deadlock() {
    let (store, database) = store_with(|config| config.connections = 16).await;
    let ids = stored(&store, 400).await;
    let session = host(&store).await;
    let store = Arc::new(store);

    let cancels = (0..6).map(|n| {
        let store = Arc::clone(&store);
        let ids = shuffled(&ids, n);
        tokio::spawn(async move {
            let mut done = 0;
            for batch in ids.chunks(100) {
                let cancel = Cancel { namespace: Namespace::default(), ids: batch.to_vec(), grace_ms: 0 };
                let told = store.cancel(cancel).await.expect("cancel");
                assert!(!told.contains(&Cancelled::Unknown));
                done += told.iter().filter(|one| **one == Cancelled::Done).count();
            }
            done
        })
    });
    let host = {
        let store = Arc::clone(&store);
        let ids = shuffled(&ids, 7);
        tokio::spawn(async move {
            let mut ended = 0;
            for batch in ids.chunks(50) {
                let claimed = store.claim(Claim { session, jobs: batch.to_vec() }).await.expect("claim");
                let ends = claimed.iter().map(released).collect();
                let told = store.finish(Finish { ended: ends }).await.expect("finish");
                ended += told.iter().filter(|one| **one == Finished::Ended).count();
            }
            ended
        })
    };

    let mut ended = host.await.expect("the host does not fail");
    for cancel in join_all(cancels).await {
        ended += cancel.expect("no cancel fails");
    }
    assert_eq!(ended, 400, "each job was cancelled once, by whoever came first");
    assert_eq!(database.execute("select count(*) from job_queue").await, ["0"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn submitters_of_the_same_keys_in_any_order_make_one_job_for_each() {
    let (store, _database) = store_with(|config| config.connections = 16).await;
    let version = version(&store).await;
    let store = Arc::new(store);

    let submitters = (0..12).map(|n| {
        let store = Arc::clone(&store);
        tokio::spawn(async move {
            let mut jobs = Vec::new();
            for place in 0..40 {
                let number = if n % 2 == 0 { place } else { 39 - place };
                let mut job = job(version);
                job.options.key = Some(Key { text: format!("key {number}"), ttl: None });
                jobs.push(job);
            }
            let told = store.submit(Submit { jobs, parent: None }).await.expect("submit");
            told.into_iter().filter(|one| !one.duplicate).count()
        })
    });

    let mut made = 0;
    for submitter in join_all(submitters).await {
        made += submitter.expect("no submitter fails");
    }
    assert_eq!(made, 40);
    assert_eq!(store.depths().await.expect("depths")[0].queued, 40);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_that_closes_while_it_claims_holds_nothing_afterwards() {
    let (store, database) = store().await;
    let ids = stored(&store, 20).await;
    let held = "select count(*) from job_queue q join host_sessions h on h.id = q.session
                where h.closed_at is not null";

    for _ in 0..40 {
        let session = host(&store).await;
        let (one, two) = ids.split_at(10);
        let claim = |jobs: &[JobId]| store.claim(Claim { session, jobs: jobs.to_vec() });
        let (first, closed, second) = tokio::join!(claim(one), store.close(session), claim(two));

        closed.expect("close");
        for told in [first, second] {
            assert!(matches!(told, Ok(_) | Err(Error::Stale { .. })), "{told:?}");
        }
        assert_eq!(database.execute(held).await, ["0"]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_is_closed_and_its_attempts_end_when_it_is_held_not_when_somebody_began_to_wait_for_it() {
    let (store, database) = store().await;
    let ids = stored(&store, 1).await;
    let session = host(&store).await;
    let mut other = PgConnection::connect(&database.url).await.expect("connect");
    let mut tx = other.begin().await.expect("begin");
    let held = sqlx::query("select 1 from host_sessions where id = $1 for key share").bind(session.0);
    held.execute(&mut *tx).await.expect("hold the session as a claim does");

    let store = Arc::new(store);
    let closer = Arc::clone(&store);
    let closing = tokio::spawn(async move { closer.close(session).await });
    eventually("the closing to wait", async || {
        let waits = "select count(*) from pg_stat_activity where wait_event_type = 'Lock'";
        (database.execute(waits).await == ["1"]).then_some(())
    })
    .await;
    store.claim(Claim { session, jobs: ids }).await.expect("it is still open");
    tx.commit().await.expect("let go");
    closing.await.expect("no panic").expect("close");

    let in_order = "select a.started_at <= a.finished_at and a.started_at <= h.closed_at
                    from attempts a join host_sessions h on h.id = a.session";
    assert_eq!(database.execute(in_order).await, ["t"]);
}

#[tokio::test]
async fn a_sign_of_life_does_not_wait_for_a_claim() {
    let (store, database) = store().await;
    let session = host(&store).await;
    let mut other = PgConnection::connect(&database.url).await.expect("connect");
    let mut tx = other.begin().await.expect("begin");
    let held = sqlx::query("select 1 from host_sessions where id = $1 for key share").bind(session.0);
    held.execute(&mut *tx).await.expect("hold the session as a claim does");

    store.extend(Extend { session, lease_ms: 600_000 }).await.expect("extend");
    let rescued = store.rescue(Rescue { limit: 1, gone: Vec::new() }).await.expect("rescue");

    assert_eq!(rescued.sessions, 0);
}

#[tokio::test]
async fn a_claim_touches_no_index() {
    let (store, database) = store().await;
    let ids = stored(&store, 500).await;
    let session = host(&store).await;

    for batch in ids.chunks(100) {
        store.claim(Claim { session, jobs: batch.to_vec() }).await.expect("claim");
    }

    let counted = "select n_tup_upd, n_tup_hot_upd from pg_stat_user_tables where relname = 'job_queue'";
    let told = eventually("the server to count its updates", || async {
        // A connection tells its counts when it is used.
        store.depths().await.expect("depths");
        database.execute(counted).await.pop().filter(|told| told.starts_with("500|"))
    });
    assert_eq!(told.await, "500|500", "each is heap-only");
}
