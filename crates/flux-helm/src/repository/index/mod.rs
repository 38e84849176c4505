//! `index.yaml`: the charts of a repository, read as Helm reads it, but in parts.
//!
//! An [`Index`] looks through a file and reads the entries of the charts that are asked for; those of others it passes
//! over, so that neither time nor memory grow with them. What is wrong with them stays unnoticed, where Helm refuses the
//! whole index; equal names are noticed everywhere. An index that is written unusually (brackets instead of
//! indentation, keys with question marks, anchors that are used elsewhere) is read as a whole, within a limit.

mod block;
mod entry;
mod header;
mod json;
mod lines;
mod open;
mod url;
mod versions;
mod whole;

use std::collections::BTreeSet;
use std::io::{self, Read, Seek, SeekFrom};

pub use self::url::{UrlError, resolve_url};
pub use entry::ChartVersion;
pub use header::{Document, Header};
pub use versions::{DEVEL, SkipReason, Skipped, Versions};

use crate::chart::DecodeError;
use header::HEADER;

/// Bytes of an index that tell its language.
const START: u64 = 512;

/// Bytes that an index may have beside its entries.
const HEADER_SIZE: usize = 4 << 20;

/// How much of an index is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of the index.
    pub size: u64,
    /// Bytes of an index that is read as a whole, because it is written unusually.
    pub whole: u64,
    /// Bytes about one chart.
    pub chart: usize,
    /// Charts.
    pub charts: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { size: 1 << 30, whole: 50 << 20, chart: 32 << 20, charts: 1_000_000 }
    }
}

