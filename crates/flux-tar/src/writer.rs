//! Writes archives whose bytes depend only on paths, executable bits and contents.

use std::cmp::Ordering;
use std::io::{self, Read, Write};

use camino::{Utf8Component, Utf8Path, Utf8PathBuf};
use flate2::Compression;
use flate2::write::GzEncoder;
use tar::{EntryType, Header};

use crate::{Algorithm, Digest, DigestWriter, pax};

const BLOCK: usize = 512;
const COPY_BUFFER: usize = 64 * 1024;

/// What a regular file's mode says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Written as 0600.
    Regular,
    /// Written as 0700.
    Executable,
}

/// A finished archive.
#[derive(Debug)]
pub struct Finished<W> {
    /// What the archive was written to.
    pub out: W,
    /// The digest of the compressed bytes.
    pub digest: Digest,
    /// How many compressed bytes there are.
    pub size: u64,
}

/// Why an archive could not be written.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// An absolute path, or one with `..`, or none.
    #[error("archive entry \"{0}\" is not a relative path below the root")]
    Path(Utf8PathBuf),
    /// An entry after one that must follow it.
    #[error("archive entry \"{path}\" must come before \"{after}\"")]
    Order {
        /// The entry.
        path: Utf8PathBuf,
        /// The entry before it.
        after: Utf8PathBuf,
    },
    /// A file whose content is shorter or longer than announced.
    #[error("content of \"{path}\" differs from its size of {size} bytes")]
    Size {
        /// The file.
        path: Utf8PathBuf,
        /// The announced size.
        size: u64,
    },
    /// A file whose content could not be read.
    #[error("failed to read content of \"{path}\"")]
    Content {
        /// The file.
        path: Utf8PathBuf,
        /// The cause.
        #[source]
        source: io::Error,
    },
    /// The underlying writer refused.
    #[error("failed to write archive")]
    Output(#[source] io::Error),
}

/// The order of entries in an archive: by path component, so that a directory stands right before what it holds.
pub fn archive_order(left: &Utf8Path, right: &Utf8Path) -> Ordering {
    left.components().map(|part| part.as_str()).cmp(right.components().map(|part| part.as_str()))
}

/// Writes a tar.gz archive entry by entry, in [`archive_order`].
///
/// Owners, times and all mode bits but the executable one are the same for every entry: directories are 0750, files
/// 0600 or 0700, times the Unix epoch. The root itself is the first entry, named `.`; directory names carry no slash
/// at their end. An archive that was dropped before [`ArchiveWriter::finish`], or whose last call failed, is incomplete.
#[derive(Debug)]
pub struct ArchiveWriter<W: Write> {
    out: GzEncoder<DigestWriter<W>>,
    last: Utf8PathBuf,
    buffer: Vec<u8>,
}

impl<W: Write> ArchiveWriter<W> {
    /// Starts an archive with its root.
    pub fn new(out: W, algorithm: Algorithm) -> Result<Self, WriteError> {
        let out = GzEncoder::new(DigestWriter::new(out, algorithm), Compression::default());
        let mut writer = Self { out, last: Utf8PathBuf::new(), buffer: vec![0; COPY_BUFFER] };
        writer.header(Utf8Path::new("."), EntryType::Directory, 0o750, 0)?;
        Ok(writer)
    }

    /// Adds a directory.
    pub fn directory(&mut self, path: &Utf8Path) -> Result<(), WriteError> {
        self.advance(path)?;
        self.header(path, EntryType::Directory, 0o750, 0)
    }

    /// Adds a regular file whose `content` yields exactly `size` bytes.
    pub fn file(&mut self, path: &Utf8Path, mode: Mode, size: u64, mut content: impl Read) -> Result<(), WriteError> {
        self.advance(path)?;
        let mode = match mode {
            Mode::Regular => 0o600,
            Mode::Executable => 0o700,
        };
        self.header(path, EntryType::Regular, mode, size)?;
        self.copy(path, size, &mut content)
    }

