//! Draws the pages of the web dashboard.
