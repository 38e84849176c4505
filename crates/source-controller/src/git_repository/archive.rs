//! Writes the artifact of a checkout. Blocks.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Write;
use std::sync::Arc;

use camino::{Utf8Path, Utf8PathBuf};
use flux_git::{Checkout, Entry, Kind, Walk};
use flux_sourceignore::Matcher;
use flux_storage::{ArtifactPath, PublishError, Storage, Stored};
use flux_tar::{ArchiveWriter, Mode};
use tokio_util::sync::CancellationToken;

use super::error::{ArchiveError, IgnoreError};
use super::overlay::{Include, Laid, Overlay};
use super::plan::{Pick, pick};

/// Bytes of all files of patterns of a source: a small repository can hold one large file in many places.
const IGNORE_BYTES: u64 = 1 << 20;
/// Patterns of a source, since each is tried on each path.
const IGNORE_PATTERNS: usize = 10_000;

/// All that an artifact is made from.
pub(super) struct Job {
    pub(super) storage: Arc<Storage>,
    pub(super) path: ArtifactPath,
    pub(super) checkout: Checkout,
    pub(super) includes: Vec<Include>,
    pub(super) ignore: Option<String>,
}

impl Job {
    /// Streams the tree from the object database into the artifact; one file at a time is in memory.
    pub(super) fn run(self, cancelled: &CancellationToken) -> Result<Stored, ArchiveError> {
        let overlay = Overlay::unpack(&self.storage, self.includes, || cancelled.is_cancelled())?;
        let matcher = survey(&self.checkout, &overlay, self.ignore.as_deref(), cancelled)?;
        let algorithm = self.storage.algorithm();
        let published = self.storage.publish(&self.path, |out| {
            let writer = ArchiveWriter::new(out, algorithm).map_err(ArchiveError::Write)?;
            let writing = Writing { writer, matcher: &matcher, cancelled, buffer: Vec::new() };
            writing.write(&self.checkout, &overlay)
        });
        published.map_err(|err| match err {
            PublishError::Storage(err) => ArchiveError::Storage(err),
            PublishError::Content(err) => err,
        })
    }
}

/// Reads the patterns, and looks for what is in the way of an include.
fn survey(
    checkout: &Checkout,
    overlay: &Overlay,
    spec_ignore: Option<&str>,
    cancelled: &CancellationToken,
) -> Result<Matcher, ArchiveError> {
    let mut files = PatternFiles::default();
    let mut walk = checkout.walk().map_err(ArchiveError::Tree)?;
    let mut buffer = Vec::new();
    while let Some(entry) = walk.next() {
        let entry = entry.map_err(ArchiveError::Tree)?;
        if cancelled.is_cancelled() {
            return Err(ArchiveError::Cancelled);
        }
        overlay.check(&entry)?;
        let is_file = matches!(entry.kind, Kind::File | Kind::Executable);
        if is_file && entry.path.file_name() == Some(flux_sourceignore::FILE_NAME) {
            files.announce(walk.size(&entry).map_err(ignore_unreadable)?)?;
            walk.read(&entry, &mut buffer).map_err(ignore_unreadable)?;
            files.add(&entry.path, &buffer)?;
        }
    }
    for (path, laid) in overlay.entries().filter(|(path, _)| path.file_name() == Some(flux_sourceignore::FILE_NAME)) {
        let Laid::File { location, size, .. } = laid else { continue };
        files.announce(*size)?;
        let content = std::fs::read(location)
            .map_err(|source| ArchiveError::Ignore(IgnoreError::Io { path: path.to_owned(), source }))?;
        files.add(path, &content)?;
    }
    let files = files.contents.iter().map(|(directory, content)| (directory.as_path(), content.as_str()));
    Ok(Matcher::new(files, spec_ignore))
}

/// The files of patterns, up to a size.
#[derive(Default)]
struct PatternFiles {
    /// By directory: patterns of one count before those below it, whatever else the directories hold.
    contents: BTreeMap<Utf8PathBuf, String>,
    bytes: u64,
    patterns: usize,
}

impl PatternFiles {
    /// A file of `size` bytes is going to be read.
    fn announce(&mut self, size: u64) -> Result<(), ArchiveError> {
        self.bytes = self.bytes.saturating_add(size);
        if self.bytes > IGNORE_BYTES {
            return Err(ArchiveError::Ignore(IgnoreError::TooLarge { limit: IGNORE_BYTES }));
        }
        Ok(())
    }

    /// The file at `path`, in place of another one there.
    fn add(&mut self, path: &Utf8Path, content: &[u8]) -> Result<(), ArchiveError> {
        let content = String::from_utf8_lossy(content).into_owned();
        self.patterns += content.lines().count();
        if self.patterns > IGNORE_PATTERNS {
            return Err(ArchiveError::Ignore(IgnoreError::TooMany { limit: IGNORE_PATTERNS }));
        }
        // A directory of its own even without a line, which takes memory too.
        self.patterns += 1;
        self.contents.insert(parent(path), content);
        Ok(())
    }
}

