//! kustomize-controller as a process against a real API server.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed")]

mod access;
mod artifacts;
mod bench;
mod crashes;
mod decryption;
mod deletion;
mod deletion_order;
mod dependencies;
mod drift;
mod failures;
mod faults;
mod health;
mod hostile;
mod limits;
mod remote;
mod sync;
mod takeover;
mod tenants;
mod unchanged;
mod vault;
