//! Schedules while leaders are killed, and when one of many schedules cannot fire any more.

use chrono::TimeDelta;
use serde_json::{Value, json};
use stories::{
    Footing, Jobctl, System, Told, assert_each_second_once, guest, instant, made, resuming_guest, skipped,
};
use testkit::eventually::eventually_blocking;

const EACH_SECOND: [&str; 2] = ["--cron", "* * * * * *"];

fn create(jobctl: &Jobctl, name: &str, task: &str) {
    let flags = [&["schedule", "create", name, "--task", task], &EACH_SECOND[..]].concat();
    let _ = jobctl.json(&flags);
}

fn fires_after(jobctl: &Jobctl, schedule: &str, what: &str, before: &[Told]) -> Vec<Told> {
    let last = before.last().expect("something was told").until;
    jobctl.history_when(schedule, what, |told| {
        told.last().is_some_and(|one| one.job.is_some() && one.from > last)
    })
}

#[test]
fn leaders_are_killed_again_and_again_and_each_instant_has_one_job() {
    let mut system = System::on(Footing::Distributed { schedulers: 2, hosts: 1 });
    system.jobctl().publish(&guest(system.folder()), &[]);
    create(&system.jobctl(), "tick", "echo");
    let mut told = system.jobctl().succeeded("tick", 1);

    for round in 0..4 {
        let leader = system.leader();
        system.scheduler(leader).kill();
        let other = system.jobctl_at(1 - leader);
        told = fires_after(&other, "tick", &format!("it fires after kill {round}"), &other.history("tick"));
        system.scheduler(leader).start();
    }

    let jobctl = system.jobctl();
    let paused = jobctl.json(&["schedule", "pause", "tick"]);
    let done = jobctl.history_when("tick", "its jobs have ended", |told| {
        told.iter().all(|one| one.all["job_state"] == "succeeded")
    });
    assert!(done.len() >= told.len());
    assert_each_second_once(&done);
    assert_eq!(made(&done).len(), done.len(), "none is missing: {done:#?}");
    assert_one_job_each(&system, &done);

    // What comes while it is paused is passed over, in one piece, and none is missing after it either.
    let until = instant(paused["last_at"].as_str().expect("it fired")) + TimeDelta::seconds(2);
    let passed = format!("select 1 where now() > '{until}'");
    eventually_blocking("instants to pass", || (!system.query(&passed).is_empty()).then_some(()));
    let resumed = jobctl.json(&["schedule", "resume", "tick"]);
    let again = jobctl.history_when("tick", "it fires again", |told| made(told).len() > done.len());
    assert_eq!((&paused["state"], &resumed["state"]), (&json!("paused"), &json!("active")));
    assert_each_second_once(&again);
    assert!(matches!(skipped(&again, "paused")[..], [one] if one.count >= Some(1)), "{again:#?}");
}

/// The jobs there are, are those of the history, one for each instant.
fn assert_one_job_each(system: &System, told: &[Told]) {
    let jobs = system.jobctl().list(&["job", "list", "--limit", "1000"]);
    let mut listed: Vec<_> = jobs
        .iter()
        .map(|job| (job["scheduled_for"].as_str().map(instant), job["id"].as_str(), job["schedule"].as_str()))
        .collect();
    listed.sort_unstable();
    let expected: Vec<_> =
        told.iter().map(|one| (Some(one.from), one.job.as_deref(), Some("tick"))).collect();
    assert_eq!(listed, expected);
}

/// A system with schedules of each second, all of which fire.
fn several() -> System {
    let system = System::on(Footing::Distributed { schedulers: 1, hosts: 1 });
    let jobctl = system.jobctl();
    jobctl.publish(&guest(system.folder()), &[]);
    jobctl.publish(&resuming_guest(system.folder()), &[]);
    let names = [("good", "echo"), ("zoneless", "echo"), ("senseless", "echo"), ("taskless", "resume")];
    for (name, task) in names {
        create(&jobctl, name, task);
    }
    for (name, _) in names {
        let _ = jobctl.history_when(name, "it fires", |told| !told.is_empty());
    }
    system
}

