//! The data folder of `jobctl dev`: one process at a time, and a copy of it is a system of its own.

use std::path::Path;
use std::process::Command;

use stories::{Answer, Footing, Jobctl, Role, Setup, System, guest, outcomes};

fn system() -> System {
    let system = System::start(&Setup::on(Footing::Embedded));
    system.jobctl().publish(&guest(system.folder()), &[]);
    system
}

/// Another `jobctl dev` on `data`, which ends by itself.
fn second(system: &System, data: &Path) -> Answer {
    system.jobctl().run(&["dev", "--port", "0", "--data-dir", data.to_str().expect("a plain path")])
}

/// `jobctl dev` on `data`.
fn start(data: &Path, folder: &Path) -> Role {
    let arguments = ["dev", "--port", "0", "--data-dir", data.to_str().expect("a plain path")];
    let home = ("HOME".to_owned(), folder.display().to_string());
    let mut dev = Role::new("dev", arguments.map(str::to_owned).to_vec(), vec![home], folder);
    dev.start();
    dev
}

#[test]
fn a_second_dev_is_refused_in_one_line_by_whatever_path_it_comes_and_the_first_does_not_notice() {
    let mut system = system();
    let data = system.folder().join("data");
    let by_another_path = system.folder().join("link");
    std::os::unix::fs::symlink(&data, &by_another_path).expect("linked");
    let pid = system.scheduler(0).pid();

    for path in [&data, &by_another_path] {
        let refused = second(&system, path);

        assert_eq!((refused.code, refused.stdout.as_str()), (9, ""), "{refused:?}");
        let lines: Vec<_> = refused.stderr.lines().collect();
        let [error, hint] = lines[..] else { panic!("{refused:?}") };
        assert!(
            error.starts_with("error: ") && error.ends_with(&format!("in use by process {pid}")),
            "{error}"
        );
        assert!(hint.starts_with("hint: ") && hint.contains("--data-dir"), "{hint}");
    }
    assert!(system.scheduler(0).is_running());
    let _ = system.jobctl().enqueue("echo", "1", &["--wait"]);
}

#[test]
fn a_lock_of_a_dev_that_was_killed_holds_nobody_up() {
    let mut system = system();
    system.scheduler(0).kill();

    system.scheduler(0).start();

    let refused = second(&system, &system.folder().join("data"));
    let _ = system.jobctl().enqueue("echo", "1", &["--wait"]);
    assert_eq!(refused.code, 9, "{refused:?}");
}

#[test]
fn a_copy_of_the_folder_taken_while_it_runs_is_a_system_of_its_own() {
    let system = system();
    let jobctl = system.jobctl();
    let running = jobctl.enqueue("nap", "4000", &[]);
    let later = jobctl.enqueue("echo", "2", &["--delay", "2s"]);
    let _ = jobctl.job_in(&running, "running");
    let folder = tempfile::tempdir().expect("a folder");
    let copy = folder.path().join("data");
    let copied = Command::new("cp").arg("-r").args([&system.folder().join("data"), &copy]).status();
    assert!(copied.expect("cp starts").success());

    let of_copy = start(&copy, folder.path());
    let in_copy = Jobctl::at(of_copy.api());
    // Told to the copy, it is no business of the one that was copied.
    let _ = in_copy.json(&["job", "cancel", &running]);

    assert_eq!(in_copy.job_in(&running, "cancelled")["state"], "cancelled");
    assert_eq!(outcomes(&in_copy.job_in(&later, "succeeded")), ["succeeded"]);
    assert_eq!(outcomes(&jobctl.job_in(&running, "succeeded")), ["succeeded"]);
    assert_eq!(outcomes(&jobctl.job_in(&later, "succeeded")), ["succeeded"]);
}