    /// Ends the archive and flushes what it was written to.
    pub fn finish(mut self) -> Result<Finished<W>, WriteError> {
        self.out.write_all(&[0; 2 * BLOCK]).map_err(WriteError::Output)?;
        let (mut out, digest, size) = self.out.finish().map_err(WriteError::Output)?.finish();
        out.flush().map_err(WriteError::Output)?;
        Ok(Finished { out, digest, size })
    }

    fn advance(&mut self, path: &Utf8Path) -> Result<(), WriteError> {
        let normal = |part| matches!(part, Utf8Component::Normal(_));
        if path.as_str().is_empty() || path.as_str().contains('\0') || !path.components().all(normal) {
            return Err(WriteError::Path(path.to_owned()));
        }
        if archive_order(&self.last, path) != Ordering::Less {
            return Err(WriteError::Order { path: path.to_owned(), after: self.last.clone() });
        }
        self.last.clear();
        self.last.push(path);
        Ok(())
    }

    fn header(&mut self, path: &Utf8Path, kind: EntryType, mode: u32, size: u64) -> Result<(), WriteError> {
        let mut header = blank_header(kind, mode, size);
        // Names beyond ASCII, and names that the fixed fields cannot hold, go into an extended header.
        if !path.as_str().is_ascii() || header.set_path(path).is_err() {
            let record = pax::record("path", path.as_str());
            let mut extended = blank_header(EntryType::XHeader, 0, record.len() as u64);
            set_short_name(&mut extended, "PaxHeaders.0/", path);
            self.block(&mut extended)?;
            self.out.write_all(&record).map_err(WriteError::Output)?;
            self.pad(record.len() as u64)?;
            header = blank_header(kind, mode, size);
            set_short_name(&mut header, "", path);
        }
        self.block(&mut header)
    }

    fn block(&mut self, header: &mut Header) -> Result<(), WriteError> {
        header.set_cksum();
        self.out.write_all(header.as_bytes()).map_err(WriteError::Output)
    }

    fn copy(&mut self, path: &Utf8Path, size: u64, content: &mut dyn Read) -> Result<(), WriteError> {
        let mut left = size;
        loop {
            let count = match content.read(&mut self.buffer) {
                Ok(count) => count,
                Err(err) if err.kind() == io::ErrorKind::Interrupted => continue,
                Err(source) => return Err(WriteError::Content { path: path.to_owned(), source }),
            };
            if count == 0 && left == 0 {
                return self.pad(size);
            }
            if count == 0 || count as u64 > left {
                return Err(WriteError::Size { path: path.to_owned(), size });
            }
            self.out.write_all(&self.buffer[..count]).map_err(WriteError::Output)?;
            left -= count as u64;
        }
    }

    fn pad(&mut self, size: u64) -> Result<(), WriteError> {
        let missing = size.next_multiple_of(BLOCK as u64) - size;
        self.out.write_all(&[0; BLOCK][..usize::try_from(missing).unwrap_or(0)]).map_err(WriteError::Output)
    }
}

fn blank_header(kind: EntryType, mode: u32, size: u64) -> Header {
    let mut header = Header::new_ustar();
    header.set_entry_type(kind);
    header.set_mode(mode);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(0);
    header.set_size(size);
    header
}

