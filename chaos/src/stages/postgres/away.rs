//! PostgreSQL restarts, or is away for longer than a lease.

use std::time::{Duration, Instant};

use history::Hit;

use super::{PATIENCE, PROGRESS, no_lease_lost};
use crate::load::{LoadPlan, Work};
use crate::trial::Trial;

/// Three of the usual leases, and one.
const THREE_LEASES_MS: usize = 15_000;
const A_LEASE_MS: usize = 6_000;

/// Crashes the server again and again.
pub(super) fn restarted(trial: &mut Trial) {
    let load = trial.load(LoadPlan { jobs: trial.times(4000, 700), ..LoadPlan::default() });
    load.until_ended(trial.times(100, 50));

    for _ in 0..trial.times(3, 1) {
        // A crash forgets the last claims: their jobs run again, and the fence refuses the first ones.
        trial.during("Postgres restarted in immediate mode", Hit::Everybody, |trial| {
            trial.field.postgres().restart();
            trial.recovers(&load, PROGRESS, Instant::now(), "Postgres restarted");
        });
    }

    let settled = trial.settle(load);
    let lost = settled.outcomes("lost");
    if trial.times(1, 0) == 1 {
        // The server is back well within a lease.
        no_lease_lost(trial, lost);
    }
}

/// Takes the server away for longer than hosts may trust in their leases, while half of the slots have long jobs.
pub(super) fn away(trial: &mut Trial) {
    let long = LoadPlan {
        jobs: 12,
        priority: 1,
        work: Work { sleep_ms: 8_000..=12_000, ..Work::default() },
        ..LoadPlan::default()
    };
    let long = trial.load(long);
    let load = trial.load(LoadPlan { jobs: trial.times(2000, 300), ..LoadPlan::default() });
    trial.eventually("long jobs to run", PATIENCE, |trial| {
        trial.field.number("select count(*) from job_queue where session is not null") >= 20
    });

    let absence = Duration::from_millis(trial.times(THREE_LEASES_MS, A_LEASE_MS) as u64);
    trial.during("Postgres away", Hit::Everybody, |trial| {
        trial.field.postgres().stop();
        trial.pause(absence);
        for host in 0..3 {
            let ended = trial.field.host(host).log_line("the session is lost", Duration::from_secs(2));
            trial.require(ended.is_some(), format!("host {host} did not give its lease up by its own clock"));
        }
        trial.field.postgres().start_again();
        trial.recovers(&load, PROGRESS, Instant::now(), "Postgres back after three leases");
    });

    let settled = trial.settle_all([long, load]);
    let parked = settled.in_state("failed");
    trial.require(parked == 0, format!("{parked} jobs failed although only the database was away"));
}
