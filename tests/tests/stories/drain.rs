//! Processes that are asked to end: what they tell probes, what they wait for, and their exit codes.

use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::Stdio;

use stories::{Footing, Page, Role, Setup, System, guest, is_connected, page};
use testkit::eventually::eventually_blocking;

fn system(setup: &Setup) -> System {
    let system = System::start(setup);
    system.jobctl().publish(&guest(system.folder()), &["--fuel", "unlimited"]);
    system
}

fn one_of_each() -> Setup {
    Setup { drain_timeout: "60s", ..Setup::on(Footing::Distributed { schedulers: 1, hosts: 1 }) }
}

/// A job that runs for so many milliseconds, and does now.
fn running(system: &System, ms: &str) -> String {
    let id = system.jobctl().enqueue("nap", ms, &[]);
    let _ = system.jobctl().job_in(&id, "running");
    id
}

/// What the probe answers once it says that it is not ready.
fn unready(server: &str) -> Page {
    eventually_blocking("it is not ready any more", || {
        Some(page(server, "/readyz")).filter(|page| page.status != 200)
    })
}

/// A role that finds its database and Redis at `address`.
fn role(name: &str, words: &[&str], address: &str, folder: &Path) -> Role {
    let environment = [
        ("HOME", folder.display().to_string()),
        ("JOBCTL_DATABASE_URL", format!("postgres://nobody:secret@{address}/none")),
        ("JOBCTL_REDIS_URL", format!("redis://{address}")),
    ];
    let environment = environment.map(|(name, value)| (name.to_owned(), value)).to_vec();
    let arguments = [words, &["--listen", "127.0.0.1:0"]].concat();
    Role::new(name, arguments.into_iter().map(str::to_owned).collect(), environment, folder)
}

const ROLES: [(&str, &[&str]); 2] = [("a-host", &["host", "run"]), ("a-scheduler", &["scheduler", "run"])];

#[test]
fn a_host_that_drains_is_alive_and_not_ready_and_ends_well_when_its_jobs_have() {
    let mut system = system(&one_of_each());
    let control = system.host(0).control().to_owned();
    let id = running(&system, "3000");
    assert_eq!(page(&control, "/readyz").status, 200);

    system.host(0).signal("INT");

    let probe = unready(&control);
    assert_eq!((probe.status, probe.body.as_str()), (503, "draining: no new work\n"));
    assert_eq!(page(&control, "/healthz").status, 200);
    assert_eq!(system.host(0).exit().code(), Some(0));
    assert_eq!(system.jobctl().job(&id)["state"], "succeeded");
    assert!(TcpStream::connect(control.trim_start_matches("http://")).is_err(), "its port is free again");
}

#[test]
fn a_host_ends_well_although_redis_is_away() {
    let mut system = system(&one_of_each());
    let id = running(&system, "1500");
    system.stop_redis();

    system.host(0).signal("TERM");

    assert_eq!(system.host(0).exit().code(), Some(0));
    assert_eq!(system.jobctl().job(&id)["state"], "succeeded");
}

#[test]
fn a_second_signal_ends_a_host_at_once_and_what_ran_runs_again_uncounted() {
    let mut system = system(&one_of_each());
    let id = system.jobctl().enqueue("nap", "120000", &["--max-attempts", "1"]);
    let _ = system.jobctl().job_in(&id, "running");
    system.host(0).signal("TERM");
    let control = system.host(0).control().to_owned();
    let _ = unready(&control);

    system.host(0).signal("INT");

    assert_eq!(system.host(0).exit().code(), Some(0));
    let job = system.jobctl().job(&id);
    assert_eq!(
        (&job["state"], &job["attempts"][0]["outcome"]),
        (&"queued".into(), &"released".into()),
        "{job}"
    );
    system.host(0).start();
    let job = system.jobctl().job_in(&id, "running");
    assert_eq!(job["attempt"], 2, "{job}");
}

