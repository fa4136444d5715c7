//! What becomes of instants that nobody was there for, and of those that meet a run which still goes on.

use chrono::TimeDelta;
use model::clock::{Clock as _, SystemClock};
use serde_json::{Value, json};
use stories::{
    Footing, Jobctl, Setup, System, Told, assert_each_second_once, guest, instant, made, outcomes, skipped,
};
use testkit::eventually::eventually_blocking;

const FOOTINGS: [Footing; 2] = [Footing::Embedded, Footing::Distributed { schedulers: 1, hosts: 1 }];

const EACH_SECOND: [&str; 2] = ["--cron", "* * * * * *"];

/// Longer than a story.
const LONG: &str = "600000";

fn system(footing: Footing) -> System {
    let flags =
        if footing == Footing::Embedded { vec!["--slots".to_owned(), "8".to_owned()] } else { Vec::new() };
    let system = System::start(&Setup { flags, slots: 8, ..Setup::on(footing) });
    system.jobctl().publish(&guest(system.folder()), &["--fuel", "unlimited"]);
    system
}

fn create(jobctl: &Jobctl, name: &str, task: &str, flags: &[&str]) {
    let _ = jobctl.json(&[&["schedule", "create", name, "--task", task], &EACH_SECOND[..], flags].concat());
}

/// Of a schedule that was away: what was passed over because of that, and the first instant that fired after it.
fn around_the_gap(told: &[Told]) -> (&Told, &Told) {
    let missed = skipped(told, "missed").into_iter().max_by_key(|one| one.until - one.from);
    let missed = missed.unwrap_or_else(|| panic!("nothing was missed: {told:#?}"));
    let next = told.iter().find(|one| one.from > missed.until).expect("something came after it");
    (missed, next)
}

#[test]
fn what_was_missed_while_nothing_was_up_goes_by_the_policy() {
    for footing in FOOTINGS {
        let mut system = system(footing);
        let jobctl = system.jobctl();
        let policies = ["skip", "last", "all"];
        for policy in policies {
            create(&jobctl, policy, "echo", &["--missed", policy, "--missed-after", "1s"]);
        }
        let before = policies.map(|policy| jobctl.succeeded(policy, 1).len());

        system.stop();
        let until = SystemClock.now() + TimeDelta::seconds(5);
        eventually_blocking("instants to be missed", || (SystemClock.now() > until).then_some(()));
        system.start_all();

        let jobctl = system.jobctl();
        let [skip, last, all] = [0, 1, 2].map(|index| {
            jobctl.history_when(policies[index], "it fires again", |told| {
                told.len() > before[index]
                    && told.last().is_some_and(|one| one.job.is_some() && one.from > until)
            })
        });
        for told in [&skip, &last, &all] {
            assert_each_second_once(told);
        }
        let ((skip_missed, skip_next), (last_missed, last_next)) =
            (around_the_gap(&skip), around_the_gap(&last));
        // Both were looked at in the same moment: one of them makes up for the latest missed instant.
        assert_eq!(skip_missed.until, last_next.from, "{skip_missed:#?} {last_next:#?}");
        assert_eq!(skip_next.from, skip_missed.until + TimeDelta::seconds(1), "{skip_next:#?}");
        assert!(last_next.job.is_some() && last_missed.count >= Some(2), "{last:#?}");
        assert_eq!(made(&all).len(), all.len(), "it makes up for all: {all:#?}");
        for told in [&last, &all] {
            let id = told.iter().find(|one| one.from == last_next.from).and_then(|one| one.job.as_deref());
            let job = jobctl.job_in(id.expect("it was made up for"), "succeeded");
            assert_eq!(job["scheduled_for"], last_next.all["instant"], "as of its own time: {job}");
        }
        let shown = jobctl.run(&["schedule", "history", "skip"]);
        assert!(shown.stdout.contains("skipped: missed ("), "{shown:?}");
    }
}

#[test]
fn an_instant_that_was_only_late_fires_whatever_the_policy() {
    let mut system = system(Footing::Embedded);
    create(&system.jobctl(), "tick", "echo", &["--missed", "skip"]);
    let _ = system.jobctl().succeeded("tick", 1);

    system.stop();
    let until = SystemClock.now() + TimeDelta::seconds(3);
    eventually_blocking("instants to be late", || (SystemClock.now() > until).then_some(()));
    system.start_all();

    let again = |told: &[Told]| told.last().is_some_and(|one| one.from > until);
    let told = system.jobctl().history_when("tick", "it fires again", again);
    assert_each_second_once(&told);
    assert_eq!(made(&told).len(), told.len(), "{told:#?}");
}

/// Each run had ended before the next one was made.
fn assert_one_after_the_other(jobctl: &Jobctl, told: &[Told]) -> Vec<Value> {
    let jobs: Vec<_> = made(told).into_iter().map(|id| jobctl.job(id)).collect();
    let at = |job: &Value, field: &str| job[field].as_str().map(instant);
    for pair in jobs.windows(2) {
        let ended = at(&pair[0], "finished_at");
        assert!(ended.is_some() && ended <= at(&pair[1], "created_at"), "they ran side by side: {pair:#?}");
    }
    jobs
}

