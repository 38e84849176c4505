//! The tree of artifacts.

use std::collections::HashMap;
use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::time::SystemTime;

use camino::{Utf8Path, Utf8PathBuf};
use flux_tar::{Algorithm, Digest};
use parking_lot::Mutex;

use crate::lock::KeyedLocks;
use crate::retention::{Candidate, garbage};
use crate::{AdvertisedAddress, ArtifactPath, ObjectDirectory, Retention};

/// The prefix of files that are being written.
const DRAFT_PREFIX: &str = ".draft-";
/// How many files of a directory one collection looks at.
const EXAMINED_FILES: usize = 1000;

/// Artifacts below one directory, for one process.
#[derive(Debug)]
pub struct Storage {
    root: Utf8PathBuf,
    address: AdvertisedAddress,
    algorithm: Algorithm,
    retention: Retention,
    locks: KeyedLocks<ObjectDirectory>,
    /// What a file looked like when its digest was last computed.
    checked: Mutex<HashMap<ArtifactPath, (Fingerprint, Digest)>>,
}

/// A file that was published.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    /// The digest of its bytes.
    pub digest: Digest,
    /// How many bytes there are.
    pub size: u64,
}

/// Changes whenever a file is replaced or written to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Fingerprint {
    device: u64,
    inode: u64,
    size: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl Fingerprint {
    fn of(metadata: &Metadata) -> Self {
        Self {
            device: metadata.dev(),
            inode: metadata.ino(),
            size: metadata.size(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
        }
    }
}

/// Why the storage could not be read or changed.
#[derive(Debug, thiserror::Error)]
pub enum StorageError {
    /// The root does not exist or is no directory.
    #[error("storage path \"{0}\" is not a directory")]
    Root(Utf8PathBuf),
    /// A part of the path is a symbolic link, or a file where a directory belongs.
    #[error("storage path \"{0}\" leads through something that is not a directory")]
    Escapes(Utf8PathBuf),
    /// The operating system refused.
    #[error("failed to {action} \"{path}\"")]
    Io {
        /// What was tried.
        action: &'static str,
        /// Relative to the storage root.
        path: Utf8PathBuf,
        /// The cause.
        #[source]
        source: io::Error,
    },
}

/// Why an artifact was not published.
#[derive(Debug, thiserror::Error)]
pub enum PublishError<E: std::error::Error + 'static> {
    /// The storage refused.
    #[error(transparent)]
    Storage(StorageError),
    /// The content could not be written.
    #[error(transparent)]
    Content(E),
}

/// Why a stored artifact is not the announced one.
#[derive(Debug, thiserror::Error)]
pub enum IntegrityError {
    /// There is no such file, or it is no regular file.
    #[error("artifact \"{0}\" disappeared from storage")]
    Missing(ArtifactPath),
    /// The file has other content.
    #[error("computed digest of \"{path}\" does not match: expected {expected}, found {found}")]
    Mismatch {
        /// The artifact.
        path: ArtifactPath,
        /// What was announced.
        expected: Digest,
        /// What is there.
        found: Digest,
    },
    /// The file could not be read.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

/// What a collection removed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Collected {
    /// The artifacts' file names, sorted.
    pub artifacts: Vec<String>,
}

impl Storage {
    /// The storage below the existing directory `root`.
    pub fn open(
        root: &Utf8Path,
        address: AdvertisedAddress,
        algorithm: Algorithm,
        retention: Retention,
    ) -> Result<Self, StorageError> {
        let root = root.canonicalize_utf8().map_err(|_| StorageError::Root(root.to_owned()))?;
        if !root.is_dir() {
            return Err(StorageError::Root(root));
        }
        let (locks, checked) = (KeyedLocks::new(), Mutex::default());
        Ok(Self { root, address, algorithm, retention, locks, checked })
    }

    /// The root, links resolved.
    pub fn root(&self) -> &Utf8Path {
        &self.root
    }

    /// How new artifacts are digested.
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// Where the artifact at `path` is served.
    pub fn url_of(&self, path: &ArtifactPath) -> String {
        self.address.url_of(path)
    }

