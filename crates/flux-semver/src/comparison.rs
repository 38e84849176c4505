//! One comparison of a constraint, for example `>=1.2` or `~2.x`.

use std::cmp::Ordering;
use std::fmt;

use crate::error::quote;
use crate::version::compare_prerelease;
use crate::{Error, Version};

/// What stands before the version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operator {
    /// No operator or `=`; with a partial version the same as `~`.
    Equal,
    NotEqual,
    Greater,
    Less,
    GreaterOrEqual,
    LessOrEqual,
    Tilde,
    Caret,
}

/// The operators by their text, longer ones first so that no other is taken for their beginning.
const OPERATORS: [(&str, Operator); 11] = [
    ("!=", Operator::NotEqual),
    (">=", Operator::GreaterOrEqual),
    ("=>", Operator::GreaterOrEqual),
    ("<=", Operator::LessOrEqual),
    ("=<", Operator::LessOrEqual),
    ("~>", Operator::Tilde),
    ("=", Operator::Equal),
    (">", Operator::Greater),
    ("<", Operator::Less),
    ("~", Operator::Tilde),
    ("^", Operator::Caret),
];

/// How much of the version the text gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Given {
    /// Not even a major number: `*`.
    Nothing,
    /// `1` or `1.x`.
    Major,
    /// `1.2` or `1.2.x`.
    Minor,
    /// All three numbers.
    Patch,
}

/// An operator with the version that it compares to.
#[derive(Clone, Debug)]
pub(crate) struct Comparison {
    operator: Operator,
    version: Version,
    given: Given,
    /// The operator and the version as they were written.
    original: (String, String),
}

/// Why a version does not satisfy a comparison.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{} {}{}{}", quote(.version), self.reason.before(), self.bound.as_deref().map(quote).unwrap_or_default(), self.reason.after())]
pub struct Mismatch {
    version: String,
    /// The version of the comparison as it was written.
    bound: Option<String>,
    reason: Reason,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reason {
    Prerelease,
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    OtherMajor,
    OtherMajorOrMinor,
    OtherMinor,
    OtherMinorBelowOne,
    OtherPatchBelowOne,
}

impl Mismatch {
    /// Only releases are asked for.
    pub(crate) fn prerelease(version: &Version) -> Self {
        Self { version: version.to_string(), bound: None, reason: Reason::Prerelease }
    }
}

impl Reason {
    fn before(self) -> &'static str {
        match self {
            Self::Prerelease => "is a prerelease version and the constraint is only looking for release versions",
            Self::Equal => "is equal to ",
            Self::NotEqual => "is not equal to ",
            Self::Less => "is less than ",
            Self::LessOrEqual => "is less than or equal to ",
            Self::Greater => "is greater than ",
            Self::GreaterOrEqual => "is greater than or equal to ",
            Self::OtherMajor => "does not have same major version as ",
            Self::OtherMajorOrMinor => "does not have same major and minor version as ",
            Self::OtherMinor | Self::OtherMinorBelowOne => "does not have same minor version as ",
            Self::OtherPatchBelowOne => "does not equal ",
        }
    }

    fn after(self) -> &'static str {
        match self {
            Self::OtherMinorBelowOne => ". Expected minor versions to match when constraint major version is 0",
            Self::OtherPatchBelowOne => ". Expect version and constraint to equal when major and minor versions are 0",
            Self::Prerelease
            | Self::Equal
            | Self::NotEqual
            | Self::Less
            | Self::LessOrEqual
            | Self::Greater
            | Self::GreaterOrEqual
            | Self::OtherMajor
            | Self::OtherMajorOrMinor
            | Self::OtherMinor => "",
        }
    }
}

impl Comparison {
    /// Reads one comparison at the start of `text` and returns it with the rest; `None` when there is none.
    pub(crate) fn read(text: &str) -> Option<(Result<Self, Error>, &str)> {
        let (operator, rest) = OPERATORS
            .iter()
            .find_map(|(sign, operator)| text.strip_prefix(sign).map(|rest| (*operator, rest)))
            .unwrap_or((Operator::Equal, text));
        let sign = &text[..text.len() - rest.len()];
        let bound = skip_space(rest);
        let (partial, rest) = PartialVersion::read(bound)?;
        let original = (sign.to_owned(), bound[..bound.len() - rest.len()].to_owned());
        Some((partial.version().map(|(version, given)| Self { operator, version, given, original }), rest))
    }

    pub(crate) fn has_prerelease(&self) -> bool {
        !self.version.prerelease.is_empty()
    }

    /// Whether `version` satisfies this comparison; its pre-release has been admitted by the caller.
    pub(crate) fn check(&self, version: &Version) -> Result<(), Mismatch> {
        let mismatch = |reason| {
            let bound = Some(self.original.1.clone());
            Mismatch { version: version.to_string(), bound, reason }
        };
        self.mismatch(version).map_or(Ok(()), |reason| Err(mismatch(reason)))
    }

    fn mismatch(&self, version: &Version) -> Option<Reason> {
        let unless = |holds: bool, reason: Reason| (!holds).then_some(reason);
        match self.operator {
            Operator::Equal if self.given == Given::Patch => unless(*version == self.version, Reason::NotEqual),
            Operator::Equal | Operator::Tilde => self.tilde(version),
            Operator::NotEqual => unless(self.not_equal(version), Reason::Equal),
            Operator::Greater => unless(self.greater(version), Reason::LessOrEqual),
            Operator::Less => unless(*version < self.version, Reason::GreaterOrEqual),
            Operator::GreaterOrEqual => unless(*version >= self.version, Reason::Less),
            Operator::LessOrEqual => unless(self.less_or_equal(version), Reason::Greater),
            Operator::Caret => self.caret(version),
        }
    }