fn ignore_unreadable(err: flux_git::Error) -> ArchiveError {
    ArchiveError::Ignore(IgnoreError::Git(err))
}

fn parent(path: &Utf8Path) -> Utf8PathBuf {
    path.parent().unwrap_or(Utf8Path::new("")).to_owned()
}

/// An archive under way.
struct Writing<'a, W: Write> {
    writer: ArchiveWriter<W>,
    matcher: &'a Matcher,
    cancelled: &'a CancellationToken,
    buffer: Vec<u8>,
}

impl<W: Write> Writing<'_, W> {
    fn write(mut self, checkout: &Checkout, overlay: &Overlay) -> Result<Stored, ArchiveError> {
        let mut walk = checkout.walk().map_err(ArchiveError::Tree)?;
        let mut overlay = overlay.entries().peekable();
        let mut next = walk.next().transpose().map_err(ArchiveError::Tree)?;
        loop {
            if self.cancelled.is_cancelled() {
                return Err(ArchiveError::Cancelled);
            }
            let picked = pick(next.as_ref().map(|entry| entry.path.as_path()), overlay.peek().map(|(path, _)| *path));
            if picked == Pick::Tree
                && let Some(entry) = &next
            {
                self.entry(&mut walk, entry)?;
            }
            if matches!(picked, Pick::Overlay | Pick::Both)
                && let Some((path, laid)) = overlay.next()
            {
                self.laid(path, laid)?;
            }
            match picked {
                Pick::Tree | Pick::Both => next = walk.next().transpose().map_err(ArchiveError::Tree)?,
                Pick::Overlay => {}
                Pick::End => break,
            }
        }
        let finished = self.writer.finish().map_err(ArchiveError::Write)?;
        Ok(Stored { digest: finished.digest, size: finished.size })
    }

    fn entry(&mut self, walk: &mut Walk<'_>, entry: &Entry) -> Result<(), ArchiveError> {
        let mode = match entry.kind {
            Kind::Directory => return self.directory(&entry.path),
            Kind::Symlink => return Ok(()),
            Kind::File => Mode::Regular,
            Kind::Executable => Mode::Executable,
        };
        if self.matcher.excludes_file(&entry.path) {
            return Ok(());
        }
        walk.read(entry, &mut self.buffer).map_err(ArchiveError::Tree)?;
        let content = self.buffer.as_slice();
        self.writer.file(&entry.path, mode, content.len() as u64, content).map_err(ArchiveError::Write)
    }

    fn laid(&mut self, path: &Utf8Path, laid: &Laid) -> Result<(), ArchiveError> {
        let (location, executable, size) = match laid {
            Laid::Directory => return self.directory(path),
            Laid::File { location, executable, size } => (location, *executable, *size),
        };
        if self.matcher.excludes_file(path) {
            return Ok(());
        }
        let file = File::open(location).map_err(|source| ArchiveError::File { source })?;
        let mode = if executable { Mode::Executable } else { Mode::Regular };
        self.writer.file(path, mode, size, file).map_err(ArchiveError::Write)
    }

    fn directory(&mut self, path: &Utf8Path) -> Result<(), ArchiveError> {
        if self.matcher.excludes_directory(path) {
            return Ok(());
        }
        self.writer.directory(path).map_err(ArchiveError::Write)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_are_bounded_over_all_files() {
        let refused = |result: Result<(), ArchiveError>| {
            let err = result.unwrap_err();
            flux_runtime::report::message(&err)
        };
        let mut files = PatternFiles::default();
        files.announce(IGNORE_BYTES / 2).unwrap();
        files.announce(IGNORE_BYTES / 2).unwrap();
        assert_eq!(
            refused(files.announce(1)),
            "failed to load source ignore patterns from repository: more than 1048576 bytes in all .sourceignore files"
        );
        let mut files = PatternFiles::default();
        let half = "a\n".repeat(IGNORE_PATTERNS / 2);
        files.add("x/.sourceignore".into(), half.as_bytes()).unwrap();
        assert_eq!(
            refused(files.add("y/.sourceignore".into(), half.as_bytes())),
            "failed to load source ignore patterns from repository: more than 10000 lines in all .sourceignore files"
        );
    }

    #[test]
    fn of_two_files_for_a_directory_the_later_counts() {
        let mut files = PatternFiles::default();
        files.add("b/.sourceignore".into(), b"one").unwrap();
        files.add(".sourceignore".into(), b"root").unwrap();
        files.add("b/.sourceignore".into(), b"two").unwrap();
        let kept: Vec<_> = files.contents.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
        assert_eq!(kept, [("", "root"), ("b", "two")]);
    }
}
