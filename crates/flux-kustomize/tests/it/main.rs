//! Runs the shared conformance cases where they are present.
