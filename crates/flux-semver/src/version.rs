//! A version and its order.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

use crate::{Error, MAX_LENGTH};

/// A semantic version. Equality and order leave the build metadata out, as the specification says.
#[derive(Clone, Debug)]
pub struct Version {
    /// The first number.
    pub major: u64,
    /// The second number, 0 where the text has none.
    pub minor: u64,
    /// The third number, 0 where the text has none.
    pub patch: u64,
    /// What follows the first `-`, without it; empty where there is none.
    pub prerelease: String,
    /// What follows the `+`, without it; empty where there is none.
    pub metadata: String,
    original: String,
}

impl Version {
    /// Reads `1.2.3`, `v1.2`, `1-rc.1+build` and the like.
    pub fn parse(text: &str) -> Result<Self, Error> {
        if text.len() > MAX_LENGTH {
            return Err(Error::TooLong(text.len()));
        }
        let invalid = || Error::InvalidVersion(text.to_owned());
        let rest = text.strip_prefix('v').unwrap_or(text);
        let (rest, metadata) = split(rest, '+');
        let (core, prerelease) = split(rest, '-');
        let mut numbers = [0; 3];
        let mut parts = core.split('.');
        for (at, part) in parts.by_ref().take(3).enumerate() {
            if part.is_empty() || !part.bytes().all(|byte| byte.is_ascii_digit()) {
                return Err(invalid());
            }
            numbers[at] = part.parse().map_err(|_| Error::NumberTooLarge(text.to_owned()))?;
        }
        let well_formed = parts.next().is_none()
            && prerelease.is_none_or(|value| identifiers(value) && !has_padded_number(value))
            && metadata.is_none_or(identifiers);
        if !well_formed {
            return Err(invalid());
        }
        let [major, minor, patch] = numbers;
        let owned = |value: Option<&str>| value.unwrap_or_default().to_owned();
        let (prerelease, metadata) = (owned(prerelease), owned(metadata));
        Ok(Self { major, minor, patch, prerelease, metadata, original: text.to_owned() })
    }

    /// The text that was read, for example a tag's name.
    pub fn original(&self) -> &str {
        &self.original
    }
}

impl FromStr for Version {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        Self::parse(text)
    }
}

/// The canonical form: no `v`, three numbers.
impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { major, minor, patch, prerelease, metadata, original: _ } = self;
        write!(f, "{major}.{minor}.{patch}")?;
        if !prerelease.is_empty() {
            write!(f, "-{prerelease}")?;
        }
        if !metadata.is_empty() {
            write!(f, "+{metadata}")?;
        }
        Ok(())
    }
}

impl PartialEq for Version {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Version {}

impl PartialOrd for Version {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Version {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.major, self.minor, self.patch)
            .cmp(&(other.major, other.minor, other.patch))
            .then_with(|| compare_prerelease(&self.prerelease, &other.prerelease))
    }
}

/// A version without a pre-release is above those with one; identifiers compare one by one, numbers below words.
pub(crate) fn compare_prerelease(left: &str, right: &str) -> Ordering {
    match (left.is_empty(), right.is_empty()) {
        (true, true) => return Ordering::Equal,
        (true, false) => return Ordering::Greater,
        (false, true) => return Ordering::Less,
        (false, false) => {}
    }
    let (mut left, mut right) = (left.split('.'), right.split('.'));
    loop {
        let order = match (left.next(), right.next()) {
            (None, None) => return Ordering::Equal,
            (None, Some(_)) => Ordering::Less,
            (Some(_), None) => Ordering::Greater,
            (Some(left), Some(right)) => compare_identifier(left, right),
        };
        if order != Ordering::Equal {
            return order;
        }
    }
}

fn compare_identifier(left: &str, right: &str) -> Ordering {
    match (left.parse::<u64>(), right.parse::<u64>()) {
        (Ok(left), Ok(right)) => left.cmp(&right),
        (Ok(_), Err(_)) => Ordering::Less,
        (Err(_), Ok(_)) => Ordering::Greater,
        (Err(_), Err(_)) => left.cmp(right),
    }
}

/// Cuts `text` at the first `mark`.
fn split(text: &str, mark: char) -> (&str, Option<&str>) {
    text.split_once(mark).map_or((text, None), |(before, after)| (before, Some(after)))
}

/// Whether `text` is a dotted list of non-empty words of letters, digits and hyphens.
fn identifiers(text: &str) -> bool {
    text.split('.')
        .all(|word| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-'))
}

/// Whether an identifier is a number with leading zeros, which a pre-release may not have.
fn has_padded_number(text: &str) -> bool {
    text.split('.')
        .any(|word| word.len() > 1 && word.starts_with('0') && word.bytes().all(|byte| byte.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lenient_texts_are_versions() {
        for (text, canonical) in [
            ("1.2.3", "1.2.3"),
            ("v1.2.3", "1.2.3"),
            ("1", "1.0.0"),
            ("v1.2", "1.2.0"),
            ("1.2-5", "1.2.0-5"),
            ("1.2.3-rc.1+b.001", "1.2.3-rc.1+b.001"),
            ("1.2.3+b-1", "1.2.3+b-1"),
        ] {
            assert_eq!(Version::parse(text).unwrap().to_string(), canonical);
        }
    }

    #[test]
    fn other_texts_are_refused() {
        for text in
            ["", "v", "a", "1.2.3.4", "1.2.beta", "1..2", "1.2.3-", "1.2.3+", "1.2.3-01", "1.2.3-a_b", "V1.2.3", " 1"]
        {
            assert!(Version::parse(text).is_err(), "{text:?}");
        }
        assert_eq!(
            Version::parse("99999999999999999999.0.0"),
            Err(Error::NumberTooLarge("99999999999999999999.0.0".into()))
        );
        assert_eq!(Version::parse(&"1".repeat(300)), Err(Error::TooLong(300)));
    }

    #[test]
    fn versions_are_ordered_by_precedence() {
        let ordered = [
            "0.9",
            "1.0.0-alpha",
            "1.0.0-alpha.1",
            "1.0.0-alpha.beta",
            "1.0.0-beta.2",
            "1.0.0-beta.11",
            "1.0.0-rc.1",
            "1.0.0",
            "v1.0.1",
        ];
        let versions: Vec<_> = ordered.iter().map(|text| Version::parse(text).unwrap()).collect();
        assert!(versions.is_sorted_by(|left, right| left < right));
        assert_eq!(Version::parse("1.0.0+a"), Version::parse("v1+b"));
    }
}
