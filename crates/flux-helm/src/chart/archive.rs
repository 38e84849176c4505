//! Packaged charts: gzipped tar archives.

use std::io::{self, Read};

use flate2::read::MultiGzDecoder;
use jiff::Timestamp;
use tar::{EntryType, Header};

use super::load::{self, CHART_YAML, LoadError};
use super::validate::quoted;
use super::{Chart, File, path};
use crate::Time;
use crate::gate::{Gate, Gated};

const BOM: &[u8] = b"\xef\xbb\xbf";

/// Bytes that a name may have, and each of the other records about an entry.
const NAME: u64 = 1 << 20;

/// Bytes that may stand before an entry's content: three records, and the blocks that they begin with.
const HEADERS: u64 = 3 * NAME + (64 << 10);

/// How much a packaged chart may hold, the defaults as Helm has them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LoadLimits {
    /// Bytes of one archive's files.
    pub archive: u64,
    /// Bytes of one file.
    pub file: u64,
    /// Bytes of all archives together, those of subcharts and the headers with the names too. Helm has no such limit.
    pub total: u64,
    /// Entries of all archives together. Helm has no such limit.
    pub entries: usize,
    /// How deep subcharts may be nested. Helm has no such limit.
    pub depth: usize,
}

impl Default for LoadLimits {
    fn default() -> Self {
        Self { archive: 100 << 20, file: 5 << 20, total: 400 << 20, entries: 200_000, depth: 64 }
    }
}

/// Why a packaged chart could not be unpacked.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// Not compressed by gzip.
    #[error("gzip: invalid header")]
    Gzip,
    /// The stream ends early.
    #[error("unexpected EOF")]
    Truncated,
    /// There is nothing to read at all.
    #[error("EOF")]
    Empty,
    /// What is compressed is no tar archive.
    #[error("archive/tar: invalid tar header")]
    Tar,
    /// An entry with a longer name, or with more to say about it, than one may have.
    #[error("archive/tar: header field too long")]
    Header,
    /// The compressed data are broken, or the reader failed.
    #[error("failed to read the chart archive")]
    Read(#[source] io::Error),
    /// An entry with an absolute path.
    #[error("chart illegally contains absolute paths")]
    Absolute,
    /// An entry that is not below a folder.
    #[error("chart illegally contains content outside the base directory: {}", quoted(.0))]
    OutsideBase(String),
    /// An entry that leaves the folder.
    #[error("chart illegally references parent directory")]
    Parent,
    /// An entry with a drive letter.
    #[error("chart contains illegally named files")]
    Name,
    /// `Chart.yaml` is not below a folder.
    #[error("chart yaml not in base directory")]
    ChartYamlOutside,
    /// More bytes than an archive may have.
    #[error("decompressed chart is larger than the maximum size {0}")]
    TooLarge(u64),
    /// A file with more bytes than one may have.
    #[error("decompressed chart file {} is larger than the maximum file size {limit}", quoted(.name))]
    FileTooLarge {
        /// The name of the entry.
        name: String,
        /// The limit in bytes.
        limit: u64,
    },
    /// More entries than archives may have.
    #[error("the chart's archives have more than {0} entries")]
    Entries(usize),
    /// Not one file.
    #[error("no files in chart archive")]
    NoFiles,
}

/// What is left of the limits while a chart and its subcharts are loaded.
pub(super) struct Budget {
    limits: LoadLimits,
    total: u64,
    entries: usize,
    depth: usize,
}

impl Budget {
    pub(super) fn new(limits: &LoadLimits) -> Self {
        Self { limits: *limits, total: limits.total, entries: limits.entries, depth: limits.depth }
    }

    /// Goes into a subchart; the error is the limit.
    pub(super) fn descend(&mut self) -> Result<(), usize> {
        self.depth = self.depth.checked_sub(1).ok_or(self.limits.depth)?;
        Ok(())
    }

    pub(super) fn ascend(&mut self) {
        self.depth += 1;
    }

    fn entry(&mut self) -> Result<(), ArchiveError> {
        self.entries = self.entries.checked_sub(1).ok_or(ArchiveError::Entries(self.limits.entries))?;
        Ok(())
    }

    fn bytes(&mut self, count: u64) -> Result<(), ArchiveError> {
        self.total = self.total.checked_sub(count).ok_or(ArchiveError::TooLarge(self.limits.total))?;
        Ok(())
    }

    /// Reads up to the content of the next entry; what is read counts to the total.
    fn headers<T>(&mut self, gate: &Gate, read: impl FnOnce() -> io::Result<T>) -> Result<T, ArchiveError> {
        let most = self.total.min(HEADERS);
        gate.open(most);
        let entry = read();
        if gate.was_closed() {
            return Err(if most < HEADERS { ArchiveError::TooLarge(self.limits.total) } else { ArchiveError::Header });
        }
        self.bytes(most - gate.left())?;
        entry.map_err(read_fault)
    }
}

/// The chart of an archive.
///
/// Links and devices are files without content, as they are to Helm: nothing is followed.
pub fn load_archive(reader: impl Read, limits: &LoadLimits) -> Result<Chart, LoadError> {
    load_within(reader, &mut Budget::new(limits))
}

