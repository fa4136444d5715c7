//! The wire: the generated protobuf types and the client of our API.
