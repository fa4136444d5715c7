//! Guests of these tests, made by the crate that makes those of all tests.

pub(crate) use guests::{Guest, running};
