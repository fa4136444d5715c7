//! Used only by tests: private servers, scripted parts, waiting without sleeping.

pub mod eventually;
pub mod postgres;
pub mod redis;
mod server;
