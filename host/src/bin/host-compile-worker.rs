//! The compile worker alone, for the tests of this crate; the product starts `jobctl compile-worker`.

fn main() {
    sandbox::compile_worker()
}