/// Waits until the schedule is disabled, and returns why.
fn disabled(jobctl: &Jobctl, name: &str) -> String {
    eventually_blocking(&format!("{name} to be disabled"), || {
        let shown = jobctl.list(&["schedule", "list", "--state", "disabled"]);
        let found = shown.into_iter().find(|one| one["name"] == name)?;
        Some(found["reason"].as_str().unwrap_or_else(|| panic!("{found}")).to_owned())
    })
}

#[test]
fn a_schedule_that_cannot_fire_any_more_is_disabled_alone_with_its_reason() {
    let system = several();
    let jobctl = system.jobctl();
    let _ = system.query(
        "update schedules set spec = convert_to(replace(convert_from(spec, 'UTF8'), '\"UTC\"', '\"Mars/Olympus\"'), 'UTF8')
         where name = 'zoneless'",
    );
    let zone = disabled(&jobctl, "zoneless");
    let _ = system.query(
        "with gone as (delete from task_versions where task_id = (select id from tasks where name = 'resume'))
         update tasks set active_version = null, name = 'renamed' where name = 'resume'",
    );
    let task = disabled(&jobctl, "taskless");
    let _ = system.query("update schedules set spec = '{\"timing\": 5}' where name = 'senseless'");
    let sense = disabled(&jobctl, "senseless");
    let before = jobctl.history("good");

    assert!(sense.contains("corrupt"), "{sense}");
    assert!(zone.contains("Mars/Olympus"), "{zone}");
    assert!(task.contains("resume"), "{task}");
    let people = jobctl.run(&["schedule", "list"]);
    for part in ["good", "disabled", "Mars/Olympus", "resume", "corrupt"] {
        assert!(people.stdout.contains(part), "{part} is not in {people:?}");
    }
    for (name, reason) in [("zoneless", &zone), ("taskless", &task), ("senseless", &sense)] {
        let shown = jobctl.json(&["schedule", "show", name]);
        assert_eq!((&shown["state"], &shown["reason"]), (&json!("disabled"), &json!(reason)), "{shown}");
        assert_eq!(shown["next_at"], Value::Null, "{shown}");
        let people = jobctl.run(&["schedule", "show", name]);
        assert!(people.code == 0 && people.stdout.contains(reason.as_str()), "{people:?}");
    }
    let good = fires_after(&jobctl, "good", "it goes on", &before);
    assert_each_second_once(&good);
    assert_eq!(made(&good).len(), good.len(), "{good:#?}");

    // Mended and resumed, they fire again and say what they passed over.
    let _ = jobctl.json(&["schedule", "update", "zoneless", "--timezone", "Etc/UTC"]);
    jobctl.publish(&resuming_guest(system.folder()), &[]);
    let _ = jobctl.json(&["schedule", "resume", "taskless"]);
    let trigger = jobctl.refusal(3, &["schedule", "trigger", "senseless"]);
    assert!(trigger["message"].as_str().is_some_and(|text| text.contains("not found")), "{trigger}");
    let resume = jobctl.refusal(2, &["schedule", "resume", "senseless"]);
    assert!(resume["message"].as_str().is_some_and(|text| text.contains("cron")), "{resume}");
    let _ = jobctl.json(&["schedule", "update", "senseless", "--task", "echo", "--cron", "* * * * * *"]);
    for name in ["zoneless", "taskless", "senseless"] {
        let told = fires_after(&jobctl, name, "it fires again", &jobctl.history(name));
        assert_each_second_once(&told);
        assert!(!skipped(&told, "disabled").is_empty(), "{told:#?}");
        let shown = jobctl.json(&["schedule", "show", name]);
        assert_eq!((&shown["state"], &shown["reason"]), (&json!("active"), &Value::Null), "{shown}");
    }
}
