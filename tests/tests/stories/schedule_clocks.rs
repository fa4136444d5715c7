//! Schedulers whose own clock is wrong, by a library that shows them another time (`faketime`).

use std::path::PathBuf;

use chrono::{SubsecRound, TimeDelta};
use model::clock::{Clock as _, SystemClock};
use serde_json::{Value, json};
use stories::{Footing, Role, System, assert_each_second_once, guest, instant, made};
use testkit::eventually::eventually_blocking;

/// Where the library lies. Without it nothing here would be shown.
fn library() -> PathBuf {
    let folders = std::fs::read_dir("/usr/lib").expect("there is /usr/lib").flatten();
    let mut places = folders.map(|folder| folder.path().join("faketime/libfaketimeMT.so.1"));
    places.find(|place| place.exists()).expect("faketime is not installed: run scripts/setup isolation")
}

/// Starts the scheduler again with a clock that is `off`; its monotonic clock goes right, as on a machine with a wrong
/// time of day.
fn restart(scheduler: &mut Role, off: &str) {
    scheduler.terminate();
    let preload = library().display().to_string();
    let environment =
        [("LD_PRELOAD", preload.as_str()), ("FAKETIME", off), ("FAKETIME_DONT_FAKE_MONOTONIC", "1")];
    let kept = &mut scheduler.launch().environment;
    kept.extend(environment.map(|(name, value)| (name.to_owned(), value.to_owned())));
    scheduler.start();
    eventually_blocking("it to see that its clock is off", || {
        scheduler.log_text().contains("this machine's clock is off").then_some(())
    });
}

#[test]
fn schedulers_whose_clock_is_an_hour_off_fire_nothing_early_late_or_twice() {
    let mut system = System::on(Footing::Distributed { schedulers: 2, hosts: 1 });
    let jobctl = system.jobctl();
    jobctl.publish(&guest(system.folder()), &[]);
    let soon = SystemClock.now().trunc_subsecs(0) + TimeDelta::minutes(30);
    let ago = (SystemClock.now() - TimeDelta::minutes(30)).to_rfc3339();
    let soon = soon.to_rfc3339();
    let each_second = ["--cron", "* * * * * *", "--missed", "skip"];
    let _ = jobctl.json(&[&["schedule", "create", "tick", "--task", "echo"], &each_second[..]].concat());
    let _ = jobctl.json(&["schedule", "create", "soon", "--task", "echo", "--at", &soon]);
    let _ = jobctl.succeeded("tick", 1);

    for (index, off) in ["+1h", "-1h"].into_iter().enumerate() {
        restart(system.scheduler(index), off);
    }
    // Each of them leads for a while, and so does the other.
    for _ in 0..2 {
        let leader = system.leader();
        let jobctl = system.jobctl_at(leader);
        let before = made(&jobctl.history("tick")).len();
        let _ = jobctl.succeeded("tick", before + 3);
        // What callers are told and what they may ask for goes by the database's clock, too.
        let late = jobctl.refusal(2, &["schedule", "create", "late", "--task", "echo", "--at", &ago]);
        assert!(late["message"].as_str().is_some_and(|text| text.contains("at: ")), "{late}");
        let triggered = jobctl.json(&["schedule", "trigger", "soon"]);
        let at = instant(triggered["instant"].as_str().unwrap_or_else(|| panic!("{triggered}")));
        assert!((SystemClock.now() - at).abs() < TimeDelta::minutes(5), "{triggered}");
        system.scheduler(leader).kill();
        let _ = system.leader();
        system.scheduler(leader).start();
    }

    let jobctl = system.jobctl();
    let paused = jobctl.json(&["schedule", "pause", "tick"]);
    let told = jobctl.history("tick");
    assert_eq!(paused["state"], "paused", "{paused}");
    assert_each_second_once(&told);
    assert_eq!(made(&told).len(), told.len(), "none was taken for missed: {told:#?}");
    let early: Vec<_> = told.iter().filter(|one| one.recorded_at() < one.from).collect();
    assert!(early.is_empty(), "{early:#?}");
    let shown = jobctl.json(&["schedule", "show", "soon"]);
    assert_eq!(
        (&shown["state"], shown["next_at"].as_str().map(instant)),
        (&json!("active"), Some(instant(&soon)))
    );
    let soon = jobctl.history("soon");
    assert!(soon.iter().all(|one| one.all["kind"] == "trigger") && soon.len() == 2, "{soon:#?}");
    assert_ne!(shown["last_job"], Value::Null, "{shown}");
}
