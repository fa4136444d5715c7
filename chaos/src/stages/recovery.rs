//! Hosts whose process is gone: how soon their jobs run elsewhere.

use std::time::Duration;

use history::Hit;
use testkit::link::Way;

use crate::load::{Load, LoadPlan, Work};
use crate::stage::Stage;
use crate::trial::Trial;

/// The stages of this group.
pub(super) const STAGES: &[Stage] = &[
    Stage {
        name: "host-killed",
        fault: "kill -9 of a host mid-job, at random moments; restarted under the same name within a second",
        pass: "I1–I8; its jobs run again within 1 s at default settings; outcome `lost`",
        run: killed,
    },
    Stage {
        name: "host-killed-silent",
        fault: "kill -9 of a host mid-job that no scheduler reaches any more: only silence tells",
        pass: "I1–I8; its jobs run again within the lease + 2 s; outcome `lost`",
        run: killed_silently,
    },
];

/// How soon the jobs of a process that is gone run elsewhere.
const AT_ONCE: Duration = Duration::from_secs(1);

/// The lease that a host has by default, and how much later its jobs may run elsewhere.
const LEASE: Duration = Duration::from_secs(5);
const RESCUE: Duration = Duration::from_secs(2);

/// Longer than anything takes that is to come.
const PATIENCE: Duration = Duration::from_secs(40);

/// How long a leader may take to find a new host and hear its session: twice the time between its looks, and the way.
const FOUND: Duration = Duration::from_millis(1_200);

/// Jobs that come in steadily, with room left on two of three hosts.
fn steady(trial: &Trial) -> Load {
    const ENOUGH: usize = 20_000;
    let work = Work { sleep_ms: 300..=900, ..Work::default() };
    trial.load(LoadPlan { jobs: ENOUGH, per_second: Some(20), batch: 10, work, ..LoadPlan::default() })
}

/// Waits until the host runs jobs, and returns its session.
fn at_work(trial: &mut Trial, host: usize) -> i64 {
    let running = |trial: &Trial| {
        let session = trial.field.session(host)?;
        (held(trial, session) > 0).then_some(session)
    };
    trial.eventually("the host to run jobs", PATIENCE, |trial| running(trial).is_some());
    trial.field.session(host).unwrap_or_default()
}

/// How many jobs run under a session.
fn held(trial: &Trial, session: i64) -> u64 {
    trial.field.number(&format!("select count(*) from job_queue where session = {session}"))
}

fn killed(trial: &mut Trial) {
    let load = steady(trial);
    load.until_ended(10);
    let times = trial.times(20, 2);

    for time in 0..times {
        let host = time % 3;
        trial.pause(FOUND + trial.random_ms(0..=500));
        at_work(trial, host);
        // The next process answers before anybody asked, or the port refuses for a while.
        let away = if time % 2 == 0 { Duration::ZERO } else { trial.random_ms(100..=800) };
        let name = trial.field.host(host).name().to_owned();
        trial.during("kill -9", Hit::host(name), |trial| {
            trial.field.host(host).kill();
            trial.pause(away);
            trial.field.host(host).start();
        });
    }
    load.stop();

    let settled = trial.settle(load);
    let takeovers = settled.takeovers();
    trial.require(takeovers.len() >= times, "a host that was killed held no job");
    for took in takeovers {
        trial.takeover(took);
        trial.within(took, AT_ONCE, "its jobs run elsewhere");
    }
}

fn killed_silently(trial: &mut Trial) {
    let load = steady(trial);
    load.until_ended(10);

    let times = trial.times(3, 1);
    for host in 0..times {
        let session = at_work(trial, host);
        trial.field.host(host).control().silence(Way::Both);
        let name = trial.field.host(host).name().to_owned();
        trial.during("kill -9, unseen", Hit::host(name), |trial| {
            trial.field.host(host).kill();
            trial.field.host(host).start();
            trial.eventually("its jobs to be taken back", PATIENCE, |trial| held(trial, session) == 0);
        });
        trial.field.host(host).control().pass();
    }
    load.stop();

    let settled = trial.settle(load);
    let takeovers = settled.takeovers();
    trial.require(takeovers.len() >= times, "a host that was killed held no job");
    for took in takeovers {
        trial.takeover(took);
        trial.within(took, LEASE + RESCUE, "its jobs run elsewhere");
    }
}
