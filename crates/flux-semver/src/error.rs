//! Why a text is no version or no constraint.

use std::fmt::Write as _;

use crate::{MAX_CONSTRAINT_LENGTH, MAX_GROUPS, MAX_VERSION_LENGTH};

/// Why a text is no version or no constraint, in the words that users of Helm and Flux know.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The text does not have the form of a version.
    #[error("invalid semantic version")]
    InvalidVersion,
    /// There is no text; only the strict form tells this apart.
    #[error("version string empty")]
    Empty,
    /// A number of the strict form has other characters than digits.
    #[error("invalid characters in version")]
    InvalidCharacters,
    /// A number, or a number in the pre-release, has a leading zero.
    #[error("version segment starts with 0")]
    LeadingZero,
    /// The pre-release has an empty word or other characters than letters, digits and hyphens.
    #[error("invalid prerelease string")]
    InvalidPrerelease,
    /// The build metadata has an empty word or other characters than letters, digits and hyphens.
    #[error("invalid metadata string")]
    InvalidMetadata,
    /// The text is longer than [`MAX_VERSION_LENGTH`].
    #[error("version string is too long (max {MAX_VERSION_LENGTH} bytes)")]
    VersionTooLong,
    /// A number of the version does not fit 64 bits.
    #[error("error parsing version segment: strconv.ParseUint: parsing {}: value out of range", quote(.0))]
    NumberTooLarge(String),
    /// A number of the strict form is missing or does not fit 64 bits.
    #[error("strconv.ParseUint: parsing {}: {}", quote(.0), if .0.is_empty() { "invalid syntax" } else { "value out of range" })]
    InvalidNumber(String),
    /// The text does not have the form of a constraint.
    #[error("improper constraint: {}", quote(.0))]
    ImproperConstraint(String),
    /// The text has the form of a constraint, but what it compares to is no version.
    #[error("constraint parser error")]
    UnreadableConstraint,
    /// The text is longer than [`MAX_CONSTRAINT_LENGTH`].
    #[error("constraint string is too long (max {MAX_CONSTRAINT_LENGTH} bytes)")]
    ConstraintTooLong,
    /// There are more groups than [`MAX_GROUPS`].
    #[error("too many constraint groups (max {MAX_GROUPS})")]
    TooManyGroups,
}

/// `text` in double quotes with Go's escapes.
pub(crate) fn quote(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for character in text.chars() {
        match character {
            '"' | '\\' => quoted.extend(['\\', character]),
            '\x07' => quoted.push_str("\\a"),
            '\x08' => quoted.push_str("\\b"),
            '\x0c' => quoted.push_str("\\f"),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            '\x0b' => quoted.push_str("\\v"),
            // Writing to a string cannot fail.
            '\0'..=' ' | '\x7f' if character != ' ' => _ = write!(quoted, "\\x{:02x}", u32::from(character)),
            _ => quoted.push(character),
        }
    }
    quoted.push('"');
    quoted
}