#[test]
fn an_instant_that_meets_a_run_is_skipped_or_waits_as_the_schedule_says() {
    for footing in FOOTINGS {
        let system = system(footing);
        let jobctl = system.jobctl();
        create(&jobctl, "skips", "nap", &["--overlap", "skip", "--payload", "1500"]);
        create(&jobctl, "queues", "nap", &["--overlap", "queue", "--payload", "1500"]);

        let _ = (jobctl.succeeded("skips", 2), jobctl.succeeded("queues", 2));
        // A run goes on, and an instant waits for its end.
        eventually_blocking("an instant to wait for a run", || {
            let shown = jobctl.json(&["schedule", "show", "queues"]);
            let (open, waiting) = (shown["open_jobs"].as_array()?.len(), shown["pending"].as_u64()?);
            assert!(open <= 1, "one at a time: {shown}");
            (open == 1 && waiting > 0).then_some(())
        });
        let _ = jobctl.run(&["schedule", "pause", "skips", "queues"]);
        let [skips, queues] = ["skips", "queues"].map(|name| {
            jobctl.history_when(name, "its jobs end", |told| {
                told.iter().all(|one| one.job.is_none() || one.all["job_state"] == "succeeded")
            })
        });

        assert_each_second_once(&skips);
        assert_one_after_the_other(&jobctl, &skips);
        assert!(!skipped(&skips, "overlap").is_empty(), "{skips:#?}");
        assert_each_second_once(&queues);
        assert!(assert_one_after_the_other(&jobctl, &queues).len() >= 2);
        assert!(skipped(&queues, "overlap").is_empty(), "none is passed over while it is on: {queues:#?}");
        assert!(!skipped(&queues, "paused").is_empty(), "what waited was dropped by the pause: {queues:#?}");
        let first_skipped = queues.iter().position(|one| one.job.is_none()).expect("one was");
        assert!(queues[first_skipped..].iter().all(|one| one.job.is_none()), "in their order: {queues:#?}");
        assert_eq!(jobctl.json(&["schedule", "show", "queues"])["pending"], 0);
    }
}

#[test]
fn a_run_that_still_goes_on_is_cancelled_by_the_next_instant() {
    for footing in FOOTINGS {
        let system = system(footing);
        let jobctl = system.jobctl();
        create(&jobctl, "cancels", "nap", &["--overlap", "cancel", "--payload", LONG]);

        // Those that had begun were interrupted; on a busy machine one may be cancelled while it still waits.
        let interrupted = |told: &[Told]| {
            let cancelled = told.iter().filter(|one| one.all["job_state"] == "cancelled");
            let jobs = cancelled.map(|one| jobctl.job(one.job.as_deref().expect("it made one")));
            jobs.filter(|job| outcomes(job) == ["cancelled"]).count() >= 2
        };
        let _ = jobctl.history_when("cancels", "two runs are interrupted", interrupted);
        let _ = jobctl.json(&["schedule", "pause", "cancels"]);
        let told = jobctl.history_when("cancels", "all but the last are cancelled", |told| {
            let mut states = told.iter().filter(|one| one.job.is_some()).map(|one| &one.all["job_state"]);
            states.next_back().is_some_and(|state| state == "running")
                && states.all(|state| state == "cancelled")
        });

        assert_each_second_once(&told);
        let ids = made(&told);
        let (last, others) = ids.split_last().expect("it fired");
        for job in others.iter().map(|id| jobctl.job(id)) {
            let attempts = job["attempts"].as_array().expect("a list");
            assert!(attempts.len() <= 1, "it was not tried again: {job}");
            assert!(attempts.iter().all(|one| one["stop"]["reason"] == "cancel"), "{job}");
        }
        let open = jobctl.json(&["schedule", "show", "cancels"])["open_jobs"].clone();
        assert_eq!(open, json!([last]));
        let _ = jobctl.json(&["job", "cancel", last]);
        let _ = jobctl.job_in(last, "cancelled");
    }
}

#[test]
fn a_trigger_that_waits_for_a_run_makes_its_job_when_that_has_ended() {
    let system = system(Footing::Embedded);
    let jobctl = system.jobctl();
    let flags = ["--cron", "0 0 29 2 *", "--overlap", "queue", "--payload", "1500"];
    let _ = jobctl.json(&[&["schedule", "create", "year", "--task", "nap"], &flags[..]].concat());

    let first = jobctl.json(&["schedule", "trigger", "year"]);
    let queued = jobctl.run(&["schedule", "trigger", "year", "--wait"]);

    assert_eq!(first["outcome"], "fired", "{first}");
    assert_eq!((queued.code, queued.stdout.trim()), (0, "1500"), "{queued:?}");
    assert!(queued.stderr.contains("runs still"), "{queued:?}");
    let told = jobctl.succeeded("year", 2);
    assert_one_after_the_other(&jobctl, &told);
}
