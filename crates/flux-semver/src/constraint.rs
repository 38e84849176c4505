//! A constraint: groups of comparisons, of which one must hold as a whole.

use std::fmt;
use std::str::FromStr;

use crate::comparison::Comparison;
use crate::{Error, MAX_LENGTH, Version};

/// A range of versions, for example `>=1.2 <2 || ~3.1`.
#[derive(Clone, Debug)]
pub struct Constraint {
    groups: Vec<Vec<Comparison>>,
    original: String,
}

impl Constraint {
    /// Reads a constraint; an empty text is none.
    pub fn parse(text: &str) -> Result<Self, Error> {
        if text.len() > MAX_LENGTH {
            return Err(Error::TooLong(text.len()));
        }
        let groups = text.split("||").map(group).collect::<Result<_, _>>()?;
        Ok(Self { groups, original: text.to_owned() })
    }

    /// Whether `version` is in the range.
    pub fn matches(&self, version: &Version) -> bool {
        self.groups.iter().any(|group| {
            let admitted = version.prerelease.is_empty() || group.iter().any(Comparison::has_prerelease);
            admitted && group.iter().all(|comparison| comparison.admits(version))
        })
    }
}

impl FromStr for Constraint {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        Self::parse(text)
    }
}

/// The text that was read.
impl fmt::Display for Constraint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.original)
    }
}

/// Comparisons one after the other, with spaces or a comma between them.
fn group(text: &str) -> Result<Vec<Comparison>, Error> {
    let improper = || Error::ImproperConstraint(text.to_owned());
    let rewritten = rewrite_ranges(text);
    let mut rest = rewritten.trim();
    let mut comparisons = Vec::new();
    loop {
        let (comparison, after) = Comparison::read(rest).ok_or_else(improper)?;
        comparisons.push(comparison?);
        let next = after.trim_start();
        if next.is_empty() {
            return Ok(comparisons);
        }
        rest = match next.strip_prefix(',') {
            Some(next) => next.trim_start(),
            None if next.len() < after.len() => next,
            None => return Err(improper()),
        };
    }
}

/// Writes each `a - b` as `>=a <=b`.
fn rewrite_ranges(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    let mut written = Vec::with_capacity(words.len());
    let mut at = 0;
    while at < words.len() {
        if let [low, "-", high, ..] = words[at..] {
            written.push(format!(">={low} <={high}"));
            at += 3;
        } else {
            written.push(words[at].to_owned());
            at += 1;
        }
    }
    written.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_hold_as_masterminds_reads_them() {
        for (constraint, version, expected) in [
            ("*", "1.2.3", true),
            ("*", "1.2.3-beta.2", false),
            ("*-0", "1.2.3-beta.2", true),
            (">1.2", "1.2.9", false),
            (">1.2", "1.3.0", true),
            (">=1.19-0", "1.19.3-gke.100", true),
            (">=1.19.0", "1.19.3-gke.100", false),
            ("!=1", "1.5.0", false),
            ("!=1.2", "1.2.3", false),
            ("<=1", "1.9.9", true),
            ("<=1.2", "1.2.9", true),
            ("1.2 - 1.4.5", "1.4.5", true),
            ("1.2 - 1.4.5", "1.4.6", false),
            ("~1.2.3", "1.2.9", true),
            ("~1.2.3", "1.3.0", false),
            ("~1", "1.9.0", true),
            ("^0.2.3", "0.2.9", true),
            ("^0.2.3", "0.3.0", false),
            ("^0.0.3", "0.0.4", false),
            ("^1.2", "2.0.0", false),
            ("=>1.0, <2", "1.5.0", true),
            (">=1 <2 || >=3", "3.1.0", true),
            ("1.x", "1.4.0", true),
            ("v1.2.3", "1.2.3+build", true),
            (">=1.0.0-0 || <0.5", "0.4.0-rc.1", false),
        ] {
            let constraint = Constraint::parse(constraint).unwrap();
            let version = Version::parse(version).unwrap();
            assert_eq!(constraint.matches(&version), expected, "{version} in {constraint}");
        }
    }

    #[test]
    fn other_texts_are_improper() {
        for text in ["", "||", "foo", ">", ">1||", "1.2.3foo", ">=1.0 and <2", "1.2.3.4", "> =1"] {
            assert!(Constraint::parse(text).is_err(), "{text:?}");
        }
    }
}
