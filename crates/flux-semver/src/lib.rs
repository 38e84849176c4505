//! Versions and constraints as Masterminds semver 3.5 reads them, with its error texts.
//!
//! [`Version::parse`] takes what `semver.NewVersion` takes: a leading `v`, missing minor and patch numbers;
//! [`Version::parse_strict`] takes three numbers and nothing before them. [`Constraint`] takes the range language of
//! Flux and Helm: `||`, spaces and commas, hyphen ranges, wildcards, `~`, `^`, `!=`. A version with a pre-release
//! matches only a group of comparisons that names a pre-release itself.

mod comparison;
mod constraint;
mod error;
mod version;

pub use comparison::Mismatch;
pub use constraint::Constraint;
pub use error::Error;
pub use version::Version;

/// The longest version that is read, in bytes.
pub const MAX_VERSION_LENGTH: usize = 256;
/// The longest constraint that is read, in bytes.
pub const MAX_CONSTRAINT_LENGTH: usize = 512;
/// The most groups that `||` may separate.
pub const MAX_GROUPS: usize = 32;