/// Why an index does not give what is asked for.
#[derive(Debug, thiserror::Error)]
pub enum IndexError {
    /// There is nothing in it.
    #[error("empty index.yaml file")]
    Empty,
    /// It does not say which version of the format it is.
    #[error("no API version specified")]
    NoApiVersion,
    /// It has no such chart.
    #[error("no chart name found")]
    NoChartName,
    /// It has no version of the chart.
    #[error("no chart version found")]
    NoChartVersion,
    /// No version of the chart is within the range.
    #[error("no chart version found for {name}-{version}")]
    NoMatch {
        /// The chart.
        name: String,
        /// The range.
        version: String,
    },
    /// The same, in Flux's words.
    #[error("no '{name}' chart with version matching '{version}' found")]
    NoneWithin {
        /// The chart.
        name: String,
        /// The range.
        version: String,
    },
    /// The range is none.
    #[error(transparent)]
    Range(#[from] flux_semver::Error),
    /// It is no index.
    #[error(transparent)]
    Decode(#[from] DecodeError),
    /// It cannot be read.
    #[error("failed to read the index")]
    Read(#[source] io::Error),
    /// It has more bytes than the limit.
    #[error("the index has more than {0} bytes")]
    Size(u64),
    /// It is written so that it must be read as a whole, and has more bytes than the limit for that.
    #[error("the index is not written in indented lines and has more than {0} bytes")]
    Whole(u64),
    /// It has more charts than the limit.
    #[error("the index has more than {0} charts")]
    Charts(usize),
    /// It has more to say about a chart than the limit.
    #[error("the index has more than {limit} bytes about chart \"{name}\"")]
    Chart {
        /// The chart.
        name: String,
        /// The limit in bytes.
        limit: usize,
    },
    /// It has more to say beside its entries than the limit.
    #[error("the index has more than {0} bytes beside its entries")]
    Header(usize),
    /// What it has to say about a chart or beside its entries, or all of it where it is read as a whole, are more values
    /// than are held at once.
    #[error("a part of the index has more than {0} values")]
    Values(usize),
    /// One line has more bytes than the limit.
    #[error("the index has a line of more than {0} bytes")]
    Line(usize),
}

/// Why an index could not be read so.
#[derive(Debug)]
enum Fault {
    /// It must be read as a whole.
    Unusual,
    /// The same: a part of it cannot be read by itself. It may name an anchor of another part, or this is wrong with it.
    Unreadable(DecodeError),
    Index(IndexError),
}

impl<E: Into<IndexError>> From<E> for Fault {
    fn from(err: E) -> Self {
        Self::Index(err.into())
    }
}

impl From<io::Error> for IndexError {
    fn from(err: io::Error) -> Self {
        Self::Read(err)
    }
}

/// An index in a file or in memory.
#[derive(Debug)]
pub struct Index<R> {
    source: R,
    limits: Limits,
    as_whole: bool,
}

impl<R: Read + Seek> Index<R> {
    /// An index with the default limits.
    pub fn new(source: R) -> Self {
        Self::with_limits(source, Limits::default())
    }

    /// An index with these limits.
    pub fn with_limits(source: R, limits: Limits) -> Self {
        Self { source, limits, as_whole: false }
    }

    /// An index that is read as Helm reads it: as a whole, so that a mistake anywhere in it is an error.
    pub fn as_whole(source: R, limits: Limits) -> Self {
        Self { source, limits, as_whole: true }
    }

    /// The version of a chart that Helm takes for a version or range; see [`Versions::get`].
    pub fn get(&mut self, name: &str, version: &str) -> Result<ChartVersion, IndexError> {
        self.chart(name)?.get(version).cloned()
    }

    /// All versions of a chart.
    pub fn chart(&mut self, name: &str) -> Result<Versions, IndexError> {
        let mut found = None;
        self.read(Choice::One(name), &mut |versions| found = Some(versions))?;
        found.ok_or(IndexError::NoChartName)
    }

    /// Each chart with all its versions, in the order of the index; after an error there may be more of them. The answer
    /// is what the index says beside them.
    pub fn each(&mut self, mut each: impl FnMut(Versions)) -> Result<Header, IndexError> {
        self.read(Choice::All, &mut each).map(|(header, _)| header)
    }

    /// The names of all charts in order.
    pub fn names(&mut self) -> Result<BTreeSet<String>, IndexError> {
        self.read(Choice::Names, &mut |_| {}).map(|(_, names)| names)
    }

    /// Reads what is chosen; the answer has the names of the charts that were found.
    fn read(
        &mut self,
        choice: Choice<'_>,
        each: &mut dyn FnMut(Versions),
    ) -> Result<(Header, BTreeSet<String>), IndexError> {
        let mut wanted = Wanted { choice, found: BTreeSet::new(), each };
        let header = match self.read_parts(&mut wanted) {
            Err(Fault::Unusual) => self.read_whole(&mut wanted)?,
            Err(Fault::Unreadable(fault)) => match self.read_whole(&mut wanted) {
                Err(IndexError::Whole(_)) => return Err(fault.into()),
                whole => whole?,
            },
            Err(Fault::Index(err)) => return Err(err),
            Ok(header) => header,
        };
        if header.api_version.is_empty() { Err(IndexError::NoApiVersion) } else { Ok((header, wanted.found)) }
    }

    fn read_parts(&mut self, wanted: &mut Wanted<'_>) -> Result<Header, Fault> {
        self.source.seek(SeekFrom::Start(0))?;
        let mut start = Vec::new();
        self.source.by_ref().take(START).read_to_end(&mut start)?;
        self.source.seek(SeekFrom::Start(0))?;
        match start.trim_ascii_start().first() {
            None if start.is_empty() => Err(IndexError::Empty.into()),
            _ if self.as_whole => Err(Fault::Unusual),
            Some(b'{') => json::read(&mut self.source, self.limits, wanted),
            None | Some(_) => block::Block::new(self.limits, wanted).read(&mut self.source),
        }
    }

    fn read_whole(&mut self, wanted: &mut Wanted<'_>) -> Result<Header, IndexError> {
        self.source.seek(SeekFrom::Start(0))?;
        let limit = self.limits.whole;
        let mut text = Vec::new();
        self.source.by_ref().take(limit.saturating_add(1)).read_to_end(&mut text)?;
        if text.len() as u64 > limit {
            return Err(IndexError::Whole(limit));
        }
        whole::read(&text, wanted)
    }
}

/// Which charts to read.
#[derive(Clone, Copy, Debug)]
enum Choice<'c> {
    One(&'c str),
    All,
    Names,
}

/// The charts that are to be read, and where they go.
struct Wanted<'w> {
    choice: Choice<'w>,
    /// The names of the charts that were given, or found where names are asked for.
    found: BTreeSet<String>,
    each: &'w mut dyn FnMut(Versions),
}

impl Wanted<'_> {
    fn wants(&mut self, name: &str) -> bool {
        match self.choice {
            Choice::One(one) => one == name,
            Choice::All => true,
            Choice::Names => {
                self.found.insert(name.to_owned());
                false
            }
        }
    }

    /// Hands a chart on, unless that was done before the index turned out to be unusual.
    fn give(&mut self, versions: Versions) {
        if self.found.insert(versions.name.clone()) {
            (self.each)(versions);
        }
    }
}

/// How much of YAML is read at once: what fits into the limits of an index.
fn limits_of_yaml() -> flux_yaml::Limits {
    flux_yaml::Limits { nodes: 4_000_000, ..flux_yaml::Limits::default() }
}

#[cfg(test)]
mod tests;
