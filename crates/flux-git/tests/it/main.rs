//! Git repositories as controllers use them, against real servers.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod access;
mod checkouts;
mod fixture;
mod hostile;
mod references;
mod relay;
mod signatures;
mod ssh;
mod stores;
mod submodules;
