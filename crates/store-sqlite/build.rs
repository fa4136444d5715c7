//! A new migration is a reason to build again, though no source names it.

fn main() {
    println!("cargo::rerun-if-changed=../../migrations/sqlite");
}
