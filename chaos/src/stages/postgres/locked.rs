//! Somebody locks whole tables, or rows in an order of his own, or has everything serialized.

use std::time::{Duration, Instant};

use history::Hit;
use rpc::v1;

use super::stranger::Stranger;
use super::{PATIENCE, PROGRESS, no_lease_lost};
use crate::load::{Load, LoadPlan};
use crate::trial::Trial;

/// How long a lock is held, in milliseconds: four leases; and, in a short run, a little more than one.
const HELD_MS: usize = 20_000;
const HELD_SHORT_MS: usize = 7_000;

/// How long a caller may wait: the API's deadline, and the way.
const CALL_MAX: Duration = Duration::from_secs(12);

/// Jobs that two lock in different orders.
const CROSSED: usize = 20;

/// Locks what the queue and the jobs are in. Signs of life need neither.
pub(super) fn queue(trial: &mut Trial) {
    let load = trial.load(LoadPlan { jobs: trial.times(6000, 600), ..LoadPlan::default() });
    load.until_ended(trial.times(100, 50));

    for table in &["job_queue", "jobs"][..trial.times(2, 1)] {
        lock(trial, &load, table, Hit::Nobody);
    }

    let slowest = load.slowest_call();
    trial.within(slowest, CALL_MAX, "callers are answered");
    let lost = trial.settle(load).outcomes("lost");
    if trial.times(1, 0) == 1 {
        no_lease_lost(trial, lost);
    }
}

/// Locks what leases are in, for longer than one: nobody can give a sign of life, and hosts end their guests by their
/// own clocks.
pub(super) fn sessions(trial: &mut Trial) {
    let load = trial.load(LoadPlan { jobs: trial.times(3000, 600), ..LoadPlan::default() });
    load.until_ended(trial.times(100, 50));

    lock(trial, &load, "host_sessions", Hit::Everybody);

    let slowest = load.slowest_call();
    trial.within(slowest, CALL_MAX, "callers are answered");
    let parked = trial.settle(load).in_state("failed");
    trial.require(parked == 0, format!("{parked} jobs failed although nothing was wrong with them"));
}

/// Locks a table for a while, and sees everything go on afterwards.
fn lock(trial: &mut Trial, load: &Load, table: &str, hit: Hit) {
    let held = Duration::from_millis(trial.times(HELD_MS, HELD_SHORT_MS) as u64);
    trial.during(&format!("{table} locked"), hit, |trial| {
        let mut stranger = Stranger::come(trial, "chaos-lock");
        stranger.say(&format!("begin; lock table {table} in access exclusive mode"));
        let sql = format!(
            "select count(*) from pg_locks where relation = '{table}'::regclass and granted
               and mode = 'AccessExclusiveLock'"
        );
        trial.eventually("the lock", PATIENCE, |trial| trial.field.number(&sql) > 0);
        trial.pause(held);
        drop(stranger);
        trial.recovers(load, PROGRESS, Instant::now(), &format!("{table} unlocked"));
    });
}

/// Deadlocks, made on purpose; then a database that is set to serialize everything.
pub(super) fn conflicts(trial: &mut Trial) {
    let load = trial.load(LoadPlan { jobs: trial.times(4000, 600), ..LoadPlan::default() });
    load.until_ended(trial.times(100, 50));

    let mut loads = deadlocks(trial);
    serialized(trial, &load);

    loads.push(load);
    let lost = trial.settle_all(loads).outcomes("lost");
    no_lease_lost(trial, lost);
}

/// A stranger holds the last row of many and then wants the first, while a cancel holds the first and wants the last.
fn deadlocks(trial: &mut Trial) -> Vec<Load> {
    let mut loads = Vec::new();
    for round in 0..trial.times(5, 1) {
        let queue = format!("crossed-{round}");
        let plan = LoadPlan {
            jobs: CROSSED,
            queue: queue.clone(),
            delay: Some(Duration::from_secs(3_600)),
            ..LoadPlan::default()
        };
        let load = trial.load(plan);
        load.until_asked();
        loads.push(load);
        trial.during("rows locked crosswise", Hit::Nobody, |trial| cross(trial, queue));
    }
    loads
}

fn cross(trial: &mut Trial, queue: String) {
    let count = "select deadlocks from pg_stat_database where datname = current_database()";
    let before = trial.field.number(count);
    let rows = format!(
        "select q.job_id from job_queue q join queues n on n.id = q.queue_id where n.name = '{queue}'
         order by q.job_id"
    );
    let mut stranger = Stranger::come(trial, "chaos-deadlock");
    // The server is to choose the other side.
    stranger.say("set deadlock_timeout = '60s'; begin");
    stranger.say(&format!("{rows} desc limit 1 for update of q"));
    let holds = "select count(*) from pg_stat_activity
                 where application_name = 'chaos-deadlock' and state = 'idle in transaction'";
    trial.eventually("the stranger to hold a row", PATIENCE, |trial| trial.field.number(holds) > 0);

    let request = v1::CancelJobsRequest { queue, ..v1::CancelJobsRequest::default() };
    let mut jobs = trial.field.client(0).jobs;
    let cancel = trial.field.runtime().spawn(async move { jobs.cancel_jobs(request).await });
    // For the stranger's row, and nothing else: others wait for other locks.
    let waits = "select count(*) from pg_stat_activity w, pg_stat_activity s
                 where w.application_name = 'jobctl' and s.application_name = 'chaos-deadlock'
                   and s.pid = any(pg_blocking_pids(w.pid))";
    trial.eventually("the cancel to wait for it", PATIENCE, |trial| trial.field.number(waits) > 0);
    stranger.say(&format!("{rows} for update of q"));
    stranger.say("commit");
    stranger.leave();

    let told = trial.field.runtime().block_on(cancel).expect("it does not panic");
    let told = told.map(|answer| answer.into_inner().cancelled);
    trial.require(matches!(told, Ok(n) if n == CROSSED as u64), format!("a caller was told of it: {told:?}"));
    trial.eventually("a deadlock", PATIENCE, |trial| trial.field.number(count) > before);
}

/// New connections find the database set to `serializable`.
fn serialized(trial: &mut Trial, load: &Load) {
    let set =
        "do $$ begin execute format('alter database %I set default_transaction_isolation = serializable',
               current_database()); end $$";
    let unset = "do $$ begin execute format('alter database %I reset default_transaction_isolation',
                 current_database()); end $$";
    let reconnect = "select pg_terminate_backend(pid) from pg_stat_activity
                     where datname = current_database() and application_name = 'jobctl'";
    trial.during("a database set to serializable", Hit::Everybody, |trial| {
        trial.field.postgres().execute(set);
        trial.field.postgres().execute(reconnect);
        trial.recovers(load, PROGRESS, Instant::now(), "serializable");
        trial.pause(Duration::from_millis(trial.times(3_000, 0) as u64));
        trial.field.postgres().execute(unset);
        trial.field.postgres().execute(reconnect);
        trial.recovers(load, PROGRESS, Instant::now(), "read committed again");
    });
}
