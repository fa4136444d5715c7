//! Hosts and leaders that are gone, or were: told from those that are only silent, and fenced off.

use stories::{Footing, Receiver, Setup, System, calling_guest, guest, host_of, outcomes};
use testkit::eventually::eventually_blocking;

/// Two hosts whose lease ends long after the test: what comes in time does not come from it.
fn patient(schedulers: usize) -> Setup {
    Setup {
        environment: vec![("JOBCTL_LOG", "info,scheduler=debug".to_owned())],
        flags: ["--lease", "10m"].map(str::to_owned).to_vec(),
        ..Setup::on(Footing::Distributed { schedulers, hosts: 2 })
    }
}

/// Waits until the leader watches the host.
fn is_watched(system: &mut System, host: usize) {
    let leader = system.leader();
    let line = format!("host host-{} is watched", host + 1);
    eventually_blocking(&line, || system.scheduler(leader).log_text().contains(&line).then_some(()));
}

/// A job that takes a while, and the watched host that runs it.
fn job_on_a_watched_host(system: &mut System) -> (String, usize) {
    let jobctl = system.jobctl();
    jobctl.publish(&guest(system.folder()), &["--fuel", "unlimited"]);
    let id = jobctl.enqueue("nap", "4000", &[]);
    let host = host_of(&jobctl.job_in(&id, "running"));
    is_watched(system, host);
    (id, host)
}

#[test]
fn the_jobs_of_a_killed_host_do_not_wait_for_its_lease() {
    let mut system = System::start(&patient(2));
    let (id, host) = job_on_a_watched_host(&mut system);

    system.host(host).kill();

    let job = system.jobctl().job_in(&id, "succeeded");
    assert_eq!(outcomes(&job), ["lost", "succeeded"], "{job}");
    assert_ne!(host_of(&job), host, "{job}");
}

#[test]
fn nor_do_those_of_a_host_that_is_back_at_once_under_its_name_and_port() {
    let mut system = System::start(&patient(1));
    let (id, host) = job_on_a_watched_host(&mut system);
    let listen = system.host(host).control().trim_start_matches("http://").to_owned();
    let arguments = &mut system.host(host).launch().arguments;
    let at = arguments.iter().position(|argument| argument == "--listen").expect("it listens somewhere");
    arguments[at + 1] = listen;

    system.host(host).kill();
    system.host(host).start();

    let job = system.jobctl().job_in(&id, "succeeded");
    assert_eq!(outcomes(&job), ["lost", "succeeded"], "{job}");
}

#[test]
fn a_host_that_ends_in_order_is_not_taken_for_gone() {
    let mut system = System::start(&patient(1));
    let (id, host) = job_on_a_watched_host(&mut system);

    system.host(host).terminate();

    let job = system.jobctl().job_in(&id, "succeeded");
    assert_eq!(outcomes(&job), ["succeeded"], "{job}");
    assert!(!system.scheduler(0).log_text().contains("is gone"), "it said itself that it ends");
}

#[test]
fn a_host_that_slept_while_its_session_was_closed_lets_no_effect_out() {
    let receiver = Receiver::saying(&["200 OK\r\n\r\n"]);
    let flags = ["--lease", "10s"].map(str::to_owned).to_vec();
    let setup = Setup { flags, ..Setup::on(Footing::Distributed { schedulers: 1, hosts: 2 }) };
    let mut system = System::start(&setup);
    let jobctl = system.jobctl();
    let flags = ["--fuel", "unlimited", "--allow-http", &receiver.place()];
    jobctl.publish(&calling_guest(system.folder()), &flags);
    let id = jobctl.enqueue("nap_and_call", &format!("\"{}\"", receiver.url("/")), &[]);
    let host = host_of(&jobctl.job_in(&id, "running"));

    // It sleeps for less than its lease, and wakes in the moment of its effect.
    system.host(host).signal("STOP");
    let close = format!("update host_sessions set closed_at = now() where name = 'host-{}'", host + 1);
    let _ = system.query(&close);
    let job = jobctl.job_in(&id, "succeeded");
    system.host(host).signal("CONT");
    eventually_blocking("the host to notice", || {
        system.host(host).log_text().contains("the session is lost").then_some(())
    });

    assert_eq!(outcomes(&job), ["lost", "succeeded"], "{job}");
    assert_ne!(host_of(&job), host, "{job}");
    // It goes on under a new session, and so does its work.
    eventually_blocking("both hosts", || {
        let status = jobctl.json(&["status"]);
        (status["hosts"].as_array().map(Vec::len) == Some(2)).then_some(())
    });
    let received = receiver.received();
    assert_eq!(received.len(), 1, "{received:?}");
    assert_eq!(
        received[0].header("idempotency-key"),
        Some(format!("{id}-0").as_str()),
        "as in the first attempt"
    );
    assert_eq!(outcomes(&jobctl.job(&id)), ["lost", "succeeded"]);
}

#[test]
fn a_leader_that_was_stopped_finds_another_one_when_it_wakes_and_follows_it() {
    let mut system = System::on(Footing::Distributed { schedulers: 2, hosts: 1 });
    let leader = system.leader();
    let (jobctl, address) = (system.jobctl_at(1 - leader), system.scheduler(1 - leader).api().to_owned());
    jobctl.publish(&guest(system.folder()), &["--fuel", "unlimited"]);
    let reign = || {
        let leader = jobctl.json(&["status"])["leader"].clone();
        (leader["address"] == address).then_some(leader)
    };

    system.scheduler(leader).signal("STOP");
    let before = eventually_blocking("the other one to lead", reign);
    let id = jobctl.enqueue("nap", "500", &[]);
    system.scheduler(leader).signal("CONT");
    eventually_blocking("the first one to step down", || {
        system.scheduler(leader).log_text().contains("leads no more").then_some(())
    });

    let job = jobctl.job_in(&id, "succeeded");
    assert_eq!(outcomes(&job), ["succeeded"], "{job}");
    assert_eq!(
        reign().map(|leader| leader["term"].clone()),
        Some(before["term"].clone()),
        "nobody else was elected"
    );
}
