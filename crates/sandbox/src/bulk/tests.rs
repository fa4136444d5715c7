//! Cut and uncut instructions side by side.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use wasmtime::{Config, Engine, Func, Instance, Module, Store, UpdateDeadline};

use super::*;

/// Two memories of 5 MiB, the first with a pattern, and a function for each instruction; one imported, so that the
/// indices of imported and defined functions differ.
const MODULE: &str = r#"(module
    (import "" "" (func $noted))
    (memory $one (export "one") 80)
    (memory $two (export "two") 80)
    (func (export "fill") (param i32 i32 i32) (call $noted)
        (memory.fill $one (local.get 0) (local.get 1) (local.get 2)))
    (func (export "copy") (param i32 i32 i32)
        (memory.copy $one $one (local.get 0) (local.get 1) (local.get 2)))
    (func (export "across") (param i32 i32 i32)
        (memory.copy $two $one (local.get 0) (local.get 1) (local.get 2)))
    (func (export "short") (param i32 i32 i32)
        (memory.fill $one (local.get 0) (local.get 1) (i32.const 4096))))"#;

fn whole() -> Vec<u8> {
    wat::parse_str(MODULE).expect("it is valid")
}

/// A module that is called again and again.
struct Lab {
    engine: Engine,
    module: Module,
    pattern: Vec<u8>,
}

impl Lab {
    fn of(module: &[u8]) -> Self {
        let engine = Engine::new(Config::new().epoch_interruption(true)).expect("an engine");
        let module = Module::new(&engine, module).expect("it is valid");
        let pattern: Vec<u8> = (0..=250).cycle().take(80 << 16).collect();
        Self { engine, module, pattern }
    }

    /// Whether the call went well, what the memories hold then, and how often the engine looked at the epoch.
    fn call(&self, function: &str, arguments: (i32, i32, i32)) -> (bool, [Vec<u8>; 2], u64) {
        let looks = Arc::new(AtomicU64::new(0));
        let mut store = Store::new(&self.engine, ());
        store.set_epoch_deadline(0);
        let counted = Arc::clone(&looks);
        store.epoch_deadline_callback(move |_| {
            counted.fetch_add(1, Ordering::Relaxed);
            Ok(UpdateDeadline::Continue(0))
        });
        let noted = Func::wrap(&mut store, || {});
        let instance = Instance::new(&mut store, &self.module, &[noted.into()]).expect("it is instantiated");
        let memories =
            ["one", "two"].map(|name| instance.get_memory(&mut store, name).expect("it is exported"));
        memories[0].data_mut(&mut store).copy_from_slice(&self.pattern);

        let function = instance.get_typed_func::<(i32, i32, i32), ()>(&mut store, function);
        let went_well = function.expect("it is exported").call(&mut store, arguments).is_ok();

        let held = memories.map(|memory| memory.data(&store).to_vec());
        (went_well, held, looks.load(Ordering::Relaxed))
    }
}

const MIB: i32 = 1 << 20;

#[test]
fn in_pieces_it_does_the_same() {
    let (original, cut) = (Lab::of(&whole()), Lab::of(&cut(&whole()).expect("it is valid")));
    let cases = [
        (0, 7, 0),
        (3, 7, MIB),
        (3, 7, MIB + 1),
        (0, 7, 5 * MIB),
        (5, 9, 4 * MIB + 77),
        (9, 5, 4 * MIB + 77),
        (MIB, 0, 4 * MIB),
        (0, MIB, 4 * MIB),
        // Out of bounds, by little and by much, the sum beyond 32 bits.
        (MIB, 0, 4 * MIB + 1),
        (0, MIB, 4 * MIB + 1),
        (-1, 0, 2 * MIB),
        (0, -1, 2 * MIB),
        (0, 0, -1),
    ];

    for case in cases {
        for function in ["fill", "copy", "across"] {
            let (expected, got) = (original.call(function, case), cut.call(function, case));
            assert_eq!(expected.0, got.0, "{function} {case:?}");
            assert!(expected.1 == got.1, "{function} {case:?} left something else in memory");
        }
    }
}

#[test]
fn the_engine_looks_at_the_epoch_before_each_piece() {
    let (original, cut) = (Lab::of(&whole()), Lab::of(&cut(&whole()).expect("it is valid")));

    for function in ["fill", "copy", "across"] {
        let (_, _, before) = original.call(function, (0, 7, 4 * MIB));
        let (_, _, looks) = cut.call(function, (0, 7, 4 * MIB));
        assert!(before <= 3 && looks >= 4, "{function}: {before} {looks}");
    }
}

#[test]
fn what_is_short_stays_as_it_is() {
    let short =
        wat::parse_str("(module (memory 1) (func (memory.fill (i32.const 0) (i32.const 0) (i32.const 9))))");
    let short = short.expect("it is valid");

    assert_eq!(cut(&short).expect("it is valid"), short);
}

#[test]
fn modules_inside_components_are_cut_and_the_rest_is_copied() {
    let inside = |module: &str| {
        wat::parse_str(format!("(component (component (core module {module})) (type $t string))"))
            .expect("valid")
    };
    let long = "(memory 1) (func (param i32) (memory.fill (i32.const 0) (i32.const 0) (local.get 0)))";
    let none = "(memory 1) (func (param i32))";

    assert_eq!(cut(&inside(none)).expect("it is valid"), inside(none));
    let cut = cut(&inside(long)).expect("it is valid");
    assert!(cut.len() > inside(long).len() + 50);
    wasmparser::validate(&cut).expect("it is valid");
}

#[test]
fn what_is_cut_off_is_malformed() {
    let whole = whole();

    for length in [0, 7, 9, whole.len() - 1] {
        assert!(cut(&whole[..length]).is_err(), "{length}");
    }
}
