//! The wire: the generated protobuf types and the client of our API.

mod client;
mod convert;
mod convert_schedule;
mod error;
mod watch;

/// The messages and services of `proto/jobs/v1`.
#[expect(
    missing_docs,
    unused_qualifications,
    clippy::all,
    clippy::allow_attributes,
    clippy::allow_attributes_without_reason,
    clippy::too_many_lines,
    reason = "generated; the .proto files carry the documentation"
)]
pub mod v1 {
    tonic::include_proto!("jobs.v1");
}

pub use client::{Channel, Client, ClientConfig, HostClient, HostDialer};
pub use convert::{instant, lease_of, reference, reference_parts, timestamp};
pub use convert_schedule::schedule_spec;
pub use error::{Code, Error};
pub use prost_types::Timestamp;
pub use watch::HostWatch;

/// Largest gRPC message either side takes: a batch of payloads. 64 MiB keeps a hostile one from filling
/// the memory; more than a batch of ordinary size ever has.
pub const MESSAGE_BYTES_MAX: usize = 64 << 20;

/// Bytes of a component or file in one message of a stream.
pub const CHUNK_BYTES: usize = 256 << 10;
