//! Takes ready jobs and sees them through.
