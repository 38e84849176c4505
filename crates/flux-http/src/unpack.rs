//! From an archive to a directory.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use flux_tar::{Content, Entry, Limits, Links, ReadError, Totals, read_archive};

/// Why an archive was not unpacked.
#[derive(Debug, thiserror::Error)]
pub enum UnpackError {
    /// The archive is damaged, above a limit, or a file could not be written.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The caller lost interest.
    #[error("unpacking was cancelled")]
    Cancelled,
}

/// Unpacks the tar.gz `archive` into the existing, empty directory `into`, which nobody else writes to.
///
/// Files keep their permission bits; the owner can always read and write them. Blocks; stops soon after `cancelled`
/// says so.
pub fn unpack_archive(
    archive: impl Read,
    into: &Path,
    limits: &Limits,
    links: Links,
    cancelled: impl Fn() -> bool,
) -> Result<Totals, UnpackError> {
    let mut directory = Directory { root: into, parent: into.to_owned() };
    let read = read_archive(archive, limits, links, |entry| {
        if cancelled() {
            return Err(io::ErrorKind::Interrupted.into());
        }
        directory.put(entry, &cancelled)
    });
    if cancelled() {
        return Err(UnpackError::Cancelled);
    }
    Ok(read?)
}

struct Directory<'a> {
    root: &'a Path,
    /// The last directory made, so that the next file of the same directory asks for nothing.
    parent: PathBuf,
}

impl Directory<'_> {
    fn put(&mut self, entry: Entry<'_>, cancelled: &dyn Fn() -> bool) -> io::Result<()> {
        let path = self.root.join(entry.path);
        match entry.content {
            Content::Directory => {
                self.make(&path)?;
                fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(entry.mode | 0o700))
            }
            Content::File { bytes, .. } => {
                if let Some(parent) = path.parent() {
                    self.make(parent)?;
                }
                let mode = entry.mode | 0o600;
                let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(mode).open(&path)?;
                copy(bytes, &mut file, cancelled)
            }
        }
    }

    fn make(&mut self, path: &Path) -> io::Result<()> {
        if path != self.parent {
            DirBuilder::new().recursive(true).mode(0o750).create(path)?;
            path.clone_into(&mut self.parent);
        }
        Ok(())
    }
}

fn copy(from: &mut dyn Read, to: &mut fs::File, cancelled: &dyn Fn() -> bool) -> io::Result<()> {
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let count = match from.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(count) => count,
            Err(err) if err.kind() == io::ErrorKind::Interrupted => continue,
            Err(err) => return Err(err),
        };
        if cancelled() {
            return Err(io::ErrorKind::TimedOut.into());
        }
        io::Write::write_all(to, &buffer[..count])?;
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use flux_tar::{Algorithm, ArchiveWriter, Mode};

    use super::*;

    fn archive() -> Vec<u8> {
        let mut writer = ArchiveWriter::new(Vec::new(), Algorithm::Sha256).unwrap();
        writer.directory("apps".into()).unwrap();
        writer.file("apps/run".into(), Mode::Executable, 2, &b"ok"[..]).unwrap();
        writer.file("deep/er/file".into(), Mode::Regular, 3, &b"abc"[..]).unwrap();
        writer.finish().unwrap().out
    }

    #[test]
    fn files_keep_content_and_executable_bit_and_missing_parents_are_made() {
        let into = tempfile::tempdir().unwrap();
        let limits = Limits::default();
        unpack_archive(&archive()[..], into.path(), &limits, Links::Skip, || false).unwrap();
        let mode = |path: &str| fs::metadata(into.path().join(path)).unwrap().permissions().mode() & 0o777;
        assert_eq!(fs::read_to_string(into.path().join("deep/er/file")).unwrap(), "abc");
        assert_eq!((mode("apps/run"), mode("deep/er/file"), mode("apps")), (0o700, 0o600, 0o750));
    }

    #[test]
    fn a_cancelled_unpacking_says_so() {
        let into = tempfile::tempdir().unwrap();
        let limits = Limits::default();
        let refused = unpack_archive(&archive()[..], into.path(), &limits, Links::Skip, || true);
        assert!(matches!(refused, Err(UnpackError::Cancelled)));
    }

    #[test]
    fn an_archive_above_its_limit_is_refused() {
        let into = tempfile::tempdir().unwrap();
        let limits = Limits { bytes: 1024, ..Limits::default() };
        let refused = unpack_archive(&archive()[..], into.path(), &limits, Links::Skip, || false);
        assert_eq!(refused.unwrap_err().to_string(), "archive holds more than 1024 bytes");
    }
}
