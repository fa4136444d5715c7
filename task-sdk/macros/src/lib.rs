//! The attribute macro of task-sdk.
