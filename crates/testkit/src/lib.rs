//! Used only by tests: private servers, scripted parts, waiting without sleeping.

pub mod eventually;
pub mod link;
pub mod port;
pub mod postgres;
pub mod redis;
mod server;
