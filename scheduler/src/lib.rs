//! Looks at the clock and moves jobs along, and answers the front door.