/// What readers without extended headers would see: the printable part, cut to the field.
fn set_short_name(header: &mut Header, prefix: &str, path: &Utf8Path) {
    let field = &mut header.as_old_mut().name;
    let name = prefix.bytes().chain(path.as_str().bytes().filter(u8::is_ascii));
    for (slot, byte) in field.iter_mut().zip(name) {
        *slot = byte;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn archive(write: impl FnOnce(&mut ArchiveWriter<Vec<u8>>)) -> Finished<Vec<u8>> {
        let mut writer = ArchiveWriter::new(Vec::new(), Algorithm::Sha256).unwrap();
        write(&mut writer);
        writer.finish().unwrap()
    }

    fn file(writer: &mut ArchiveWriter<Vec<u8>>, path: &str, mode: Mode, content: &str) {
        writer.file(path.into(), mode, content.len() as u64, content.as_bytes()).unwrap();
    }

    /// One line an entry, as an independent reader sees it.
    fn listing(archive: &[u8]) -> String {
        let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(archive));
        let line = |entry: io::Result<tar::Entry<'_, _>>| {
            let mut entry = entry.unwrap();
            let mut content = String::new();
            entry.read_to_string(&mut content).unwrap();
            let header = entry.header();
            format!(
                "{:?} {:o} {}:{} {} {} {content:?}\n",
                header.entry_type(),
                header.mode().unwrap(),
                header.uid().unwrap(),
                header.gid().unwrap(),
                header.mtime().unwrap(),
                String::from_utf8_lossy(&entry.path_bytes()),
            )
        };
        archive.entries().unwrap().map(line).collect()
    }

    #[test]
    fn entries_carry_nothing_but_path_executable_bit_and_content() {
        let finished = archive(|writer| {
            writer.directory("apps".into()).unwrap();
            file(writer, "apps/run.sh", Mode::Executable, "#!/bin/sh\n");
            file(writer, "readme", Mode::Regular, "");
        });
        assert_eq!(
            listing(&finished.out),
            "Directory 750 0:0 0 . \"\"\n\
             Directory 750 0:0 0 apps \"\"\n\
             Regular 700 0:0 0 apps/run.sh \"#!/bin/sh\\n\"\n\
             Regular 600 0:0 0 readme \"\"\n"
        );
        assert_eq!(finished.size, finished.out.len() as u64);
        assert_eq!(finished.digest, Digest::of(Algorithm::Sha256, &finished.out));
    }

    #[test]
    fn the_same_entries_give_the_same_bytes_and_the_gzip_header_has_no_time() {
        let write = || archive(|writer| file(writer, "a", Mode::Regular, &"text ".repeat(50_000))).out;
        assert_eq!(write(), write());
        assert_eq!(write()[..8], [0x1f, 0x8b, 8, 0, 0, 0, 0, 0]);
    }

    #[test]
    fn names_too_long_or_beyond_ascii_survive() {
        let split = format!("{}/{}", "d".repeat(120), "f".repeat(90));
        let long = format!("{}/{}", "e".repeat(200), "f".repeat(200));
        let finished = archive(|writer| {
            file(writer, &split, Mode::Regular, "1");
            file(writer, &long, Mode::Regular, "2");
            file(writer, "größe", Mode::Regular, "3");
        });
        let listing = listing(&finished.out);
        let names: Vec<_> = listing.lines().map(|line| line.split(' ').nth(4).unwrap()).collect();
        assert_eq!(names, [".", &split, &long, "größe"]);
    }

    #[test]
    fn entries_must_come_in_archive_order() {
        let mut writer = ArchiveWriter::new(Vec::new(), Algorithm::Sha256).unwrap();
        // By bytes of the whole path "a-b" would come before "a/b"; by component it comes after.
        writer.directory("a".into()).unwrap();
        writer.directory("a/b".into()).unwrap();
        writer.directory("a-b".into()).unwrap();
        let refused = writer.directory("a/c".into()).unwrap_err();
        assert_eq!(refused.to_string(), "archive entry \"a/c\" must come before \"a-b\"");
        assert!(writer.directory("a-b".into()).is_err(), "an entry twice");
    }

    #[test]
    fn paths_that_leave_the_root_are_refused() {
        let mut writer = ArchiveWriter::new(Vec::new(), Algorithm::Sha256).unwrap();
        for path in ["", ".", "/etc", "../a", "a/../b", "a\0b"] {
            assert!(matches!(writer.directory(path.into()), Err(WriteError::Path(_))), "{path}");
        }
    }

    #[test]
    fn content_that_differs_from_its_size_is_refused() {
        for size in [2, 4] {
            let mut writer = ArchiveWriter::new(Vec::new(), Algorithm::Sha256).unwrap();
            let refused = writer.file("a".into(), Mode::Regular, size, &b"abc"[..]).unwrap_err();
            assert!(matches!(refused, WriteError::Size { .. }), "{size}");
        }
    }
}
