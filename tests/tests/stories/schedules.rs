//! Schedules as a user has them: they fire, and can be paused, fired by hand, made up for and deleted.

use std::time::Duration;

use chrono::TimeDelta;
use model::clock::{Clock as _, SystemClock};
use serde_json::{Value, json};
use stories::{
    Footing, Jobctl, System, Told, assert_each_second_once, guest, instant, made, outcomes, skipped,
};
use testkit::eventually::eventually_blocking;

const FOOTINGS: [Footing; 2] = [Footing::Embedded, Footing::Distributed { schedulers: 1, hosts: 1 }];

/// Never while these stories are told, unless they are told on New Year's Eve of a leap year.
const RARELY: [&str; 2] = ["--cron", "0 0 29 2 *"];

/// A payload with the instant in it.
const DATED: [&str; 2] = ["--payload", r#"{"n": 1.50, "day": "{{scheduled_for}}"}"#];

fn system(footing: Footing) -> (System, Jobctl) {
    let system = System::on(footing);
    let jobctl = system.jobctl();
    jobctl.publish(&guest(system.folder()), &["--fuel", "unlimited"]);
    (system, jobctl)
}

/// `jobctl schedule create NAME --task TASK FLAGS…`
fn create(jobctl: &Jobctl, name: &str, task: &str, flags: &[&[&str]]) -> Value {
    jobctl.json(&[&["schedule", "create", name, "--task", task], &flags.concat()[..]].concat())
}

fn show(jobctl: &Jobctl, name: &str) -> Value {
    jobctl.json(&["schedule", "show", name])
}

/// Each job is that of its instant, and its payload had it.
fn assert_jobs_are_of(jobctl: &Jobctl, schedule: &str, told: &[Told]) {
    for one in told.iter().filter(|one| one.job.is_some()) {
        let id = one.job.as_deref().expect("it made one");
        let job = jobctl.job_in(id, "succeeded");
        assert_eq!(
            (&job["schedule"], &job["scheduled_for"]),
            (&json!(schedule), &one.all["instant"]),
            "{job}"
        );
        assert_eq!(job["result"]["day"], one.all["instant"], "{job}");
        assert_eq!(outcomes(&job), ["succeeded"], "{job}");
    }
}

#[test]
fn a_schedule_of_each_second_fires_and_everything_says_so() {
    for footing in FOOTINGS {
        let (_system, jobctl) = system(footing);
        let created = create(
            &jobctl,
            "tick",
            "echo",
            &[
                &["--cron", "* * * * * *", "--tag", "of=clock", "--queue", "ticks", "--note", "for\ta test"],
                &DATED,
            ],
        );
        let every = create(&jobctl, "beat", "echo", &[&["--every", "1s"], &DATED]);
        assert_eq!(
            (&created["state"], &created["unchanged"]),
            (&json!("active"), &json!(false)),
            "{created}"
        );

        let _ = (jobctl.succeeded("tick", 3), jobctl.succeeded("beat", 3));
        let paused = jobctl.run(&["schedule", "pause", "tick", "beat"]);

        assert_eq!(paused.code, 0, "{paused:?}");
        for (name, says) in [("tick", "every second"), ("beat", "every second")] {
            let told = jobctl.history(name);
            assert_each_second_once(&told);
            assert_eq!(made(&told).len(), told.len(), "{told:#?}");
            assert!(told.iter().all(|one| one.all["kind"] == "clock"), "{told:#?}");
            assert_jobs_are_of(&jobctl, name, &told);
            let (shown, last) = (show(&jobctl, name), told.last().expect("it fired"));
            assert_eq!((&shown["state"], &shown["next_at"]), (&json!("paused"), &Value::Null), "{shown}");
            assert_eq!((&shown["last_at"], &shown["last_job"]), (&last.all["instant"], &last.all["job"]));
            assert!(shown["description"].as_str().is_some_and(|text| text.starts_with(says)), "{shown}");
        }
        let anchor = instant(every["anchor"].as_str().expect("it is counted from somewhere"));
        assert_eq!(jobctl.history("beat")[0].from, anchor + TimeDelta::seconds(1), "{every}");
        assert_people_read_it_too(&jobctl);
    }
}

/// The same for people, and the job that a schedule made has its options.
fn assert_people_read_it_too(jobctl: &Jobctl) {
    let told = jobctl.history("tick");
    let (last, id) = (told.last().expect("it fired"), *made(&told).last().expect("it fired"));
    let at = last.all["instant"].as_str().expect("a text");
    let job = jobctl.job(id);
    assert_eq!((&job["queue"], &job["tags"]), (&json!("ticks"), &json!({"of": "clock"})), "{job}");
    let expected: [(&[&str], &[&str]); 4] = [
        (&["job", "show", id], &["tick, for ", at]),
        (&["schedule", "list"], &["tick", "beat", "every second", "paused", "echo"]),
        (&["schedule", "show", "tick"], &["* * * * * *", "every second", "paused", "echo", id]),
        (&["schedule", "history", "tick"], &[id, "succeeded", "clock"]),
    ];
    for (words, parts) in expected {
        let answer = jobctl.run(&[words, &["--time", "iso"]].concat());
        assert_eq!(answer.code, 0, "{answer:?}");
        for part in parts {
            assert!(answer.stdout.contains(part), "{part} is not in {}", answer.stdout);
        }
    }
    let listed = jobctl.list(&["schedule", "list", "--task", "echo", "--state", "paused"]);
    let names: Vec<_> = listed.iter().map(|one| one["name"].as_str().unwrap_or_default()).collect();
    assert_eq!(names, ["beat", "tick"]);
}

#[test]
fn a_single_instant_fires_once_and_then_its_schedule_is_finished() {
    let (_system, jobctl) = system(Footing::Embedded);
    // What is due is whatever comes after the create; an odd fraction has to come through as it is.
    let at = SystemClock.now() + Duration::from_millis(2_500);
    let at = at.format("%Y-%m-%dT%H:%M:%S%.3fZ").to_string();

    let created = create(&jobctl, "once", "echo", &[&["--at", &at], &DATED]);
    let told = jobctl.succeeded("once", 1);
    let shown = show(&jobctl, "once");
    let again = jobctl.refusal(2, &["schedule", "create", "late", "--task", "echo", "--at", &at]);

    assert_eq!(created["next_at"].as_str().map(instant), Some(instant(&at)), "{created}");
    assert_eq!((told.len(), told[0].from), (1, instant(&at)), "{told:#?}");
    assert_jobs_are_of(&jobctl, "once", &told);
    assert_eq!((&shown["state"], &shown["next_at"]), (&json!("finished"), &Value::Null), "{shown}");
    assert!(again["message"].as_str().is_some_and(|text| text.contains("at: ")), "{again}");
    assert_eq!(jobctl.refusal(3, &["schedule", "show", "late"])["code"], "not_found", "nothing was stored");
}

#[test]
fn a_paused_schedule_does_not_fire_and_a_resumed_one_says_what_it_passed_over() {
    let (_system, jobctl) = system(Footing::Embedded);
    let _ = create(&jobctl, "tick", "echo", &[&["--cron", "* * * * * *"], &DATED]);
    let _ = jobctl.succeeded("tick", 1);

    let paused = jobctl.json(&["schedule", "pause", "tick"]);
    let before = jobctl.history("tick");
    let until = instant(paused["last_at"].as_str().expect("it fired")) + TimeDelta::seconds(3);
    eventually_blocking("instants to pass", || (SystemClock.now() > until).then_some(()));
    let meanwhile = jobctl.history("tick");
    let resumed = jobctl.json(&["schedule", "resume", "tick"]);
    let told = jobctl.history_when("tick", "it fires again", |told| made(told).len() > made(&before).len());

    assert_eq!((&paused["state"], &resumed["state"]), (&json!("paused"), &json!("active")));
    assert_eq!(made(&meanwhile), made(&before), "it fired while it was paused");
    assert_each_second_once(&told);
    let [passed_over] = skipped(&told, "paused")[..] else { panic!("{told:#?}") };
    assert!(
        passed_over.from <= until - TimeDelta::seconds(2)
            && passed_over.until >= until - TimeDelta::seconds(1)
    );
    assert_eq!(resumed["next_at"].as_str().map(instant), Some(passed_over.until + TimeDelta::seconds(1)));
    let shown = jobctl.run(&["schedule", "history", "tick"]);
    assert!(shown.stdout.contains("skipped: paused"), "{shown:?}");
}

#[test]
fn a_schedule_is_triggered_by_hand_in_any_state_and_waited_for() {
    let (_system, jobctl) = system(Footing::Embedded);
    let _ = create(&jobctl, "year", "echo", &[&RARELY, &["--jitter", "10m"], &DATED]);
    let _ = create(&jobctl, "slow", "nap", &[&RARELY, &["--overlap", "skip", "--payload", "60000"]]);
    let _ = create(&jobctl, "bad", "shout", &[&RARELY, &["--max-attempts", "1"]]);

    let waited = jobctl.run(&["schedule", "trigger", "year", "--wait"]);
    let _ = jobctl.json(&["schedule", "pause", "year"]);
    let id = jobctl.run(&["schedule", "trigger", "year"]).stdout.trim().to_owned();
    let first = jobctl.json(&["schedule", "trigger", "slow"]);
    let second = jobctl.json(&["schedule", "trigger", "slow"]);
    let beside = jobctl.json(&["schedule", "trigger", "slow", "--overlap", "allow"]);
    let failed = jobctl.run(&["schedule", "trigger", "bad", "--wait"]);

    assert_eq!((waited.code, failed.code), (0, 4), "{waited:?} {failed:?}");
    let told = jobctl.succeeded("year", 2);
    assert_eq!(waited.json()["day"], told[0].all["instant"], "{waited:?}");
    assert_eq!(told[1].job.as_deref(), Some(id.as_str()));
    assert!(told.iter().all(|one| one.all["kind"] == "trigger"), "{told:#?}");
    assert_jobs_are_of(&jobctl, "year", &told);
    assert_eq!([&first["outcome"], &beside["outcome"]], ["fired", "fired"], "{first} {beside}");
    assert_eq!((&second["outcome"], &second["id"]), (&json!("skipped"), &Value::Null), "{second}");
    assert_eq!(second["reason"], "overlap", "{second}");
    assert_eq!(skipped(&jobctl.history("slow"), "overlap").len(), 1);
    assert_eq!(show(&jobctl, "year")["state"], "paused");
    let told = jobctl.json(&["job", "cancel", "--task", "nap", "-y"]);
    assert_eq!(told["matched"], 2, "{told}");
}

#[test]
fn what_has_passed_is_made_up_for_once() {
    for footing in FOOTINGS {
        let (_system, jobctl) = system(footing);
        let _ = create(&jobctl, "hourly", "echo", &[&["--cron", "@hourly", "--jitter", "30m"], &DATED]);
        let range = |from, to| ["schedule", "backfill", "hourly", "--from", from, "--to", to];
        let (short, long) = (
            range("2026-03-01T00:00:00Z", "2026-03-01T06:00:00Z"),
            range("2026-03-01T00:00:00+00:00", "2026-03-01T04:00:01-05:00"),
        );

        let counted = jobctl.json(&[&short[..], &["--count-only"]].concat());
        let unasked = jobctl.run(&short);
        assert!(jobctl.history("hourly").is_empty(), "counting makes nothing");
        let once = jobctl.json(&[&short[..], &["-y"]].concat());
        let twice = jobctl.json(&[&short[..], &["-y"]].concat());
        let more = jobctl.json(&[&long[..], &["-y"]].concat());
        let future =
            jobctl.run(&[&range("2026-03-01T00:00:00Z", "2999-01-01T00:00:00Z")[..], &["-y"]].concat());

        assert_eq!((unasked.code, future.code), (2, 2), "{unasked:?} {future:?}");
        let sum = |sum: &Value| ["instants", "fired_before", "made"].map(|field| sum[field].as_u64());
        assert_eq!(sum(&counted), [Some(6), Some(0), Some(0)], "{counted}");
        assert_eq!(sum(&once), [Some(6), Some(0), Some(6)], "{once}");
        assert_eq!(sum(&twice), [Some(6), Some(6), Some(0)], "{twice}");
        assert_eq!(sum(&more), [Some(10), Some(6), Some(4)], "{more}");
        let told = jobctl.succeeded("hourly", 10);
        let first = instant("2026-03-01T00:00:00Z");
        let hours: Vec<_> = (0..10).map(|hour| first + TimeDelta::hours(hour)).collect();
        assert_eq!(told.iter().map(|one| one.from).collect::<Vec<_>>(), hours);
        assert!(told.iter().all(|one| one.all["kind"] == "backfill"), "{told:#?}");
        assert_jobs_are_of(&jobctl, "hourly", &told);
    }
}

#[test]
fn a_deleted_schedule_leaves_its_jobs_and_its_name() {
    let (_system, jobctl) = system(Footing::Embedded);
    let _ = create(&jobctl, "gone", "nap", &[&["--every", "1s", "--overlap", "skip", "--payload", "3000"]]);
    let running = jobctl.history_when("gone", "a job runs", |told| {
        told.first().is_some_and(|one| one.all["job_state"] == "running")
    });

    let deleted = jobctl.json(&["schedule", "delete", "gone"]);
    let missing = jobctl.refusal(3, &["schedule", "history", "gone"]);
    let again = create(&jobctl, "gone", "echo", &[&RARELY]);

    assert_eq!(deleted, json!({"name": "gone", "deleted": true}));
    assert_eq!(missing["code"], "not_found", "{missing}");
    let job = jobctl.job_in(running[0].job.as_deref().expect("it made one"), "succeeded");
    assert_eq!((&job["schedule"], &job["result"]), (&json!("gone"), &json!(3000)), "{job}");
    assert_eq!((&again["unchanged"], &again["last_job"]), (&json!(false), &Value::Null), "{again}");
    assert!(jobctl.history("gone").is_empty(), "it is another one");
    let jobs = jobctl.list(&["job", "list"]);
    let of_it = jobs.iter().filter(|job| job["schedule"] == "gone").count();
    let fired = running.iter().filter(|one| one.job.is_some()).count();
    assert!(of_it >= fired && jobs.len() == of_it, "{jobs:#?}");
}

#[test]
fn one_that_is_made_again_is_left_as_it_is_and_another_content_is_refused() {
    let (_system, jobctl) = system(Footing::Embedded);
    let flags: [&[&str]; 2] = [&["--every", "6h", "--note", "a"], &DATED];
    let first = create(&jobctl, "same", "echo", &flags);

    let second = create(&jobctl, "same", "echo", &flags);
    let other = jobctl.refusal(9, &["schedule", "create", "same", "--task", "echo", "--every", "7h"]);
    let changed = jobctl.json(&["schedule", "update", "same", "--every", "7h"]);

    assert_eq!((&second["unchanged"], &second["next_at"]), (&json!(true), &first["next_at"]), "{second}");
    assert_eq!(other["code"], "conflict", "{other}");
    assert_eq!((&changed["every_ms"], &changed["note"]), (&json!(25_200_000), &json!("a")), "{changed}");
    let next = instant(changed["next_at"].as_str().expect("it fires"));
    assert!(next > SystemClock.now() + TimeDelta::hours(6), "{changed}");
}