    fn not_equal(&self, version: &Version) -> bool {
        let same_major = version.major == self.version.major;
        let same_minor = same_major && version.minor == self.version.minor;
        match self.given {
            Given::Patch | Given::Nothing => *version != self.version,
            Given::Major => !same_major,
            Given::Minor if !same_minor => true,
            Given::Minor => compare_prerelease(&version.prerelease, &self.version.prerelease) != Ordering::Equal,
        }
    }

    fn greater(&self, version: &Version) -> bool {
        match (self.given, version.major.cmp(&self.version.major)) {
            (Given::Patch | Given::Nothing, _) => *version > self.version,
            (Given::Major | Given::Minor, Ordering::Greater) => true,
            (Given::Major | Given::Minor, Ordering::Less) | (Given::Major, Ordering::Equal) => false,
            (Given::Minor, Ordering::Equal) => version.minor > self.version.minor,
        }
    }

    fn less_or_equal(&self, version: &Version) -> bool {
        match (self.given, version.major.cmp(&self.version.major)) {
            (Given::Patch, _) => *version <= self.version,
            (_, Ordering::Greater) => false,
            (Given::Minor | Given::Nothing, Ordering::Equal) => version.minor <= self.version.minor,
            (Given::Major, Ordering::Equal) | (_, Ordering::Less) => true,
        }
    }

    /// `~1.2.3` is at least that and below 1.3.0; `~1` is any 1.x.
    fn tilde(&self, version: &Version) -> Option<Reason> {
        let zero = (self.version.major, self.version.minor, self.version.patch) == (0, 0, 0);
        if *version < self.version {
            return Some(Reason::Less);
        }
        if matches!(self.given, Given::Nothing | Given::Patch) && zero {
            return None;
        }
        if version.major != self.version.major {
            return Some(Reason::OtherMajor);
        }
        (version.minor != self.version.minor && self.given != Given::Major).then_some(Reason::OtherMajorOrMinor)
    }

    /// `^1.2.3` is at least that with the same first number that is not zero. `^*` admits 0.0.0 alone, as in Masterminds.
    fn caret(&self, version: &Version) -> Option<Reason> {
        if *version < self.version {
            return Some(Reason::Less);
        }
        if version.major != self.version.major {
            return Some(Reason::OtherMajor);
        }
        if self.version.major > 0 || self.given == Given::Major {
            return None;
        }
        if self.version.minor > 0 || self.given == Given::Minor {
            return (version.minor != self.version.minor).then_some(Reason::OtherMinorBelowOne);
        }
        if version.minor > 0 {
            return Some(Reason::OtherMinor);
        }
        (version.patch != self.version.patch).then_some(Reason::OtherPatchBelowOne)
    }
}

/// The operator and the version as they were written.
impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (sign, bound) = &self.original;
        write!(f, "{sign}{bound}")
    }
}

/// What follows the white space at the start of `text`; only ASCII's counts, as in Go's `\s`.
pub(crate) fn skip_space(text: &str) -> &str {
    text.trim_start_matches([' ', '\t', '\n', '\r', '\x0c'])
}

/// The text of a version in which numbers may be missing or wildcards.
pub(crate) struct PartialVersion<'a> {
    /// One to three of them, without dots.
    numbers: Vec<&'a str>,
    /// The pre-release with its hyphen and the build metadata with its plus, or empty.
    suffix: &'a str,
}

impl<'a> PartialVersion<'a> {
    /// Reads as long a version as stands at the start of `text`.
    pub(crate) fn read(text: &'a str) -> Option<(Self, &'a str)> {
        let mut rest = text.strip_prefix('v').unwrap_or(text);
        let mut numbers = Vec::with_capacity(3);
        while numbers.len() < 3 {
            let start = if numbers.is_empty() { Some(rest) } else { rest.strip_prefix('.') };
            let Some(start) = start else { break };
            let end = start.find(|c: char| !c.is_ascii_digit() && !"xX*|".contains(c)).unwrap_or(start.len());
            if end == 0 {
                break;
            }
            numbers.push(&start[..end]);
            rest = &start[end..];
        }
        if numbers.is_empty() {
            return None;
        }
        let after = skip_words(skip_words(rest, '-'), '+');
        let suffix = &rest[..rest.len() - after.len()];
        Some((Self { numbers, suffix }, after))
    }

    fn version(&self) -> Result<(Version, Given), Error> {
        let number = |at: usize| self.numbers.get(at).copied().filter(|text| !matches!(*text, "x" | "X" | "*"));
        let suffix = self.suffix;
        let (text, given) = match (number(0), number(1), number(2)) {
            (None, _, _) => (format!("0.0.0{suffix}"), Given::Nothing),
            (Some(major), None, _) => (format!("{major}.0.0{suffix}"), Given::Major),
            (Some(major), Some(minor), None) => (format!("{major}.{minor}.0{suffix}"), Given::Minor),
            (Some(major), Some(minor), Some(patch)) => (format!("{major}.{minor}.{patch}{suffix}"), Given::Patch),
        };
        Version::parse(&text).map(|version| (version, given))
    }
}

/// What follows `mark` and a dotted list of words, or `text` itself where there is none.
fn skip_words(text: &str, mark: char) -> &str {
    let Some(mut rest) = text.strip_prefix(mark) else { return text };
    let mut taken = text;
    loop {
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '-').unwrap_or(rest.len());
        if end == 0 {
            return taken;
        }
        taken = &rest[end..];
        let Some(next) = taken.strip_prefix('.') else { return taken };
        rest = next;
    }
}
