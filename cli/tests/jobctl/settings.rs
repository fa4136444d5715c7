//! Where settings come from: flag, environment, file. Each is seen by the server that is not there.

use std::fs;

use crate::runner::{Answer, Runner, answer, nobody};

/// Whether the answer speaks of `server`.
fn asked(answer: &Answer, server: &str) -> bool {
    assert_eq!(answer.code, 7, "{answer:?}");
    answer.stderr.contains(server)
}

#[test]
fn a_flag_wins_over_the_environment_and_that_over_the_file() {
    let runner = Runner::new();
    let (flag, variable, file) = (nobody(), nobody(), nobody());
    fs::write(runner.folder().join("jobctl.toml"), format!("server = \"{file}\"")).expect("written");
    let with_variable = |arguments: &[&str], value: &str| {
        answer(runner.command(arguments).env("JOBCTL_SERVER", value).output().expect("jobctl can be started"))
    };

    assert!(asked(&with_variable(&["status", "--server", &flag], &variable), &flag));
    assert!(asked(&with_variable(&["status"], &variable), &variable));
    assert!(asked(&with_variable(&["status"], ""), &file));
    assert!(asked(&runner.run(&["status"]), &file));
}

#[test]
fn the_file_is_found_in_parents_and_then_in_the_users_folder() {
    let runner = Runner::new();
    let (near, users) = (nobody(), nobody());
    let below = runner.folder().join("a/b");
    let config = runner.folder().join("home/.config");
    fs::create_dir_all(&below).expect("made");
    fs::create_dir_all(&config).expect("made");
    fs::write(config.join("jobctl.toml"), format!("server = \"{users}\"")).expect("written");
    let run =
        || answer(runner.command(&["status"]).current_dir(&below).output().expect("jobctl can be started"));

    let from_users = run();
    fs::write(runner.folder().join("a/jobctl.toml"), format!("server = \"{near}\"")).expect("written");
    let from_parent = run();

    assert!(asked(&from_users, &users));
    assert!(asked(&from_parent, &near));
}

#[test]
fn a_file_that_makes_no_sense_is_named() {
    let runner = Runner::new();
    fs::write(runner.folder().join("jobctl.toml"), "sever = \"x\"").expect("written");

    let refused = runner.run(&["status", "-o", "json"]);
    let help = runner.run(&["status", "--help"]);

    let message = refused.json()["error"]["message"].as_str().expect("text").to_owned();
    assert_eq!((refused.code, help.code), (2, 0));
    assert!(message.contains("jobctl.toml") && message.contains("sever"), "{message}");
}

#[test]
fn the_file_may_set_the_format_and_colour_is_only_there_when_wanted() {
    let runner = Runner::new();
    let server = nobody();

    let plain = runner.run(&["status", "--server", &server]);
    let colored = runner.run(&["status", "--server", &server, "--color", "always"]);
    fs::write(runner.folder().join("jobctl.toml"), "output = \"json\"").expect("written");
    let json = runner.run(&["status", "--server", &server]);

    assert!(!plain.stderr.contains('\x1b') && colored.stderr.contains('\x1b'), "{plain:?} {colored:?}");
    assert_eq!(json.json()["error"]["code"], "unavailable");
}
