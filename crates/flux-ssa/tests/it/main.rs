//! Apply, prune and health against a real API server.
#![expect(clippy::unwrap_used, reason = "helpers of tests may, like the tests")]

mod apply;
mod cluster;
mod health;
mod known;
mod pods;
mod prune;