/// The files of an archive, their names without the folder that all are in.
pub fn archive_files(reader: impl Read, limits: &LoadLimits) -> Result<Vec<File>, ArchiveError> {
    files_within(reader, &mut Budget::new(limits))
}

pub(super) fn load_within(reader: impl Read, budget: &mut Budget) -> Result<Chart, LoadError> {
    load::load_within(files_within(reader, budget)?, budget)
}

fn files_within(reader: impl Read, budget: &mut Budget) -> Result<Vec<File>, ArchiveError> {
    let limits = budget.limits;
    let mut left = limits.archive;
    let mut files = Vec::new();
    let gate = Gate::default();
    let mut archive = tar::Archive::new(Gated::new(MultiGzDecoder::new(checked_start(reader)?), &gate));
    let mut entries = archive.entries().map_err(read_fault)?;
    while let Some(mut entry) = budget.headers(&gate, || entries.next().transpose())? {
        budget.entry()?;
        if is_folder(entry.header())
            || matches!(entry.header().entry_type(), EntryType::XGlobalHeader | EntryType::XHeader)
        {
            continue;
        }
        let full_name = full_name(&entry)?;
        let name = name_in_chart(&full_name)?;
        let size = entry.size();
        if size > left {
            return Err(ArchiveError::TooLarge(limits.archive));
        }
        if size > limits.file {
            return Err(ArchiveError::FileTooLarge { name: full_name, limit: limits.file });
        }
        budget.bytes(size)?;
        gate.open(size);
        let modified = modified(entry.header());
        let mut data = Vec::with_capacity(usize::try_from(size).unwrap_or_default().min(64 << 10));
        entry.read_to_end(&mut data).map_err(read_fault)?;
        if (data.len() as u64) < size {
            return Err(ArchiveError::Truncated);
        }
        left -= size;
        if left == 0 {
            return Err(ArchiveError::TooLarge(limits.archive));
        }
        files.push(File { name, data: data.strip_prefix(BOM).unwrap_or(&data).into(), modified });
    }
    if files.is_empty() { Err(ArchiveError::NoFiles) } else { Ok(files) }
}

/// The name of an entry as it is in the archive.
fn full_name(entry: &tar::Entry<'_, impl Read>) -> Result<String, ArchiveError> {
    let name = entry.path_bytes();
    if name.len() as u64 > NAME {
        return Err(ArchiveError::Header);
    }
    Ok(String::from_utf8_lossy(&name).into_owned())
}

/// The reader, once its first bytes are those of gzip.
fn checked_start(mut reader: impl Read) -> Result<impl Read, ArchiveError> {
    let mut start = Vec::with_capacity(10);
    reader.by_ref().take(10).read_to_end(&mut start).map_err(ArchiveError::Read)?;
    match start.len() {
        0 => Err(ArchiveError::Empty),
        1..10 => Err(ArchiveError::Truncated),
        _ if start.starts_with(b"\x1f\x8b\x08") => Ok(io::Cursor::new(start).chain(reader)),
        _ => Err(ArchiveError::Gzip),
    }
}

/// The tar library tells broken archives by errors without a kind.
fn read_fault(err: io::Error) -> ArchiveError {
    match err.kind() {
        io::ErrorKind::UnexpectedEof => ArchiveError::Truncated,
        io::ErrorKind::Other if err.to_string().contains("failed to read entire block") => ArchiveError::Truncated,
        io::ErrorKind::Other if err.to_string().contains("unexpected EOF") => ArchiveError::Truncated,
        io::ErrorKind::Other if err.raw_os_error().is_none() => ArchiveError::Tar,
        _ => ArchiveError::Read(err),
    }
}

fn is_folder(header: &Header) -> bool {
    let kind = header.entry_type();
    let has_slash = header.path_bytes().ends_with(b"/");
    kind.is_dir() || kind.as_byte() == 0 && has_slash || header.mode().is_ok_and(|mode| mode & 0o170_000 == 0o040_000)
}

/// When an entry was changed, to the second.
fn modified(header: &Header) -> Time {
    let seconds = header.mtime().ok().and_then(|seconds| i64::try_from(seconds).ok());
    seconds.and_then(|seconds| Timestamp::from_second(seconds).ok()).map_or_else(Time::zero, Time::utc)
}

/// The name of an entry below the chart's folder.
fn name_in_chart(full: &str) -> Result<String, ArchiveError> {
    // Archives that were made on Windows may have backslashes.
    let delimiter = if full.contains('\\') { '\\' } else { '/' };
    let (folder, below) = full.split_once(delimiter).unwrap_or((full, ""));
    let name = below.replace(delimiter, "/");
    if name.starts_with('/') {
        return Err(ArchiveError::Absolute);
    }
    let name = path::clean(&name);
    if name == "." {
        return Err(ArchiveError::OutsideBase(full.to_owned()));
    }
    if name.starts_with("..") {
        return Err(ArchiveError::Parent);
    }
    if matches!(name.as_bytes(), [drive, b':', b'/', ..] if drive.is_ascii_alphabetic()) {
        return Err(ArchiveError::Name);
    }
    if folder == CHART_YAML {
        return Err(ArchiveError::ChartYamlOutside);
    }
    Ok(name)
}
