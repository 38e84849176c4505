//! Apply, prune and health against a real API server.

mod apply;
mod cluster;
mod health;
mod prune;
