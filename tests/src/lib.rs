//! Whole-system stories, told through the binary as a user would.
