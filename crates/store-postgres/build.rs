//! A new file among the migrations must be built in.

fn main() {
    println!("cargo::rerun-if-changed=../../migrations/postgres");
}
