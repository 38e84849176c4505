//! The versions of one chart, and which of them is meant.

use std::cmp::Reverse;
use std::fmt;

use flux_semver::{Constraint, Version};

use super::{ChartVersion, IndexError};
use crate::chart::ValidationError;

/// The range that takes pre-releases too, as `--devel` asks for.
pub const DEVEL: &str = ">0.0.0-0";

/// The versions of one chart.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Versions {
    /// The chart's name.
    pub name: String,
    /// The versions, the newest first; of equal ones the first of the index first.
    pub versions: Vec<ChartVersion>,
    /// What the index has beside them that is no version of a chart.
    pub skipped: Vec<Skipped>,
}

/// An entry of an index that Helm does not take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Skipped {
    /// The version, as far as there is one.
    pub version: String,
    /// Why it was left out.
    pub reason: SkipReason,
}

/// Why an entry of an index was left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SkipReason {
    /// It is null.
    Empty,
    /// Helm does not take its metadata.
    Invalid(ValidationError),
}

impl fmt::Display for SkipReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("empty entry"),
            Self::Invalid(err) => err.fmt(f),
        }
    }
}

impl Versions {
    /// Sorts the versions, once all are there.
    pub(super) fn sorted(name: String, mut versions: Vec<ChartVersion>, skipped: Vec<Skipped>) -> Self {
        versions.sort_by_cached_key(|entry| Reverse(Version::parse(&entry.metadata.version).ok()));
        Self { name, versions, skipped }
    }

    /// The version that Helm takes: the one that is written so, or the newest within the range, of which pre-releases
    /// are only when the range names one. An empty text is for the newest that is no pre-release.
    pub fn get(&self, version: &str) -> Result<&ChartVersion, IndexError> {
        if self.versions.is_empty() {
            return Err(IndexError::NoChartVersion);
        }
        let range = Constraint::parse(if version.is_empty() { "*" } else { version })?;
        if let Some(exact) = self.written_so(version) {
            return Ok(exact);
        }
        let fits = |entry: &&ChartVersion| Version::parse(&entry.metadata.version).is_ok_and(|one| range.matches(&one));
        self.versions
            .iter()
            .find(fits)
            .ok_or_else(|| IndexError::NoMatch { name: self.name.clone(), version: version.to_owned() })
    }

    /// The version that Flux takes: as [`Self::get`], but the range is not read when a version is written so, versions
    /// need all three numbers, and of equal versions the one that was created last counts.
    pub fn newest(&self, version: &str) -> Result<&ChartVersion, IndexError> {
        if self.versions.is_empty() {
            return Err(IndexError::NoChartVersion);
        }
        if let Some(exact) = self.written_so(version) {
            return Ok(exact);
        }
        let range = Constraint::parse(if version.is_empty() { "*" } else { version })?;
        let strict = |entry: &ChartVersion| {
            let text = &entry.metadata.version;
            Version::parse_strict(text.strip_prefix('v').unwrap_or(text)).ok()
        };
        let fitting = self.versions.iter().filter_map(|entry| Some((strict(entry)?, entry)));
        let fitting = fitting.filter(|(one, _)| range.matches(one));
        let newest = fitting.max_by(|(left, one), (right, other)| {
            left.cmp(right).then_with(|| one.created.instant().cmp(&other.created.instant()))
        });
        newest
            .map(|(_, entry)| entry)
            .ok_or_else(|| IndexError::NoneWithin { name: self.name.clone(), version: version.to_owned() })
    }

    fn written_so(&self, version: &str) -> Option<&ChartVersion> {
        self.versions.iter().find(|entry| !version.is_empty() && entry.metadata.version == version)
    }
}
