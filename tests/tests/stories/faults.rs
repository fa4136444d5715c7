//! What breaks in daily life: hosts, leaders, Redis. Nothing is lost, and nothing succeeds twice.

use std::collections::BTreeSet;
use std::process::Stdio;

use stories::{Answer, Footing, Jobctl, Setup, System, guest, host_of, outcomes};
use testkit::eventually::eventually_blocking;

fn system(setup: &Setup) -> System {
    let system = System::start(setup);
    system.jobctl().publish(&guest(system.folder()), &["--fuel", "unlimited"]);
    system
}

fn two_of_each() -> Setup {
    Setup { slots: 2, ..Setup::on(Footing::Distributed { schedulers: 2, hosts: 2 }) }
}

/// All of them succeed, each by one attempt.
fn assert_each_succeeds_once(jobctl: &Jobctl, ids: &[String]) {
    for id in ids {
        let job = jobctl.job_in(id, "succeeded");
        let outcomes = outcomes(&job);
        assert_eq!(outcomes.iter().filter(|outcome| **outcome == "succeeded").count(), 1, "{job}");
        assert_eq!(outcomes.last(), Some(&"succeeded"), "{job}");
    }
    assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), ids.len(), "no two share an id");
}

#[test]
fn a_job_whose_host_was_killed_runs_again_elsewhere_and_succeeds_once() {
    let mut system = system(&two_of_each());
    let jobctl = system.jobctl();
    let id = jobctl.enqueue("nap", "4000", &[]);
    let first = host_of(&jobctl.job_in(&id, "running"));

    system.host(first).kill();

    let job = jobctl.job_in(&id, "succeeded");
    assert_eq!(outcomes(&job), ["lost", "succeeded"], "{job}");
    assert_ne!(host_of(&job), first, "{job}");
    // Back again under its name, it takes part as if nothing had happened.
    system.host(first).start();
    let ids: Vec<_> = (0..4).map(|_| jobctl.enqueue("nap", "500", &[])).collect();
    assert_each_succeeds_once(&jobctl, &ids);
}

#[test]
fn when_the_leader_is_killed_the_other_takes_over_and_jobs_go_on() {
    let mut system = system(&two_of_each());
    let leader = system.leader();
    let other = 1 - leader;
    let jobctl = system.jobctl_at(other);
    let term = jobctl.json(&["status"])["leader"]["term"].as_i64().expect("a term");
    let before: Vec<_> = (0..4).map(|_| jobctl.enqueue("nap", "1000", &["--delay", "1s"])).collect();

    system.scheduler(leader).kill();
    let at_once: Vec<_> = (0..4).map(|_| jobctl.enqueue("echo", "1", &[])).collect();

    assert_eq!(system.leader(), other);
    let after: Vec<_> = (0..4).map(|_| jobctl.enqueue("echo", "2", &[])).collect();
    for ids in [before, at_once, after] {
        assert_each_succeeds_once(&jobctl, &ids);
    }
    assert!(jobctl.json(&["status"])["leader"]["term"].as_i64() > Some(term));
    system.scheduler(leader).start();
    let id = system.jobctl_at(leader).enqueue("echo", "3", &[]);
    assert_each_succeeds_once(&system.jobctl_at(leader), &[id]);
}

#[test]
fn jobs_that_wait_run_even_if_redis_was_emptied() {
    let setup = Setup { slots: 1, ..Setup::on(Footing::Distributed { schedulers: 1, hosts: 1 }) };
    let system = system(&setup);
    let jobctl = system.jobctl();
    let busy = jobctl.enqueue("nap", "3000", &[]);
    let _ = jobctl.job_in(&busy, "running");
    let waiting: Vec<_> = (0..20).map(|n| jobctl.enqueue("echo", &n.to_string(), &[])).collect();

    system.flush_redis();

    assert_each_succeeds_once(&jobctl, &[&[busy], &*waiting].concat());
}

#[test]
fn a_drained_host_ends_in_order_and_no_job_is_lost() {
    let mut system = system(&Setup { drain_timeout: "1s", ..two_of_each() });
    let jobctl = system.jobctl();
    let long = jobctl.enqueue("nap", "6000", &[]);
    let first = host_of(&jobctl.job_in(&long, "running"));
    let short: Vec<_> = (0..12).map(|_| jobctl.enqueue("nap", "200", &[])).collect();

    system.host(first).terminate();

    assert_each_succeeds_once(&jobctl, &short);
    let job = jobctl.job_in(&long, "succeeded");
    assert_eq!(outcomes(&job), ["released", "succeeded"], "{job}");
    assert_eq!(job["attempts"][0]["stop"]["reason"], "drain", "{job}");
    assert_ne!(host_of(&job), first, "{job}");
    // Nobody drew on its attempts, and the session is closed.
    eventually_blocking("the drained host to be gone from the status", || {
        let status = jobctl.json(&["status"]);
        (status["hosts"].as_array().map(Vec::len) == Some(1)).then_some(())
    });
}

#[test]
fn a_running_job_is_cancelled_from_any_scheduler_at_once() {
    let system = system(&two_of_each());

    for scheduler in 0..2 {
        let jobctl = system.jobctl_at(scheduler);
        let id = jobctl.enqueue("spin", "{}", &[]);
        let _ = jobctl.job_in(&id, "running");

        let told = jobctl.json(&["job", "cancel", &id]);

        assert_eq!(told["host_reached"], true, "{told}");
        let job = jobctl.job_in(&id, "cancelled");
        assert_eq!(outcomes(&job), ["cancelled"], "{job}");
        assert_eq!(job["attempts"][0]["stop"]["reason"], "cancel", "{job}");
    }
}

