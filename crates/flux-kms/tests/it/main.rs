//! Key services that check what they are asked, on this machine.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod aws;
mod azure;
mod data_key;
mod faults;
mod gcp;
mod identity;
mod server;
mod signature;
mod vault;
mod workload;