    /// Writes the artifact at `path` by `write`, which says what it has written, and makes it visible.
    ///
    /// Whatever fails, an artifact that was there before is still there.
    pub fn publish<E: std::error::Error + 'static>(
        &self,
        path: &ArtifactPath,
        write: impl FnOnce(&mut dyn Write) -> Result<Stored, E>,
    ) -> Result<Stored, PublishError<E>> {
        self.locks.locked(path.directory(), || {
            let directory = self.make_directory(path.directory()).map_err(PublishError::Storage)?;
            let failed = |action, source| PublishError::Storage(self.io(action, &self.absolute(path), source));
            let draft = tempfile::Builder::new()
                .prefix(DRAFT_PREFIX)
                .tempfile_in(&directory)
                .map_err(|source| failed("create", source))?;
            let mut out = BufWriter::with_capacity(256 * 1024, draft.as_file());
            let stored = write(&mut out).map_err(PublishError::Content)?;
            out.flush().map_err(|source| failed("write", source))?;
            drop(out);
            draft.as_file().sync_all().map_err(|source| failed("sync", source))?;
            let file = draft.persist(self.absolute(path)).map_err(|err| failed("rename", err.error))?;
            sync_directory(&directory).map_err(|source| failed("sync directory of", source))?;
            let metadata = file.metadata().map_err(|source| failed("stat", source))?;
            self.checked.lock().insert(path.clone(), (Fingerprint::of(&metadata), stored.digest.clone()));
            Ok(stored)
        })
    }

    /// Whether the artifact at `path` is there and has `digest`.
    ///
    /// The digest is computed once for each file and process; later calls look at inode, size and times only.
    pub fn verify(&self, path: &ArtifactPath, expected: &Digest) -> Result<(), IntegrityError> {
        let mut file = match self.open_artifact(path) {
            Ok(file) => file,
            Err(StorageError::Io { source, .. }) if is_no_file(&source) => {
                return Err(IntegrityError::Missing(path.clone()));
            }
            Err(err) => return Err(err.into()),
        };
        let failed = |action, source| self.io(action, &self.absolute(path), source);
        let metadata = file.metadata().map_err(|source| failed("stat", source))?;
        if !metadata.is_file() {
            return Err(IntegrityError::Missing(path.clone()));
        }
        let fingerprint = Fingerprint::of(&metadata);
        let known = self.checked.lock().get(path).cloned();
        let found = match known {
            Some((seen, digest)) if seen == fingerprint && digest.algorithm() == expected.algorithm() => digest,
            _ => Digest::of_reader(expected.algorithm(), &mut file).map_err(|source| failed("read", source))?,
        };
        if found != *expected {
            return Err(IntegrityError::Mismatch { path: path.clone(), expected: expected.clone(), found });
        }
        self.checked.lock().insert(path.clone(), (fingerprint, found));
        Ok(())
    }

    /// The artifact's file, for reading. Links are not followed.
    pub fn open_artifact(&self, path: &ArtifactPath) -> Result<File, StorageError> {
        self.check_directory(path.directory().as_path())?;
        let absolute = self.absolute(path);
        let flags = rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK;
        OpenOptions::new()
            .read(true)
            .custom_flags(flags.bits().cast_signed())
            .open(&absolute)
            .map_err(|source| self.io("open", &absolute, source))
    }

    /// Removes the artifact at `path`, if it is there.
    pub fn remove(&self, path: &ArtifactPath) -> Result<(), StorageError> {
        self.locks.locked(path.directory(), || {
            self.check_directory(path.directory().as_path())?;
            self.checked.lock().remove(path);
            let absolute = self.absolute(path);
            gone(fs::remove_file(&absolute)).map_err(|source| self.io("remove", &absolute, source))
        })
    }

    /// Removes what the retention rules let go from the directory of `current`, and what an ended process left half
    /// written. `current` stays. Links stay.
    pub fn collect(&self, current: &ArtifactPath, now: SystemTime) -> Result<Collected, StorageError> {
        self.locks.locked(current.directory(), || {
            let directory = self.root.join(current.directory().as_path());
            self.check_directory(current.directory().as_path())?;
            let listed = self.list(&directory)?;
            for left_over in &listed.left_over {
                self.remove_from(&directory, left_over)?;
            }
            let mut artifacts = garbage(listed.artifacts, current.file_name(), self.retention, now);
            artifacts.sort();
            for name in &artifacts {
                self.remove_from(&directory, name)?;
                if let Ok(path) = current.directory().file(name) {
                    self.checked.lock().remove(&path);
                }
            }
            Ok(Collected { artifacts })
        })
    }

    /// Removes an object's directory with all that is in it.
    pub fn remove_object(&self, directory: &ObjectDirectory) -> Result<(), StorageError> {
        self.locks.locked(directory, || {
            self.check_directory(directory.as_path())?;
            self.checked.lock().retain(|path, _| path.directory() != directory);
            let absolute = self.root.join(directory.as_path());
            gone(fs::remove_dir_all(&absolute)).map_err(|source| self.io("remove", &absolute, source))
        })
    }

    fn absolute(&self, path: &ArtifactPath) -> Utf8PathBuf {
        self.root.join(path.directory().as_path()).join(path.file_name())
    }

    fn make_directory(&self, directory: &ObjectDirectory) -> Result<Utf8PathBuf, StorageError> {
        self.check_directory(directory.as_path())?;
        let absolute = self.root.join(directory.as_path());
        fs::create_dir_all(&absolute).map_err(|source| self.io("create", &absolute, source))?;
        self.check_directory(directory.as_path())?;
        Ok(absolute)
    }

    /// Refuses a path that leads through a symbolic link. What does not exist yet leads nowhere.
    fn check_directory(&self, directory: &Utf8Path) -> Result<(), StorageError> {
        let mut path = self.root.clone();
        for part in directory {
            path.push(part);
            match fs::symlink_metadata(&path) {
                Ok(metadata) if metadata.is_dir() => {}
                Ok(_) => return Err(StorageError::Escapes(self.relative(&path))),
                Err(err) if err.kind() == io::ErrorKind::NotFound => return Ok(()),
                Err(source) => return Err(self.io("stat", &path, source)),
            }
        }
        Ok(())
    }

    fn list(&self, directory: &Utf8Path) -> Result<Listed, StorageError> {
        let failed = |source| self.io("list", directory, source);
        let mut listed = Listed::default();
        let entries = match directory.read_dir_utf8() {
            Ok(entries) => entries,
            Err(err) if err.kind() == io::ErrorKind::NotFound => return Ok(listed),
            Err(source) => return Err(failed(source)),
        };
        for entry in entries.take(EXAMINED_FILES) {
            let entry = entry.map_err(failed)?;
            let metadata = match entry.metadata() {
                Ok(metadata) => metadata,
                Err(err) if err.kind() == io::ErrorKind::NotFound => continue,
                Err(source) => return Err(failed(source)),
            };
            let name = entry.file_name().to_owned();
            if name.starts_with(DRAFT_PREFIX) || Utf8Path::new(&name).extension() == Some("lock") {
                listed.left_over.push(name);
            } else if metadata.is_file() {
                listed.artifacts.push(Candidate { name, modified: metadata.modified().map_err(failed)? });
            }
        }
        Ok(listed)
    }

    fn remove_from(&self, directory: &Utf8Path, name: &str) -> Result<(), StorageError> {
        let path = directory.join(name);
        gone(fs::remove_file(&path)).map_err(|source| self.io("remove", &path, source))
    }

    fn relative(&self, path: &Utf8Path) -> Utf8PathBuf {
        path.strip_prefix(&self.root).unwrap_or(path).to_owned()
    }

    fn io(&self, action: &'static str, path: &Utf8Path, source: io::Error) -> StorageError {
        StorageError::Io { action, path: self.relative(path), source }
    }
}

/// The regular files of a directory, those that nobody needs apart. Upstream leaves `.lock` files beside artifacts.
#[derive(Default)]
struct Listed {
    artifacts: Vec<Candidate>,
    left_over: Vec<String>,
}

/// Whether there is nothing, or a link, where a file was to be opened.
fn is_no_file(err: &io::Error) -> bool {
    err.kind() == io::ErrorKind::NotFound || err.raw_os_error() == Some(rustix::io::Errno::LOOP.raw_os_error())
}

fn gone(removed: io::Result<()>) -> io::Result<()> {
    match removed {
        Err(err) if err.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

fn sync_directory(directory: &Utf8Path) -> io::Result<()> {
    File::open(directory)?.sync_all()
}

#[cfg(test)]
mod tests;
