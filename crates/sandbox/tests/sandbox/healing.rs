//! Files of compiled code that are not what they were: noticed before they are loaded, thrown away, made again.

use std::fs::{self, File};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use guests::{Guest, running};
use model::attempt::CodeOrigin;
use model::error::ErrorKind;
use model::id::Digest;
use model::retry::Ending;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use sandbox::{Config, Sandbox, StopHandle};

use crate::cache::code_files;
use crate::room::{Room, assert_failed, config_in};
use crate::told::{listen, told};

/// A room that keeps nothing in memory, and the one file it has on disk after a run of [`Guest::default`].
async fn one_file() -> (Room, PathBuf) {
    listen();
    let mut room = Room::new();
    let config = Config { memory_bytes_max: 0, ..config_in(room.folder.path()) };
    room.sandbox = Sandbox::new(config).expect("the engines can be made");
    runs(&room, CodeOrigin::Compiled).await;
    let file = code_files(&room).pop().expect("one file");
    (room, file)
}

/// Runs the component, with the right result and with code from there.
async fn runs(room: &Room, origin: CodeOrigin) {
    let execution = room.run(Guest::default().build()).await;

    let result = execution.result.as_ref().map(|result| result.as_str());
    assert_eq!((&execution.ending, result), (&Ending::Succeeded, Some("null")));
    assert_eq!(execution.usage.code, Some(origin));
}

/// 8 bytes of head, 32 of checksum, and code.
#[tokio::test]
async fn each_of_200_flipped_bits_is_noticed_and_healed() {
    let (room, file) = one_file().await;
    let size = fs::metadata(&file).expect("it is there").len();
    let size = usize::try_from(size).expect("it is small");
    let mut random = StdRng::seed_from_u64(200);
    let mut spots: Vec<usize> = (0..40).collect();
    spots.extend((40..200).map(|_| random.random_range(40..size)));

    for (count, spot) in spots.into_iter().enumerate() {
        let mut bytes = fs::read(&file).expect("it can be read");
        bytes[spot] ^= 1 << random.random_range(0..8);
        fs::write(&file, bytes).expect("it can be written");

        runs(&room, CodeOrigin::Compiled).await;

        assert_eq!(told("WARN", file_name(&file)).len(), count + 1, "a bit of byte {spot}");
    }
    runs(&room, CodeOrigin::Disk).await;
    assert_eq!(room.sandbox.compiled(), 201);
}

fn file_name(file: &Path) -> &str {
    // The digest is the same in every test of this file, the folder is not.
    file.to_str().expect("the folder's name is text")
}

/// What may stand where a file of compiled code stood: its name, and how to put it there.
type Damage = (&'static str, fn(&Path));

fn damages() -> [Damage; 10] {
    [
        ("nothing in it", |file| fs::write(file, []).expect("it can be written")),
        ("half a head", |file| cut(file, 39)),
        ("a head alone", |file| cut(file, 40)),
        ("all but a byte", |file| cut(file, fs::metadata(file).expect("it is there").len() - 1)),
        ("a byte more", |file| cut(file, fs::metadata(file).expect("it is there").len() + 1)),
        ("a terabyte", |file| cut(file, 1 << 40)),
        ("noise", |file| fs::write(file, [7; 5000]).expect("it can be written")),
        ("a folder", |file| {
            fs::remove_file(file).expect("it can be deleted");
            fs::create_dir(file).expect("a folder can be made");
            fs::write(file.join("inside"), "of it").expect("it can be written");
        }),
        ("what cannot be opened", |file| {
            fs::remove_file(file).expect("it can be deleted");
            symlink(file, file).expect("a link to itself can be made");
        }),
        ("a pipe", |file| {
            fs::remove_file(file).expect("it can be deleted");
            let made = std::process::Command::new("mkfifo").arg(file).status();
            assert!(made.expect("mkfifo is there").success());
        }),
    ]
}

fn cut(file: &Path, length: u64) {
    let file = File::options().write(true).open(file).expect("it can be opened");
    file.set_len(length).expect("it can be cut");
}

#[tokio::test]
async fn whatever_stands_in_a_files_place_is_thrown_away() {
    let (room, file) = one_file().await;

    for (count, (what, damage)) in damages().into_iter().enumerate() {
        damage(&file);

        runs(&room, CodeOrigin::Compiled).await;

        assert_eq!(told("WARN", file_name(&file)).len(), count + 1, "{what}");
        runs(&room, CodeOrigin::Disk).await;
    }
}

#[tokio::test]
async fn the_file_of_another_component_is_not_taken() {
    let (room, own) = one_file().await;
    room.run(running("(unreachable)")).await;
    let foreign = code_files(&room).into_iter().find(|path| *path != own).expect("a second file");

    fs::copy(&foreign, &own).expect("it can be copied");

    runs(&room, CodeOrigin::Compiled).await;
}

#[tokio::test]
async fn the_file_of_another_engine_is_not_taken() {
    let (mut room, metered) = one_file().await;
    room.limits.fuel = None;
    runs(&room, CodeOrigin::Compiled).await;
    let unmetered = code_files(&room).into_iter().find(|path| *path != metered).expect("a second file");

    fs::copy(&metered, &unmetered).expect("it can be copied");

    runs(&room, CodeOrigin::Compiled).await;
    runs(&room, CodeOrigin::Disk).await;
}

#[tokio::test]
async fn the_files_of_another_key_are_not_taken() {
    let (room, file) = one_file().await;
    let key = room.folder.path().join("key");

    fs::remove_file(&key).expect("the key is there");
    runs(&room, CodeOrigin::Compiled).await;
    runs(&room, CodeOrigin::Disk).await;
    fs::write(&key, [1; 32]).expect("it can be written");
    runs(&room, CodeOrigin::Compiled).await;
    fs::write(&key, "short").expect("it can be written");
    runs(&room, CodeOrigin::Compiled).await;

    runs(&room, CodeOrigin::Disk).await;
    assert_eq!(told("WARN", file_name(&file)).len(), 3);
}

#[tokio::test]
async fn bytes_that_are_not_those_of_the_digest_raise_an_alarm_and_are_not_kept() {
    listen();
    let room = Room::new();
    let component = Guest::default().build();
    let digest = Digest::of(b"what was published");
    let seen = Digest::of(&component);
    room.shelf.put_as(digest, component);

    for count in 1..=2 {
        let (_handle, stop) = StopHandle::pair();
        let invocation = room.invocation(digest);
        let execution = room.sandbox.run(&room.shelf, invocation, room.world.clone(), stop).await;

        assert_failed(&execution, ErrorKind::InvalidModule, "has been altered");
        let alarms = told("ERROR", &format!("expected={digest} seen={seen}"));
        assert_eq!(alarms.len(), count, "{alarms:?}");
    }
    assert_eq!(room.sandbox.compiled(), 0);
    assert!(code_files(&room).is_empty());
}
