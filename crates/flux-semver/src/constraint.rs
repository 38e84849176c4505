//! A constraint: groups of comparisons, of which one must hold as a whole.

use std::fmt;
use std::str::FromStr;

use crate::comparison::{Comparison, Mismatch, PartialVersion, skip_space};
use crate::{Error, MAX_CONSTRAINT_LENGTH, MAX_GROUPS, Version};

/// A range of versions, for example `>=1.2 <2 || ~3.1`.
#[derive(Clone, Debug)]
pub struct Constraint {
    groups: Vec<Group>,
}

/// Comparisons that must all hold.
#[derive(Clone, Debug)]
struct Group {
    comparisons: Vec<Comparison>,
    names_prerelease: bool,
}

impl Constraint {
    /// Reads a constraint; an empty text is none.
    pub fn parse(text: &str) -> Result<Self, Error> {
        if text.len() > MAX_CONSTRAINT_LENGTH {
            return Err(Error::ConstraintTooLong);
        }
        let text = rewrite_ranges(text);
        if text.matches("||").count() >= MAX_GROUPS {
            return Err(Error::TooManyGroups);
        }
        Ok(Self { groups: text.split("||").map(Group::read).collect::<Result<_, _>>()? })
    }

    /// Whether `version` is in the range.
    pub fn matches(&self, version: &Version) -> bool {
        self.groups.iter().any(|group| {
            let admitted = version.prerelease.is_empty() || group.names_prerelease;
            admitted && group.comparisons.iter().all(|comparison| comparison.check(version).is_ok())
        })
    }

    /// Whether `version` is in the range, and each comparison that it fails if it is not.
    pub fn validate(&self, version: &Version) -> Result<(), Vec<Mismatch>> {
        let mut mismatches = Vec::new();
        let mut refused_prerelease = false;
        for Group { comparisons, names_prerelease } in &self.groups {
            if version.prerelease.is_empty() || *names_prerelease {
                let before = mismatches.len();
                mismatches.extend(comparisons.iter().filter_map(|comparison| comparison.check(version).err()));
                if mismatches.len() == before {
                    return Ok(());
                }
            } else if !refused_prerelease {
                refused_prerelease = true;
                mismatches.push(Mismatch::prerelease(version));
            }
        }
        Err(mismatches)
    }
}

impl FromStr for Constraint {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        Self::parse(text)
    }
}

/// The comparisons without the spaces around them; hyphen ranges as the two comparisons that they stand for.
impl fmt::Display for Constraint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, group) in self.groups.iter().enumerate() {
            f.write_str(if at > 0 { " || " } else { "" })?;
            for (at, comparison) in group.comparisons.iter().enumerate() {
                f.write_str(if at > 0 { " " } else { "" })?;
                write!(f, "{comparison}")?;
            }
        }
        Ok(())
    }
}

impl Group {
    /// Comparisons one after the other, with spaces or a comma between them.
    fn read(text: &str) -> Result<Self, Error> {
        let improper = || Error::ImproperConstraint(text.to_owned());
        let mut rest = skip_space(text);
        let mut comparisons = Vec::new();
        // The form of the whole group is judged before what its versions say.
        let mut unreadable = false;
        loop {
            let (comparison, after) = Comparison::read(rest).ok_or_else(improper)?;
            match comparison {
                Ok(comparison) => comparisons.push(comparison),
                Err(_) => unreadable = true,
            }
            let next = skip_space(after);
            if next.is_empty() {
                break;
            }
            rest = match next.strip_prefix(',') {
                Some(next) => skip_space(next),
                None if next.len() < after.len() => next,
                None => return Err(improper()),
            };
        }
        if unreadable {
            return Err(Error::UnreadableConstraint);
        }
        let names_prerelease = comparisons.iter().any(Comparison::has_prerelease);
        Ok(Self { comparisons, names_prerelease })
    }
}

/// Writes each `a - b` as `>= a, <= b `, wherever it stands, as Masterminds does before it reads anything else.
fn rewrite_ranges(text: &str) -> String {
    let mut rewritten = text.to_owned();
    let mut at = 0;
    while at < text.len() {
        if let Some((low, high, rest)) = range(&text[at..]) {
            let end = text.len() - rest.len();
            rewritten = rewritten.replacen(&text[at..end], &format!(">= {low}, <= {high} "), 1);
            at = end;
        } else {
            at += text[at..].chars().next().map_or(1, char::len_utf8);
        }
    }
    rewritten
}