#[test]
fn dev_killed_mid_job_takes_up_where_it_was() {
    let mut system = system(&Setup::on(Footing::Embedded));
    let id = system.jobctl().enqueue("nap", "2000", &[]);
    let later = system.jobctl().enqueue("echo", "1", &["--delay", "1s"]);
    let _ = system.jobctl().job_in(&id, "running");

    system.scheduler(0).kill();
    system.scheduler(0).start();

    let jobctl = system.jobctl();
    assert_each_succeeds_once(&jobctl, &[id.clone(), later]);
    assert_eq!(outcomes(&jobctl.job(&id)), ["lost", "succeeded"]);
}

#[test]
fn who_waits_for_a_job_is_told_its_end_although_dev_was_asked_to_end_before() {
    let mut system = system(&Setup::on(Footing::Embedded));
    let jobctl = system.jobctl();
    let id = jobctl.enqueue("nap", "3000", &[]);
    let _ = jobctl.job_in(&id, "running");
    let mut waiting = jobctl.command(&["job", "wait", &id, "-o", "json"]);
    let waiter = waiting.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("jobctl starts");

    system.stop();

    let answer = Answer::from(waiter.wait_with_output().expect("it ends"));
    assert_eq!(answer.code, 0, "{answer:?}");
    assert_eq!(answer.json()["state"], "succeeded", "{answer:?}");
}

#[test]
fn a_second_signal_ends_dev_at_once_and_what_ran_is_given_back() {
    let mut system = system(&Setup::on(Footing::Embedded));
    let id = system.jobctl().enqueue("nap", "120000", &[]);
    let _ = system.jobctl().job_in(&id, "running");
    system.scheduler(0).ask_to_end();
    eventually_blocking("dev to drain", || {
        system.scheduler(0).log_text().contains("stopping: no new work").then_some(())
    });

    system.scheduler(0).terminate();

    assert!(!system.scheduler(0).log_text().contains("drain timeout is over"));
    system.scheduler(0).start();
    let job = system.jobctl().job_in(&id, "running");
    assert_eq!(outcomes(&job), ["released", "running"], "{job}");
}

#[test]
fn a_data_folder_has_one_dev_at_a_time() {
    let system = system(&Setup::on(Footing::Embedded));
    let data = system.folder().join("data");

    let second =
        system.jobctl().run(&["dev", "--port", "0", "--data-dir", data.to_str().expect("a plain path")]);

    assert_ne!(second.code, 0);
    assert!(second.stderr.starts_with("error: ") && second.stderr.contains("data"), "{second:?}");
}

#[test]
fn while_redis_is_away_jobs_are_taken_and_when_it_is_back_they_run() {
    let mut system = system(&two_of_each());
    let jobctl = system.jobctl();
    let running = jobctl.enqueue("nap", "2000", &[]);
    let _ = jobctl.job_in(&running, "running");

    system.stop_redis();
    let ids: Vec<_> = (0..8).map(|n| jobctl.enqueue("echo", &n.to_string(), &[])).collect();
    // What runs is not disturbed.
    assert_each_succeeds_once(&jobctl, &[running]);
    system.start_redis();

    assert_each_succeeds_once(&jobctl, &ids);
}

#[test]
fn many_jobs_survive_all_of_it_at_once() {
    const JOBS: usize = 300;
    let mut system = system(&Setup { slots: 8, ..two_of_each() });
    let jobctl = system.jobctl_at(1);
    let batch = system.folder().join("batch.jsonl");
    let line = |n: usize| format!("{{\"payload\": {}, \"priority\": {}}}\n", 50 + n % 100, 1 + n % 9);
    std::fs::write(&batch, (0..JOBS).map(line).collect::<String>()).expect("written");
    let jobs = jobctl.list(&["enqueue", "nap", "--batch", batch.to_str().expect("a plain path")]);
    let ids: Vec<String> = jobs.iter().map(|job| job["id"].as_str().expect("an id").to_owned()).collect();
    assert_eq!(ids.len(), JOBS);

    system.host(0).kill();
    system.host(0).start();
    system.flush_redis();
    system.host(1).kill();
    system.scheduler(0).kill();
    system.scheduler(0).start();
    system.host(1).start();
    system.scheduler(1).terminate();
    system.scheduler(1).start();

    let jobctl = system.jobctl();
    eventually_blocking("all jobs to end", || {
        let unfinished = ["--state", "scheduled,queued,running", "--limit", "1"];
        jobctl.list(&[&["job", "list"], &unfinished[..]].concat()).is_empty().then_some(())
    });
    assert_each_succeeds_once(&jobctl, &ids);
    for id in &ids {
        let job = jobctl.job(id);
        let attempts = job["attempts"].as_array().expect("a list").iter();
        let numbers: Vec<_> = attempts.filter_map(|attempt| attempt["number"].as_u64()).collect();
        assert!(numbers.iter().copied().eq(1..=numbers.len() as u64), "without gaps: {job}");
        assert!(
            job["attempts"].as_array().expect("a list").iter().all(|a| a["finished_at"].is_string()),
            "{job}"
        );
    }
}
