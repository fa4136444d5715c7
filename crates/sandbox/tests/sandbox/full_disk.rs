//! A cache folder on a disk that is full, read-only, or gone: jobs run, and it is said once.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use guests::running;
use model::attempt::CodeOrigin;
use model::retry::Ending;
use sandbox::{Config, Sandbox};

use crate::cache::files_in;
use crate::room::{Room, config_in};
use crate::told::{listen, told};

/// How a test that was started again inside its file system learns where that is.
const DISK: &str = "SANDBOX_TEST_DISK";

/// How the script below ends when it cannot mount.
const NOT_MOUNTED: i32 = 99;

/// Runs the test of this name once more, in a mount namespace of its own with a file system of `size` in a folder.
/// Says where when it runs there, and nothing when it ran there and passed.
///
/// # Panics
/// When it failed there; or when there can be no such file system, with what is missing.
fn on_a_disk_of(size: &str, test: &str) -> Option<PathBuf> {
    if let Some(disk) = std::env::var_os(DISK) {
        return Some(disk.into());
    }
    let folder = tempfile::tempdir().expect("a folder");
    // With a user namespace nobody need be root. Where those are forbidden, root needs none.
    let namespaces: [&[&str]; 2] = [&["--map-root-user", "--mount"], &["--mount"]];
    let mut complaints = String::new();
    for namespace in namespaces {
        let Output { status, stdout, stderr } = inside(namespace, size, folder.path(), test);
        let text = format!("{}{}", String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr));
        match status.code() {
            Some(0) => {
                assert!(text.contains("1 passed"), "there is no test {test}: {text}");
                return None;
            }
            // How the test harness ends when a test failed.
            Some(101) => panic!("{test} failed on its disk:\n{text}"),
            _ => complaints.push_str(&text),
        }
    }
    panic!(
        "{test} needs a small file system of its own and cannot have it: run it as root, or allow user namespaces \
         (sysctl user.max_user_namespaces > 0, kernel.apparmor_restrict_unprivileged_userns = 0); it also takes \
         `unshare` and `mount` of util-linux: {complaints}"
    );
}

