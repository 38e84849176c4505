//! A version and its order.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

use crate::{Error, MAX_VERSION_LENGTH};

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
        if text.len() > MAX_VERSION_LENGTH {
            return Err(Error::VersionTooLong);
        }
        let (rest, metadata) = split(text.strip_prefix('v').unwrap_or(text), '+');
        let (core, prerelease) = split(rest, '-');
        let numbers: Vec<&str> = core.splitn(4, '.').collect();
        let well_formed = numbers.len() <= 3
            && numbers.iter().all(|number| is_number(number))
            && prerelease.is_none_or(is_words)
            && metadata.is_none_or(is_words);
        if !well_formed {
            return Err(Error::InvalidVersion);
        }
        let number = |at: usize| numbers.get(at).map_or(Ok(0), |text| parse_number(text));
        let (major, minor, patch) = (number(0)?, number(1)?, number(2)?);
        if prerelease.is_some_and(has_padded_number) {
            return Err(Error::LeadingZero);
        }
        Ok(Self::assemble((major, minor, patch), prerelease, metadata, text.to_owned()))
    }

    /// Reads three numbers without leading zeros, and what may follow them; nothing may stand before them.
    pub fn parse_strict(text: &str) -> Result<Self, Error> {
        if text.is_empty() {
            return Err(Error::Empty);
        }
        if text.len() > MAX_VERSION_LENGTH {
            return Err(Error::VersionTooLong);
        }
        let mut parts = text.splitn(3, '.');
        let (Some(major), Some(minor), Some(rest)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(Error::InvalidVersion);
        };
        let (rest, metadata) = split(rest, '+');
        metadata.map_or(Ok(()), check_metadata)?;
        let (patch, prerelease) = split(rest, '-');
        prerelease.map_or(Ok(()), check_prerelease)?;
        for part in [major, minor, patch] {
            if !part.bytes().all(|byte| byte.is_ascii_digit()) {
                return Err(Error::InvalidCharacters);
            }
            if part.len() > 1 && part.starts_with('0') {
                return Err(Error::LeadingZero);
            }
        }
        let number = |part: &str| part.parse::<u64>().map_err(|_| Error::InvalidNumber(part.to_owned()));
        let numbers = (number(major)?, number(minor)?, number(patch)?);
        Ok(Self::assemble(numbers, prerelease, metadata, text.to_owned()))
    }

    fn assemble(
        (major, minor, patch): (u64, u64, u64),
        prerelease: Option<&str>,
        metadata: Option<&str>,
        original: String,
    ) -> Self {
        let owned = |value: Option<&str>| value.unwrap_or_default().to_owned();
        Self { major, minor, patch, prerelease: owned(prerelease), metadata: owned(metadata), original }
    }

    /// The text that was read, for example a tag's name.
    pub fn original(&self) -> &str {
        &self.original
    }

    /// The next patch release: of a pre-release the release itself. `None` past the highest number.
    pub fn next_patch(&self) -> Option<Self> {
        let step = u64::from(self.prerelease.is_empty());
        Some(self.with_numbers(self.major, self.minor, self.patch.checked_add(step)?))
    }

    /// The next minor release. `None` past the highest number.
    pub fn next_minor(&self) -> Option<Self> {
        Some(self.with_numbers(self.major, self.minor.checked_add(1)?, 0))
    }

    /// The next major release. `None` past the highest number.
    pub fn next_major(&self) -> Option<Self> {
        Some(self.with_numbers(self.major.checked_add(1)?, 0, 0))
    }

    /// The same version with another pre-release; an empty one takes it away.
    pub fn with_prerelease(&self, prerelease: &str) -> Result<Self, Error> {
        if !prerelease.is_empty() {
            check_prerelease(prerelease)?;
        }
        Ok(Self { prerelease: prerelease.to_owned(), ..self.clone() }.renamed())
    }

    /// The same version with other build metadata; empty ones take them away.
    pub fn with_metadata(&self, metadata: &str) -> Result<Self, Error> {
        if !metadata.is_empty() {
            check_metadata(metadata)?;
        }
        Ok(Self { metadata: metadata.to_owned(), ..self.clone() }.renamed())
    }

    fn with_numbers(&self, major: u64, minor: u64, patch: u64) -> Self {
        let (prerelease, metadata) = (String::new(), String::new());
        Self { major, minor, patch, prerelease, metadata, original: self.original.clone() }.renamed()
    }

    /// Makes the original text that of the version, with the `v` that it had.
    fn renamed(mut self) -> Self {
        let v = if self.original.starts_with('v') { "v" } else { "" };
        self.original = format!("{v}{self}");
        self
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

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn parse_number(text: &str) -> Result<u64, Error> {
    text.parse().map_err(|_| Error::NumberTooLarge(text.to_owned()))
}

/// Whether `text` is a dotted list of non-empty words of letters, digits and hyphens.
fn is_words(text: &str) -> bool {
    text.split('.').all(is_word)
}

fn is_word(word: &str) -> bool {
    !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

fn check_metadata(text: &str) -> Result<(), Error> {
    if is_words(text) { Ok(()) } else { Err(Error::InvalidMetadata) }
}

/// The first fault counts, be it a character or a leading zero.
fn check_prerelease(text: &str) -> Result<(), Error> {
    for word in text.split('.') {
        if !is_word(word) {
            return Err(Error::InvalidPrerelease);
        }
        if is_padded(word) {
            return Err(Error::LeadingZero);
        }
    }
    Ok(())
}

/// Whether an identifier is a number with leading zeros, which a pre-release may not have.
fn has_padded_number(text: &str) -> bool {
    text.split('.').any(is_padded)
}

fn is_padded(word: &str) -> bool {
    word.len() > 1 && word.starts_with('0') && is_number(word)
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
    fn other_texts_are_refused_by_name() {
        for text in ["", "v", "a", "1.2.3.4", "1.2.beta", "1..2", "1.2.3-", "1.2.3+", "1.2.3-a_b", "V1.2.3", " 1"] {
            assert_eq!(Version::parse(text), Err(Error::InvalidVersion), "{text:?}");
        }
        assert_eq!(Version::parse("1.2.3-01"), Err(Error::LeadingZero));
        assert_eq!(Version::parse(&"1".repeat(300)), Err(Error::VersionTooLong));
        assert_eq!(
            Version::parse("99999999999999999999").unwrap_err().to_string(),
            r#"error parsing version segment: strconv.ParseUint: parsing "99999999999999999999": value out of range"#
        );
    }

    #[test]
    fn the_strict_form_is_three_numbers() {
        assert_eq!(Version::parse_strict("1.2.3-a.1+b").unwrap().to_string(), "1.2.3-a.1+b");
        for (text, expected) in [
            ("", Error::Empty),
            ("1.2", Error::InvalidVersion),
            ("v1.2.3", Error::InvalidCharacters),
            ("1.02.3", Error::LeadingZero),
            ("1.2.3.4", Error::InvalidCharacters),
            ("1.2.3-a..b", Error::InvalidPrerelease),
            ("1.2.3-a.01", Error::LeadingZero),
            ("1.2.3+a_b", Error::InvalidMetadata),
            ("1..3", Error::InvalidNumber(String::new())),
        ] {
            assert_eq!(Version::parse_strict(text), Err(expected), "{text:?}");
        }
    }

    #[test]
    fn versions_can_be_raised() {
        let original = |version: Option<Version>| version.unwrap().original().to_owned();
        let version = Version::parse("v1.2.3-rc.1+b").unwrap();
        assert_eq!(original(version.next_patch()), "v1.2.3");
        assert_eq!(original(version.next_minor()), "v1.3.0");
        assert_eq!(original(version.next_major()), "v2.0.0");
        assert_eq!(original(version.with_prerelease("").ok()), "v1.2.3+b");
        assert_eq!(version.with_metadata("ä"), Err(Error::InvalidMetadata));
        assert_eq!(Version::parse("1.2.18446744073709551615").unwrap().next_patch(), None);
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
