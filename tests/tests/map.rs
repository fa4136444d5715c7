//! The map of the house: which room may use which. ARCHITECTURE.md draws it; here it is enforced.

use std::collections::BTreeMap;

use cargo_metadata::{DependencyKind, MetadataCommand};

/// Each room's floor: a room uses only rooms of lower floors, and no other room of its own.
const FLOORS: &[(u8, &[&str])] = &[
    (6, &["cli"]),
    (5, &["host", "scheduler"]),
    (4, &["connect", "dashboard"]),
    (3, &["store-postgres", "store-sqlite", "broker-redis"]),
    (
        2,
        &[
            "store",
            "broker",
            "sandbox",
            "rpc",
            "recurrence",
            "send_email",
            "generate_report",
            "call_webhook",
            "chaos-guest",
        ],
    ),
    (1, &["model", "service", "task-sdk"]),
    (0, &["task-sdk-macros"]),
];

/// Arrows within a floor or to guests' rooms that stand nowhere else.
const ROOMS_OF_GUESTS: &[&str] =
    &["task-sdk", "task-sdk-macros", "send_email", "generate_report", "call_webhook", "chaos-guest"];

/// Rooms that only tests and benchmarks enter.
const ROOMS_OF_TESTS: &[&str] = &["testkit", "guests", "stories", "bench", "history", "chaos"];

fn floors() -> BTreeMap<&'static str, u8> {
    FLOORS.iter().flat_map(|(floor, rooms)| rooms.iter().map(|room| (*room, *floor))).collect()
}

#[test]
fn every_arrow_between_rooms_leads_down_the_map() {
    let metadata = MetadataCommand::new()
        .manifest_path(concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.toml"))
        .no_deps()
        .exec()
        .expect("cargo metadata");
    let floors = floors();
    let mut wrong = Vec::new();

    for package in metadata.workspace_packages() {
        let room = package.name.as_str();
        if ROOMS_OF_TESTS.contains(&room) {
            continue;
        }
        let Some(floor) = floors.get(room) else {
            wrong.push(format!("{room} is not on the map"));
            continue;
        };
        for dependency in package.dependencies.iter().filter(|d| d.path.is_some()) {
            let target = dependency.name.as_str();
            if dependency.kind == DependencyKind::Development {
                continue;
            }
            if ROOMS_OF_TESTS.contains(&target) {
                wrong.push(format!("{room} uses {target} outside its tests"));
            } else if floors.get(target).is_none_or(|below| below >= floor) {
                wrong.push(format!("{room} uses {target}, which is not below it"));
            } else if ROOMS_OF_GUESTS.contains(&room) != ROOMS_OF_GUESTS.contains(&target) {
                wrong.push(format!("{room} uses {target}: guests share only the WIT with the rest"));
            }
        }
    }

    assert!(wrong.is_empty(), "arrows that are not on the map:\n  {}", wrong.join("\n  "));
}

#[test]
fn only_the_sandbox_knows_what_wasm_is() {
    let metadata = MetadataCommand::new()
        .manifest_path(concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.toml"))
        .no_deps()
        .exec()
        .expect("cargo metadata");

    let users: Vec<String> = metadata
        .workspace_packages()
        .iter()
        .filter(|package| package.dependencies.iter().any(|d| d.name.starts_with("wasmtime")))
        .map(|package| package.name.to_string())
        .collect();

    assert_eq!(users, ["sandbox"]);
}