/// The two versions of a hyphen range at the start of `text` and what follows it; spaces around it belong to it.
fn range(text: &str) -> Option<(&str, &str, &str)> {
    let low = skip_space(text);
    let (_, after_low) = PartialVersion::read(low)?;
    let hyphen = skip_space(after_low);
    let after_hyphen = hyphen.strip_prefix('-').filter(|_| hyphen.len() < after_low.len())?;
    let high = skip_space(after_hyphen);
    let (_, after_high) = PartialVersion::read(high).filter(|_| high.len() < after_hyphen.len())?;
    Some((&low[..low.len() - after_low.len()], &high[..high.len() - after_high.len()], skip_space(after_high)))
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
            ("!=*-a", "0.0.0-b", true),
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
            assert_eq!(constraint.validate(&version).is_ok(), expected, "{version} in {constraint}");
        }
    }

    #[test]
    fn other_texts_are_refused_by_name() {
        for (text, expected) in [
            ("", r#"improper constraint: """#),
            (">1||", r#"improper constraint: """#),
            ("1.2.3foo", r#"improper constraint: "1.2.3foo""#),
            (">=1.0 and\t<2", r#"improper constraint: ">=1.0 and\t<2""#),
            ("> =1", r#"improper constraint: "> =1""#),
            (">1 - 2", r#"improper constraint: ">>= 1, <= 2 ""#),
            ("1.2.99999999999999999999", "constraint parser error"),
            ("1|2", "constraint parser error"),
            ("1.2.3-01", "constraint parser error"),
        ] {
            assert_eq!(Constraint::parse(text).unwrap_err().to_string(), expected, "{text:?}");
        }
        assert_eq!(Constraint::parse(&" ".repeat(600)).unwrap_err(), Error::ConstraintTooLong);
        assert_eq!(Constraint::parse(&["1"; 33].join("||")).unwrap_err(), Error::TooManyGroups);
    }

    #[test]
    fn a_constraint_prints_its_comparisons() {
        for (text, expected) in
            [(" >= 1.2 ,<2||~3 ", ">=1.2 <2 || ~3"), ("1 - 2.x", ">=1 <=2.x"), ("=v1.0.0-a+b", "=v1.0.0-a+b")]
        {
            assert_eq!(Constraint::parse(text).unwrap().to_string(), expected);
        }
    }

    #[test]
    fn a_version_out_of_range_is_told_why() {
        for (constraint, version, expected) in [
            ("1.2.3", "1.2.4", r#""1.2.4" is not equal to "1.2.3""#),
            ("!=1.2", "1.2.4", r#""1.2.4" is equal to "1.2""#),
            (">1.x", "v1.4", r#""1.4.0" is less than or equal to "1.x""#),
            (">=2", "1.0.0", r#""1.0.0" is less than "2""#),
            ("<1", "1.0.0", r#""1.0.0" is greater than or equal to "1""#),
            ("<=1.1", "1.2.0", r#""1.2.0" is greater than "1.1""#),
            ("~1.1", "1.2.0", r#""1.2.0" does not have same major and minor version as "1.1""#),
            ("1", "2.0.0", r#""2.0.0" does not have same major version as "1""#),
            ("^1", "2.0.0", r#""2.0.0" does not have same major version as "1""#),
            ("^0.0.1", "0.1.0", r#""0.1.0" does not have same minor version as "0.0.1""#),
            (
                "^0.1",
                "0.2.0",
                r#""0.2.0" does not have same minor version as "0.1". Expected minor versions to match when constraint major version is 0"#,
            ),
            (
                "^0.0.1",
                "0.0.2",
                r#""0.0.2" does not equal "0.0.1". Expect version and constraint to equal when major and minor versions are 0"#,
            ),
            (
                ">1 || <0.5",
                "1.1.0-rc.1",
                r#""1.1.0-rc.1" is a prerelease version and the constraint is only looking for release versions"#,
            ),
        ] {
            let version = Version::parse(version).unwrap();
            let mismatches = Constraint::parse(constraint).unwrap().validate(&version).unwrap_err();
            let texts: Vec<String> = mismatches.iter().map(ToString::to_string).collect();
            assert_eq!(texts, [expected], "{version} in {constraint}");
        }
    }
}
