//! The runtime against a real API server.

mod deliveries;
mod elections;
mod runs;
mod toy;
mod waits;
