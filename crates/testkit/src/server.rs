//! A child process that listens on a free port and ends with its test.
