//! The runtime against a real API server.

mod deliveries;
mod elections;
mod identities;
mod runs;
mod toy;
mod waits;
