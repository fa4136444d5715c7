//! The four ways to compile a component.

use guests::{Guest, running};
use model::retry::Ending;
use sandbox::Flavour;

use crate::room::{Room, config_in};

/// Answers the bits of a NaN that came of a computation, in decimal: `$which` is how it is made.
fn not_a_number(made: &str) -> Vec<u8> {
    let extra = format!(
        r#"(func $hide (param f64) (result f64) (local.get 0))
        (func $made (result i64) (i64.reinterpret_f64 {made}))
        (func $digits (param $n i64) (result i32) (local $at i32)
            (local.set $at (i32.const 8300))
            (loop $next
                (local.set $at (i32.sub (local.get $at) (i32.const 1)))
                (i32.store8 (local.get $at)
                    (i32.add (i32.const 48) (i32.wrap_i64 (i64.rem_u (local.get $n) (i64.const 10)))))
                (local.set $n (i64.div_u (local.get $n) (i64.const 10)))
                (br_if $next (i64.ne (local.get $n) (i64.const 0))))
            (local.get $at))"#
    );
    let run = "(local $at i32) (local.set $at (call $digits (call $made)))
        (call $ok (local.get $at) (i32.sub (i32.const 8300) (local.get $at)))";
    Guest { extra: &extra, run, ..Guest::default() }.build()
}

/// Ways to come by a NaN of whatever sign and payload.
const WAYS: [&str; 5] = [
    "(f64.div (call $hide (f64.const 0)) (call $hide (f64.const 0)))",
    "(f64.div (call $hide (f64.const -0)) (call $hide (f64.const 0)))",
    "(f64.sqrt (call $hide (f64.const -1)))",
    "(f64.add (call $hide (f64.const -nan:0x4000000000123)) (call $hide (f64.const 1)))",
    "(f64.sub (call $hide (f64.const inf)) (call $hide (f64.const inf)))",
];

const CANONICAL: u64 = 0x7ff8_0000_0000_0000;

#[tokio::test]
async fn a_nan_has_the_same_bits_however_it_came_about() {
    let mut room = Room::new();
    room.deterministic = true;

    for way in WAYS {
        let execution = room.run(not_a_number(way)).await;
        let bits = execution.result.map(|result| result.as_str().to_owned());
        assert_eq!(bits, Some(CANONICAL.to_string()), "{way}");
    }
}

#[tokio::test]
async fn a_nan_keeps_its_bits_where_nobody_asked_for_others() {
    let room = Room::new();

    let execution = room.run(not_a_number(WAYS[3])).await;

    let bits = execution.result.map(|result| result.as_str().to_owned());
    assert_ne!(bits, Some(CANONICAL.to_string()));
}

#[tokio::test]
async fn each_flavour_is_compiled_once_and_kept_by_itself() {
    let mut room = Room::new();
    let metered = room.limits.fuel;

    for round in 0..2 {
        for (fuel, deterministic) in [(metered, false), (None, false), (metered, true), (None, true)] {
            room.limits.fuel = fuel;
            room.deterministic = deterministic;
            let execution = room.run(Guest::default().build()).await;
            assert_eq!(execution.ending, Ending::Succeeded, "{fuel:?} {deterministic} {round}");
            assert_eq!(execution.usage.fuel.is_some(), fuel.is_some());
        }
        assert_eq!(room.sandbox.compiled(), 4);
    }
    room.sandbox = sandbox::Sandbox::new(config_in(room.folder.path())).expect("the engines can be made");
    room.run(Guest::default().build()).await;
    assert_eq!(room.sandbox.compiled(), 0, "it lies on the disk");
}

#[tokio::test]
async fn two_deterministic_runs_use_the_same_fuel() {
    let mut room = Room::new();
    room.deterministic = true;
    let body = "(local $n i32)
        (loop $again
            (local.set $n (i32.add (local.get $n) (i32.const 1)))
            (br_if $again (i32.lt_u (local.get $n) (i32.const 10000))))
        (call $ok (i32.const 32) (i32.const 4))";

    let first = room.run(running(body)).await.usage.fuel;
    let second = room.run(running(body)).await.usage.fuel;

    assert!(first.is_some_and(|fuel| fuel > 10_000), "{first:?}");
    assert_eq!(first, second);
}

#[tokio::test]
async fn inspection_compiles_the_flavour_that_will_run() {
    let mut room = Room::new();
    room.limits.fuel = None;
    room.deterministic = true;
    let bytes = Guest::default().build();

    let flavour = Flavour::of(&room.limits, room.deterministic);
    room.sandbox.inspect(bytes.clone(), flavour).await.expect("it is fine");
    let execution = room.run(bytes).await;

    assert_eq!((execution.ending, room.sandbox.compiled()), (Ending::Succeeded, 1));
}
