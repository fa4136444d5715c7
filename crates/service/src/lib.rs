//! How every loop starts, ticks, backs off and stops, and how telemetry is set up.
