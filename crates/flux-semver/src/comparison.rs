//! One comparison of a constraint, for example `>=1.2` or `~2.x`.

use std::cmp::Ordering;

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
}

impl Comparison {
    /// Reads one comparison at the start of `text` and returns it with the rest; `None` when there is none.
    pub(crate) fn read(text: &str) -> Option<(Result<Self, Error>, &str)> {
        let (operator, rest) = OPERATORS
            .iter()
            .find_map(|(sign, operator)| text.strip_prefix(sign).map(|rest| (*operator, rest.trim_start())))
            .unwrap_or((Operator::Equal, text));
        let (partial, rest) = PartialVersion::read(rest)?;
        Some((partial.version().map(|(version, given)| Self { operator, version, given }), rest))
    }

    pub(crate) fn has_prerelease(&self) -> bool {
        !self.version.prerelease.is_empty()
    }

    /// Whether `version` satisfies this comparison; its pre-release has been admitted by the caller.
    pub(crate) fn admits(&self, version: &Version) -> bool {
        match self.operator {
            Operator::Equal if self.given == Given::Patch => *version == self.version,
            Operator::Equal | Operator::Tilde => self.tilde(version),
            Operator::NotEqual => self.not_equal(version),
            Operator::Greater => self.greater(version),
            Operator::Less => *version < self.version,
            Operator::GreaterOrEqual => *version >= self.version,
            Operator::LessOrEqual => self.less_or_equal(version),
            Operator::Caret => self.caret(version),
        }
    }

    fn not_equal(&self, version: &Version) -> bool {
        let same_major = version.major == self.version.major;
        let same_minor = same_major && version.minor == self.version.minor;
        match self.given {
            Given::Patch => *version != self.version,
            Given::Major => !same_major,
            Given::Minor if !same_minor => true,
            Given::Minor => compare_prerelease(&version.prerelease, &self.version.prerelease) != Ordering::Equal,
            // The wildcard stands for 0.0.0 here, of which only the major and minor numbers are compared.
            Given::Nothing => !same_minor || version.patch != self.version.patch,
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
    fn tilde(&self, version: &Version) -> bool {
        let zero = (self.version.major, self.version.minor, self.version.patch) == (0, 0, 0);
        if *version < self.version {
            return false;
        }
        match self.given {
            Given::Nothing => true,
            Given::Patch if zero => true,
            Given::Major => version.major == self.version.major,
            Given::Minor | Given::Patch => (version.major, version.minor) == (self.version.major, self.version.minor),
        }
    }

    /// `^1.2.3` is at least that with the same first number that is not zero. `^*` admits 0.0.0 alone, as in Masterminds.
    fn caret(&self, version: &Version) -> bool {
        if *version < self.version {
            return false;
        }
        if self.version.major > 0 || self.given == Given::Major {
            return version.major == self.version.major;
        }
        if version.major > 0 {
            return false;
        }
        if self.version.minor > 0 || self.given == Given::Minor {
            return version.minor == self.version.minor;
        }
        version.minor == 0 && version.patch == self.version.patch
    }
}

/// The text of a version in which numbers may be missing or wildcards.
struct PartialVersion<'a> {
    /// One to three of them, without dots.
    numbers: Vec<&'a str>,
    /// The pre-release with its hyphen and the build metadata with its plus, or empty.
    suffix: &'a str,
}

impl<'a> PartialVersion<'a> {
    /// Reads as long a version as stands at the start of `text`.
    fn read(text: &'a str) -> Option<(Self, &'a str)> {
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
