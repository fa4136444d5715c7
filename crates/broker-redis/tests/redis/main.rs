//! What the broker on Redis does beyond what every broker promises.

mod connect;
mod faults;
mod junk;
mod support;
