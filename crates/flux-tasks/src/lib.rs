//! The task set that owns every spawned task and its shutdown.
