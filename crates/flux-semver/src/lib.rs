//! Versions and constraints as Masterminds semver 3 reads them.
//!
//! [`Version`] takes what `semver.NewVersion` takes: a leading `v`, missing minor and patch numbers. [`Constraint`]
//! takes the range language of Flux and Helm: `||`, spaces and commas, hyphen ranges, wildcards, `~`, `^`, `!=`.
//! A version with a pre-release matches only a group of comparisons that names a pre-release itself.

mod comparison;
mod constraint;
mod version;

pub use constraint::Constraint;
pub use version::Version;

/// The longest text that is read, in bytes; longer ones are refused as they can only be a mistake.
pub const MAX_LENGTH: usize = 256;

/// Why a text is no version or no constraint.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The text does not have the form of a version.
    #[error("invalid semantic version {0:?}")]
    InvalidVersion(String),
    /// A number of the version does not fit 64 bits.
    #[error("number too large in semantic version {0:?}")]
    NumberTooLarge(String),
    /// The text does not have the form of a constraint.
    #[error("improper constraint: {0}")]
    ImproperConstraint(String),
    /// The text is longer than [`MAX_LENGTH`].
    #[error("version or constraint of {0} bytes is longer than {MAX_LENGTH}")]
    TooLong(usize),
}