fn inside(namespace: &[&str], size: &str, folder: &Path, test: &str) -> Output {
    let script =
        format!(r#"mount -t tmpfs -o size={size},mode=700 none "$0" || exit {NOT_MOUNTED}; exec "$@""#);
    let mut command = Command::new("unshare");
    command.args(namespace).args(["/bin/sh", "-c", &script]).arg(folder);
    command.arg(std::env::current_exe().expect("this test is a file"));
    command.args([test, "--exact", "--nocapture"]).env(DISK, folder);
    command.output().expect("`unshare` of util-linux is there")
}

/// A room whose cache is in `folder`, without memory.
fn room_in(folder: &Path) -> Room {
    listen();
    let mut room = Room::new();
    let config = Config { memory_bytes_max: 0, ..config_in(folder) };
    room.sandbox = Sandbox::new(config).expect("the engines can be made");
    room
}

/// Runs a component that differs from others by `number`; says where its code came from.
async fn run(room: &Room, number: usize) -> Option<CodeOrigin> {
    let body = format!("(drop (i32.const {number})) (call $ok (i32.const 32) (i32.const 4))");
    let execution = room.run(running(&body)).await;
    assert_eq!(execution.ending, Ending::Succeeded);
    execution.usage.code
}

fn warnings(folder: &Path) -> Vec<String> {
    told("WARN", folder.to_str().expect("its name is text"))
}

#[tokio::test]
async fn a_disk_that_fills_costs_no_job_and_is_reported_once() {
    let Some(disk) = on_a_disk_of("300k", "full_disk::a_disk_that_fills_costs_no_job_and_is_reported_once")
    else {
        return;
    };
    let room = room_in(&disk);

    for number in 0..20 {
        assert_eq!(run(&room, number).await, Some(CodeOrigin::Compiled));
    }

    let kept = files_in(&disk, "code");
    assert!((1..20).contains(&kept.len()), "{kept:?}");
    assert!(kept.iter().all(|file| !file.to_string_lossy().contains("new-")), "{kept:?}");
    let warnings = warnings(&disk);
    assert!(warnings.len() == 1 && warnings[0].contains("No space left on device"), "{warnings:?}");
    // What was kept is used, and when there is room again so is the disk.
    assert_eq!(run(&room, 0).await, Some(CodeOrigin::Disk));
    fs::remove_file(&kept[0]).expect("it can be deleted");
    run(&room, 20).await;
    assert_eq!(run(&room, 20).await, Some(CodeOrigin::Disk));
    assert_eq!(told("INFO", "can be used again").len(), 1);
}

#[tokio::test]
async fn a_disk_that_is_full_from_the_start_costs_no_job() {
    let Some(disk) = on_a_disk_of("300k", "full_disk::a_disk_that_is_full_from_the_start_costs_no_job")
    else {
        return;
    };
    let filling = disk.join("filling");
    // It fails at the end of the disk, and has filled it then.
    fs::write(&filling, vec![1; 1 << 20]).expect_err("it does not fit");
    let room = room_in(&disk);

    for number in 0..3 {
        assert_eq!(run(&room, number).await, Some(CodeOrigin::Compiled));
    }

    assert_eq!(warnings(&disk).len(), 1, "{:?}", warnings(&disk));
    fs::remove_file(filling).expect("it can be deleted");
    run(&room, 0).await;
    assert_eq!(run(&room, 0).await, Some(CodeOrigin::Disk));
}

#[tokio::test]
async fn a_read_only_disk_is_read_and_costs_no_job() {
    let Some(disk) = on_a_disk_of("4m", "full_disk::a_read_only_disk_is_read_and_costs_no_job") else {
        return;
    };
    let room = room_in(&disk);
    run(&room, 0).await;
    run(&room, 1).await;
    let broken = files_in(&disk, "code").pop().expect("two files");
    fs::write(&broken, "broken").expect("it can be written");
    let mounted = Command::new("mount").args(["-o", "remount,bind,ro"]).arg(&disk).status();
    assert!(mounted.expect("`mount` is there").success());

    let room = room_in(&disk);
    let mut origins = [run(&room, 0).await, run(&room, 1).await, run(&room, 2).await];

    // The broken one is either of the first two, and cannot be deleted.
    origins.sort_by_key(|origin| *origin == Some(CodeOrigin::Compiled));
    assert_eq!(origins[0], Some(CodeOrigin::Disk));
    assert_eq!(origins[1..], [Some(CodeOrigin::Compiled); 2]);
    assert_eq!(warnings(&disk).len(), 1, "{:?}", warnings(&disk));
}

#[tokio::test]
async fn a_folder_that_vanishes_comes_back() {
    let folder = tempfile::tempdir().expect("a folder");
    let cache = folder.path().join("deep").join("cache");
    let room = room_in(&cache);
    run(&room, 0).await;

    fs::remove_dir_all(folder.path().join("deep")).expect("it can be deleted");

    assert_eq!(run(&room, 0).await, Some(CodeOrigin::Compiled));
    assert_eq!(run(&room, 0).await, Some(CodeOrigin::Disk));
    assert_eq!(warnings(&cache), Vec::<String>::new());
}

#[tokio::test]
async fn a_folder_that_became_a_file_costs_no_job() {
    let folder = tempfile::tempdir().expect("a folder");
    let cache = folder.path().join("cache");
    let room = room_in(&cache);
    run(&room, 0).await;
    fs::remove_dir_all(&cache).expect("it can be deleted");
    fs::write(&cache, "not a folder").expect("it can be written");

    for number in 0..3 {
        assert_eq!(run(&room, number).await, Some(CodeOrigin::Compiled));
    }

    assert_eq!(warnings(&cache).len(), 1, "{:?}", warnings(&cache));
}
