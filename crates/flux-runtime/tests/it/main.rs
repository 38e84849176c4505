//! The runtime against a real API server.

#![expect(clippy::unwrap_used, reason = "an unwrap that fails is a test that fails")]

mod deliveries;
mod elections;
mod identities;
mod runs;
mod toy;
mod waits;
