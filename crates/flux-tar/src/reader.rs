//! Reads archives that may be hostile.

use std::cell::Cell;
use std::io::{self, Read};

use camino::{Utf8Path, Utf8PathBuf};
use flate2::read::MultiGzDecoder;
use tar::EntryType;

use crate::pax;

/// The most an extended header may hold; real ones are below the longest path.
const EXTENDED_HEADER: u64 = 64 * 1024;

/// How much an archive may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Entries of any type.
    pub entries: u64,
    /// Bytes of the whole archive once decompressed, headers included.
    pub bytes: u64,
    /// Bytes of one path.
    pub path: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { entries: 1_000_000, bytes: 8 << 30, path: 4096 }
    }
}

/// What happens to symbolic links.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Links {
    /// They are left out, as the toolkit's artifact fetchers do.
    Skip,
    /// They make the archive invalid.
    Refuse,
}

/// One entry; its path is relative, below the root, and never empty.
#[derive(Debug)]
pub struct Entry<'a> {
    /// Where it belongs.
    pub path: &'a Utf8Path,
    /// The permission bits.
    pub mode: u32,
    /// What it is.
    pub content: Content<'a>,
}

/// What an entry is.
pub enum Content<'a> {
    /// A directory.
    Directory,
    /// A regular file. Reading fails where the archive ends early or a limit is met.
    File {
        /// How many bytes `bytes` yields.
        size: u64,
        /// The content.
        bytes: &'a mut dyn Read,
    },
}

impl std::fmt::Debug for Content<'_> {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Directory => out.write_str("Directory"),
            Self::File { size, .. } => write!(out, "File({size} bytes)"),
        }
    }
}

/// What an archive held.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Entries of any type.
    pub entries: u64,
    /// Bytes of the regular files.
    pub bytes: u64,
}

/// Why an archive was not read to its end.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// Too many entries.
    #[error("archive has more than {limit} entries")]
    TooManyEntries {
        /// The limit.
        limit: u64,
    },
    /// Too many bytes once decompressed.
    #[error("archive holds more than {limit} bytes")]
    TooLarge {
        /// The limit.
        limit: u64,
    },
    /// A path above the limit.
    #[error("archive has a path of more than {limit} bytes")]
    PathTooLong {
        /// The limit.
        limit: usize,
    },
    /// A path that is absolute, has `..` or a backslash, or is not UTF-8.
    #[error("archive entry \"{path}\" is not a relative path below the root")]
    Path {
        /// The path, as far as it is readable.
        path: String,
    },
    /// A symbolic link where links are refused.
    #[error("archive entry \"{path}\" is a symbolic link")]
    Link {
        /// The entry.
        path: Utf8PathBuf,
    },
    /// A device, a hard link, or anything else that is neither a file, a directory nor a symbolic link.
    #[error("archive entry \"{path}\" is neither a regular file nor a directory")]
    Special {
        /// The entry.
        path: Utf8PathBuf,
    },
    /// An extended header that is malformed, too large, or contradicts its entry.
    #[error("archive has an invalid extended header")]
    ExtendedHeader,
    /// The compressed stream or the archive is damaged or cut short.
    #[error("failed to read archive")]
    Archive(#[source] io::Error),
    /// The caller's sink refused an entry.
    #[error("failed to take archive entry \"{path}\"")]
    Sink {
        /// The entry.
        path: Utf8PathBuf,
        /// The cause.
        #[source]
        source: io::Error,
    },
}

/// Hands every directory and regular file of the tar.gz `archive` to `sink`, in the archive's order.
///
/// The root's own entry is left out. A directory may come after its content, or not at all.
pub fn read_archive(
    archive: impl Read,
    limits: &Limits,
    links: Links,
    mut sink: impl FnMut(Entry<'_>) -> io::Result<()>,
) -> Result<Totals, ReadError> {
    let exceeded = Cell::new(false);
    let bounded = Bounded { inner: MultiGzDecoder::new(archive), left: limits.bytes, exceeded: &exceeded };
    let mut archive = tar::Archive::new(bounded);
    let mut reader = Reader { limits, links, totals: Totals::default(), name: None, size: None, sparse: false };
    let read = archive.entries().map_err(ReadError::Archive).and_then(|entries| {
        for entry in entries.raw(true) {
            reader.entry(&mut entry.map_err(ReadError::Archive)?, &mut sink)?;
        }
        Ok(())
    });
    match read {
        // Whatever the limit cut off, the limit is the reason.
        Err(_) if exceeded.get() => Err(ReadError::TooLarge { limit: limits.bytes }),
        Err(err) => Err(err),
        Ok(()) => Ok(reader.totals),
    }
}

struct Reader<'a> {
    limits: &'a Limits,
    links: Links,
    totals: Totals,
    /// From an extended header, for the next entry.
    name: Option<Vec<u8>>,
    size: Option<u64>,
    sparse: bool,
}

