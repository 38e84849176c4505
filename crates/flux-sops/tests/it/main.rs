//! SOPS documents from the outside: keys, groups of keys, formats, and properties that hold for any document.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod formats;
mod groups;
mod keys;
mod numbers;
mod properties;
mod trees;
