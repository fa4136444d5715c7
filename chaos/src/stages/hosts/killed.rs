//! Hosts that are gone from one moment to the next.

use std::time::{Duration, Instant};

use history::Hit;

use crate::load::{LoadPlan, Work};
use crate::trial::Trial;

use super::runs_at;

/// How near to its effect a host is killed.
const NEAR_MS: u64 = 20;

/// Longer than anything takes that is to come.
const PATIENCE: Duration = Duration::from_secs(30);

/// Lost leases after which a job is parked, as `model::bounds` has it.
const LOSSES_MAX: usize = 3;

pub(super) fn at_an_effect(trial: &mut Trial) {
    let (mut loads, mut near, mut twice) = (Vec::new(), 0, 0);
    let wanted = trial.times(50, 4);
    // On a busy machine some are too late to count.
    while near < wanted && loads.len() < 3 * wanted {
        // Some are killed before the sink has answered, some after, some when the end is recorded.
        let number = loads.len();
        trial.field.sink().think(Duration::from_millis([0, 30][number % 2]));
        let work = Work { sleep_ms: 60..=120, then_sleep_ms: [0, 15][number / 2 % 2], ..Work::default() };
        let load = trial.load(LoadPlan { jobs: 1, work, ..LoadPlan::default() });
        let job = load.ids().remove(0);
        if let Some((host, seen)) = until_effect(trial, &job) {
            trial.pause(trial.random_ms(0..=NEAR_MS / 2));
            let name = trial.field.host(host).name().to_owned();
            let fault = trial.fault("kill -9", Hit::host(name));
            near += usize::from(seen.elapsed() <= Duration::from_millis(NEAR_MS));
            trial.field.host(host).kill();
            trial.over(fault);
            // The next one lands on whoever is there.
            trial.field.host(host).begin();
        }
        load.until_ended(1);

        let executions = trial.field.sink().effects(&job).len();
        twice += usize::from(executions > 1);
        trial.require(executions <= 2, format!("job {job} ran {executions} times"));
        loads.push(load);
    }
    trial.field.sink().think(Duration::ZERO);
    trial.field.start_all();

    trial.note(format!(
        "{near} hosts were killed within {NEAR_MS} ms of an effect, and {twice} jobs ran twice"
    ));
    trial.require(
        near >= wanted,
        format!("only {near} of {wanted} hosts were killed near enough to an effect"),
    );
    let settled = trial.settle_all(loads);
    for takeover in settled.takeovers() {
        trial.takeover(takeover);
    }
}

/// Waits for the effect of a job, and tells when it came and on which host; none when it came before it was watched.
fn until_effect(trial: &mut Trial, job: &str) -> Option<(usize, Instant)> {
    let mut host = None;
    trial.eventually("the job runs", PATIENCE, |trial| {
        host = runs_at(trial, job);
        host.is_some() || !trial.field.sink().effects(job).is_empty()
    });
    let (host, _) = host.filter(|_| trial.field.sink().effects(job).is_empty())?;
    let deadline = Instant::now() + PATIENCE;
    while trial.field.sink().effects(job).is_empty() && Instant::now() < deadline {
        std::thread::park_timeout(Duration::from_millis(1));
    }
    Some((host, Instant::now()))
}

pub(super) fn by_its_job(trial: &mut Trial) {
    let others =
        LoadPlan { jobs: trial.times(600, 120), per_second: Some(40), batch: 5, ..LoadPlan::default() };
    let others = trial.load(others);
    // It never ends by itself: it is what takes its host down.
    let work = Work { sleep_ms: 120_000..=120_000, effects: 0, ..Work::default() };
    let poison = trial.load(LoadPlan { jobs: 1, work, ..LoadPlan::default() });
    let job = poison.ids().remove(0);

    let (mut downs, mut before) = (0, None);
    loop {
        let mut place = None;
        trial.eventually("the job runs again or has ended", PATIENCE, |trial| {
            place = runs_at(trial, &job).filter(|(_, session)| Some(*session) != before);
            place.is_some() || poison.ended().is_ok_and(|ended| ended == 1)
        });
        let Some((host, session)) = place.filter(|_| downs <= LOSSES_MAX) else { break };
        trial.pause(Duration::from_millis(200));
        (downs, before) = (downs + 1, Some(session));
        let name = trial.field.host(host).name().to_owned();
        // What watches over hosts starts them again, each time.
        trial.during("its host goes down", Hit::host(name), |trial| {
            trial.field.host(host).kill();
            trial.field.host(host).start();
        });
    }

    trial.require(downs == LOSSES_MAX, format!("the job took {downs} hosts down; {LOSSES_MAX} are allowed"));
    let shown = trial.field.jobctl().job(&job);
    let (kind, message) = (&shown["error"]["kind"], shown["error"]["message"].as_str().unwrap_or_default());
    trial.require(
        shown["state"] == "failed" && kind == "lost",
        format!("it is {} with {kind}", shown["state"]),
    );
    trial.require(message.starts_with("three times"), format!("the reason counts the losses: {message:?}"));
    let settled = trial.settle_all([others, poison]);
    trial.require(settled.in_state("failed") == 1, "all other jobs finish");
}
