//! The types and their CRDs against a real API server, against upstream's CRDs and against the documentation.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod chart;
mod documentation;
mod files;
mod kinds;
mod round_trip;
mod schema;
mod server;
mod upstream;
mod validation;