impl Reader<'_> {
    fn entry<R: Read>(
        &mut self,
        entry: &mut tar::Entry<'_, R>,
        sink: &mut impl FnMut(Entry<'_>) -> io::Result<()>,
    ) -> Result<(), ReadError> {
        self.totals.entries += 1;
        if self.totals.entries > self.limits.entries {
            return Err(ReadError::TooManyEntries { limit: self.limits.entries });
        }
        match entry.header().entry_type() {
            EntryType::XHeader => return self.extended_header(entry),
            EntryType::GNULongName => return self.long_name(entry),
            EntryType::XGlobalHeader | EntryType::GNULongLink => return Ok(()),
            _ => {}
        }
        let size = entry.size();
        if self.size.take().is_some_and(|announced| announced != size) {
            return Err(ReadError::ExtendedHeader);
        }
        let sparse = std::mem::take(&mut self.sparse);
        let name = self.name.take().unwrap_or_else(|| entry.path_bytes().into_owned());
        let path = checked_path(&name, self.limits.path)?;
        let mode = entry.header().mode().map_err(ReadError::Archive)? & 0o777;
        match entry.header().entry_type() {
            _ if sparse => Err(ReadError::Special { path }),
            EntryType::Directory => deliver(sink, &path, mode, Content::Directory),
            // Archives from before directories had a type of their own mark them by a slash.
            EntryType::Regular if name.ends_with(b"/") => deliver(sink, &path, mode, Content::Directory),
            EntryType::Regular | EntryType::Continuous => {
                self.totals.bytes += size;
                let mut bytes = Exact { inner: entry, left: size };
                deliver(sink, &path, mode, Content::File { size, bytes: &mut bytes })
            }
            EntryType::Symlink => match self.links {
                Links::Skip => Ok(()),
                Links::Refuse => Err(ReadError::Link { path }),
            },
            _ => Err(ReadError::Special { path }),
        }
    }

    fn extended_header(&mut self, entry: &mut impl Read) -> Result<(), ReadError> {
        let extensions = pax::parse(&small(entry)?).ok_or(ReadError::ExtendedHeader)?;
        self.name = extensions.path.or(self.name.take());
        self.size = extensions.size;
        self.sparse = extensions.sparse;
        Ok(())
    }

    fn long_name(&mut self, entry: &mut impl Read) -> Result<(), ReadError> {
        let mut name = small(entry)?;
        if name.last() == Some(&0) {
            name.pop();
        }
        self.name = Some(name);
        Ok(())
    }
}

fn deliver<'a>(
    sink: &mut impl FnMut(Entry<'_>) -> io::Result<()>,
    path: &'a Utf8Path,
    mode: u32,
    content: Content<'a>,
) -> Result<(), ReadError> {
    if path.as_str().is_empty() {
        return match content {
            Content::Directory => Ok(()),
            Content::File { .. } => Err(ReadError::Path { path: ".".to_owned() }),
        };
    }
    sink(Entry { path, mode, content }).map_err(|source| ReadError::Sink { path: path.to_owned(), source })
}

fn small(entry: &mut impl Read) -> Result<Vec<u8>, ReadError> {
    let mut bytes = Vec::new();
    entry.take(EXTENDED_HEADER + 1).read_to_end(&mut bytes).map_err(ReadError::Archive)?;
    if bytes.len() as u64 > EXTENDED_HEADER { Err(ReadError::ExtendedHeader) } else { Ok(bytes) }
}

/// The path without `.` parts and trailing slash; empty for the root.
fn checked_path(name: &[u8], limit: usize) -> Result<Utf8PathBuf, ReadError> {
    if name.len() > limit {
        return Err(ReadError::PathTooLong { limit });
    }
    let refused = || ReadError::Path { path: String::from_utf8_lossy(name).into_owned() };
    let text = std::str::from_utf8(name).map_err(|_| refused())?;
    let unsafe_part = |part: &str| part == ".." || part.contains(['\\', '\0']);
    if text.is_empty() || text.starts_with('/') || text.split('/').any(unsafe_part) {
        return Err(refused());
    }
    Ok(text.split('/').filter(|part| !part.is_empty() && *part != ".").collect())
}

/// Ends in an error once more than `left` bytes were asked for.
struct Bounded<'a, R> {
    inner: R,
    left: u64,
    exceeded: &'a Cell<bool>,
}

impl<R: Read> Read for Bounded<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        let Some(left) = self.left.checked_sub(count as u64) else {
            self.exceeded.set(true);
            return Err(io::Error::other("decompressed size is above the limit"));
        };
        self.left = left;
        Ok(count)
    }
}

/// Ends in an error where `inner` ends before `left` bytes were read.
struct Exact<R> {
    inner: R,
    left: u64,
}

impl<R: Read> Read for Exact<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        if count == 0 && self.left > 0 && !buffer.is_empty() {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "archive ends inside an entry"));
        }
        self.left = self.left.saturating_sub(count as u64);
        Ok(count)
    }
}

#[cfg(test)]
mod tests;
