//! Hosts that are killed, stopped and drained, and clocks that are wrong.

mod clocks;
mod drain;
mod killed;
mod stopped;

use std::time::Duration;

use crate::stage::Stage;
use crate::trial::Trial;

/// The usual lease of a host.
const LEASE: Duration = Duration::from_secs(5);

/// The stages of this group.
pub(super) const STAGES: &[Stage] = &[
    Stage {
        name: "host-killed-at-an-effect",
        fault: "host killed within 20 ms of an effect",
        pass: "at most two executions each, one success",
        run: killed::at_an_effect,
    },
    Stage {
        name: "host-taken-down",
        fault: "a job that takes its host process down",
        pass: "parked after three lost leases with the reason; other jobs finish; hosts not in a crash loop",
        run: killed::by_its_job,
    },
    Stage {
        name: "host-stopped",
        fault: "host stopped (SIGSTOP) for three leases during jobs that end with an effect, then continued",
        pass: "result and next effect refused; it notices, ends its guests within 2 s, opens a new session, goes on; \
               its jobs run again within the lease + 2 s",
        run: stopped::for_three_leases,
    },
    Stage {
        name: "host-stopped-shortly",
        fault: "host stopped for less than a lease",
        pass: "no take-over, no duplicate",
        run: stopped::for_less_than_a_lease,
    },
    Stage {
        name: "host-drained",
        fault: "SIGTERM and SIGINT of a host under load with short and long jobs",
        pass: "no new work within 0.5 s; short ones finish; long ones `released` at the deadline, not counted; exit 0; \
               heartbeats to the end",
        run: drain::at_the_deadline,
    },
    Stage {
        name: "host-drained-twice",
        fault: "a second SIGTERM of a host that drains",
        pass: "long ones `released` now, not counted; exit 0",
        run: drain::twice,
    },
    Stage {
        name: "scheduler-drained",
        fault: "SIGTERM and SIGINT of the leader, SIGTERM of a follower, under load",
        pass: "another leads at once; calls under way are answered; exit 0",
        run: drain::schedulers,
    },
    Stage {
        name: "clock-wrong",
        fault: "clock of one process after another an hour ahead, behind, ten years ahead",
        pass: "leases and due times by the database's clock: no take-over, nothing fires early; people are told the \
               database's time",
        run: clocks::wrong,
    },
];

/// The host, by its index, and the session that hold the job now.
fn runs_at(trial: &mut Trial, job: &str) -> Option<(usize, i64)> {
    let sql = format!(
        "select s.name, s.id from job_queue q join host_sessions s on s.id = q.session where q.job_id = '{job}'"
    );
    let row = trial.field.query(&sql).pop()?;
    let (name, session) = row.split_once('|')?;
    let host = trial.field.hosts().iter().position(|host| host.name() == name)?;
    Some((host, session.parse().ok()?))
}

/// How many jobs the session holds.
fn held(trial: &Trial, session: i64) -> u64 {
    trial.field.number(&format!("select count(*) from job_queue where session = {session}"))
}

/// The database's present instant, in microseconds since 1970.
fn now_us(trial: &Trial) -> i64 {
    let us = trial.field.number("select (extract(epoch from clock_timestamp()) * 1000000)::bigint");
    i64::try_from(us).unwrap_or(i64::MAX)
}
