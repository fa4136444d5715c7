//! PostgreSQL that restarts, is away, locked, full or held open.

mod away;
mod crowd;
mod cut;
mod idle;
mod locked;
mod stranger;

use std::time::Duration;

use crate::stage::Stage;
use crate::trial::Trial;

/// The stages of this group.
pub(super) const STAGES: &[Stage] = &[
    Stage {
        name: "postgres-restarted",
        fault: "Postgres restarted in immediate mode under load",
        pass: "clients and hosts reconnect; running jobs go on and are reported; recovery within 10 s",
        run: away::restarted,
    },
    Stage {
        name: "postgres-away",
        fault: "Postgres away for three leases",
        pass: "hosts end their guests by their own clock; no second success; recovery within 10 s",
        run: away::away,
    },
    Stage {
        name: "postgres-cut-at-commit",
        fault: "backends terminated at COMMIT, answers lost, while clients enqueue with keys and retry",
        pass: "exactly one job a key",
        run: cut::at_commit,
    },
    Stage {
        name: "postgres-locked-queue",
        fault: "`LOCK TABLE … ACCESS EXCLUSIVE` on `job_queue` and `jobs` for 20 s each",
        pass: "time-outs and retries; no lease is lost; no process ends; recovery within 10 s",
        run: locked::queue,
    },
    Stage {
        name: "postgres-locked-sessions",
        fault: "`LOCK TABLE host_sessions` for 20 s, four leases",
        pass: "time-outs and retries; no process ends; recovery within 10 s",
        run: locked::sessions,
    },
    Stage {
        name: "postgres-conflicts",
        fault: "deadlocks with a foreign session; a database set to `serializable`",
        pass: "victims run again; nobody is told; no process ends",
        run: locked::conflicts,
    },
    Stage {
        name: "postgres-crowded",
        fault: "all connections taken by others",
        pass: "a clear error within 10 s, readiness says so, heals itself within 10 s",
        run: crowd::crowded,
    },
    Stage {
        name: "postgres-held-open",
        fault: "an idle transaction open under 200 jobs a second",
        pass: "claim p99 under five times normal, or a warning that names the pid",
        run: idle::held_open,
    },
];

/// How many jobs must end to show that work goes on: more than ran or waited to be reported.
const PROGRESS: usize = 120;

/// Longer than anything takes that is to come.
const PATIENCE: Duration = Duration::from_secs(60);

/// No lease was lost: hosts outlived the fault with what they ran.
fn no_lease_lost(trial: &mut Trial, lost: usize) {
    trial.require(lost == 0, format!("{lost} attempts were taken for lost"));
}
