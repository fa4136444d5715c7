//! Tells the binary which release of wasmtime it was built with: security advisories are about releases.

use std::fs;

fn main() {
    println!("cargo::rerun-if-changed=../Cargo.lock");
    let lock = fs::read_to_string("../Cargo.lock").unwrap_or_default();
    let version = lock
        .lines()
        .skip_while(|line| *line != "name = \"wasmtime\"")
        .nth(1)
        .and_then(|line| line.strip_prefix("version = "))
        .map_or("unknown", |quoted| quoted.trim_matches('"'));
    println!("cargo::rustc-env=WASMTIME_VERSION={version}");
}
