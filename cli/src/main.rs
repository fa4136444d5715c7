//! The binary `jobctl`.
fn main() {}