#[test]
fn a_role_that_waits_for_its_backends_ends_well_when_asked() {
    let folder = tempfile::tempdir().expect("a folder");
    // Somebody who takes connections and says nothing, and somebody who is not there.
    let silent = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = silent.local_addr().expect("it is bound").to_string();
    for (name, words) in ROLES {
        let mut waits = role(name, words, &address, folder.path());
        waits.begin();
        let _connected = silent.accept().expect("it connects");

        waits.signal("TERM");

        assert_eq!(waits.exit().code(), Some(0), "{}", waits.log_text());
    }

    drop(silent);
    for (name, words) in ROLES {
        let mut waits = role(&format!("{name}-too"), words, &address, folder.path());
        waits.begin();
        eventually_blocking("it says what it waits for", || {
            waits.log_text().contains("is not available yet; trying again").then_some(())
        });

        waits.signal("INT");

        assert_eq!(waits.exit().code(), Some(0), "{}", waits.log_text());
        assert!(waits.log_text().contains("stopped before it began"), "{}", waits.log_text());
    }
}

#[test]
fn a_scheduler_that_ends_makes_room_at_once_and_a_follower_ends_too() {
    let mut system = system(&Setup::on(Footing::Distributed { schedulers: 2, hosts: 1 }));
    let leader = system.leader();
    let api = system.scheduler(leader).api().to_owned();
    assert_eq!(page(&api, "/readyz").status, 200);

    system.scheduler(leader).signal("TERM");
    assert_eq!(system.scheduler(leader).exit().code(), Some(0));

    assert!(TcpStream::connect(api.trim_start_matches("http://")).is_err(), "nothing new reaches it");
    assert!(system.scheduler(leader).log_text().contains("this replica resigned"));
    let other = system.leader();
    assert_ne!(other, leader);
    let id = system.jobctl_at(other).enqueue("echo", "1", &["--wait"]);
    assert_eq!(system.jobctl_at(other).job(&id)["state"], "succeeded");

    system.scheduler(leader).start();
    system.scheduler(leader).signal("INT");
    assert_eq!(system.scheduler(leader).exit().code(), Some(0));
    assert_eq!(system.leader(), other);
}

#[test]
fn who_waits_at_a_scheduler_that_ends_goes_on_when_it_is_back() {
    let mut system = system(&one_of_each());
    let api = system.scheduler(0).api().to_owned();
    let id = running(&system, "4000");
    let mut waiting = system.jobctl().command(&["job", "wait", &id, "-o", "json"]);
    let mut waiter = waiting.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("jobctl starts");
    let listen = api.trim_start_matches("http://").to_owned();
    let port = listen.rsplit(':').next().and_then(|port| port.parse().ok()).expect("a port");
    eventually_blocking("the waiter to be connected", || is_connected(waiter.id(), port).then_some(()));

    system.scheduler(0).terminate();
    let arguments = &mut system.scheduler(0).launch().arguments;
    let place = arguments.iter().position(|word| word == "--listen").expect("it listens") + 1;
    arguments[place] = listen;
    system.scheduler(0).start();

    assert_eq!(waiter.wait().expect("it ends").code(), Some(0));
    assert_eq!(system.jobctl().job(&id)["state"], "succeeded");
}

#[test]
fn dev_answers_while_it_drains_and_tells_probes_that_it_leaves() {
    let mut system = system(&Setup::on(Footing::Embedded));
    let api = system.scheduler(0).api().to_owned();
    let id = running(&system, "3000");
    assert_eq!(page(&api, "/readyz").status, 200);

    system.scheduler(0).signal("INT");

    let probe = unready(&api);
    assert_eq!((probe.status, probe.body.as_str()), (503, "stopping\n"));
    assert_eq!(page(&api, "/healthz").status, 200);
    assert_eq!(system.jobctl().job(&id)["state"], "running");
    assert_eq!(system.scheduler(0).exit().code(), Some(0));
    system.scheduler(0).start();
    assert_eq!(system.jobctl().job(&id)["state"], "succeeded");
}
