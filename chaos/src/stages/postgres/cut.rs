//! Answers that are lost: backends that are ended at COMMIT, connections that are cut, while clients enqueue.

use std::time::Duration;

use history::Hit;

use crate::load::{Keys, LoadPlan, Work};
use crate::trial::Trial;

/// Ends, in a tight loop of the server's own, whoever stores jobs just now; now and then there is a pause, so that
/// something is stored.
const END_THEM: &str = "do $$ begin
  for turn in 1..300 loop
    perform pg_stat_clear_snapshot();
    perform pg_terminate_backend(pid) from pg_stat_activity
      where datname = current_database() and pid <> pg_backend_pid() and state = 'active'
        and query like '%with asked as materialized%' and turn % 3 <> 0;
    perform pg_sleep(0.002);
  end loop;
end $$";

/// How the server's log tells of one that was ended.
const ENDED: &str = "terminating connection due to administrator command";

/// Ends backends and cuts lines while clients enqueue with keys and ask again by the same ids.
pub(super) fn at_commit(trial: &mut Trial) {
    let plan = LoadPlan {
        jobs: trial.times(4000, 600),
        batch: 20,
        keys: Keys::Each("cut-".to_owned()),
        // The story is about asking; the jobs are only to end.
        work: Work { sleep_ms: 5..=20, ..Work::default() },
        ..LoadPlan::default()
    };
    let total = plan.jobs;
    let load = trial.load(plan);
    let ended = |trial: &mut Trial| trial.field.postgres().log_text().matches(ENDED).count();
    let before = ended(trial);

    let (most, mut rounds) = (trial.times(12, 2), 0);
    while rounds < most && load.acknowledged() < total {
        rounds += 1;
        trial.during("backends terminated at COMMIT", Hit::Everybody, |trial| {
            trial.field.postgres().execute(END_THEM);
        });
        trial.during("answers cut off", Hit::Everybody, |trial| {
            for _ in 0..trial.times(20, 10) {
                let pause = trial.random_ms(2..=25);
                trial.pause(pause);
                for scheduler in 0..2 {
                    trial.field.scheduler(scheduler).database().reset();
                }
            }
        });
        trial.pause(Duration::from_millis(100));
    }

    let ended = ended(trial) - before;
    trial.require(ended > 0, "no backend was ended: the fault did not happen");
    load.until_asked();
    let (acknowledged, errors) = (load.acknowledged(), load.errors());
    trial.note(format!("{ended} backends ended; clients were told of {errors:?} before they were answered"));
    trial.require(acknowledged == total, format!("{acknowledged} of {total} were acknowledged"));
    let jobs = "from jobs where key like 'cut-%'";
    let (stored, keys) = (
        trial.field.number(&format!("select count(*) {jobs}")),
        trial.field.number(&format!("select count(distinct key) {jobs}")),
    );
    trial.require(
        (stored, keys) == (total as u64, total as u64),
        format!("{stored} jobs are stored for {keys} of {total} keys"),
    );
    trial.settle(load);
}
