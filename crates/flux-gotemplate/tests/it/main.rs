//! Recorded answers of Go's text/template, and bounds under hostile templates.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod bounds;
mod families;
mod functions;
mod objects;
mod oracle;
mod recorded;
mod sprig;
mod vectors;
