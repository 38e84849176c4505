//! Files of a directory on disk.

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::OwnedFd;
use std::sync::Arc;

use camino::{Utf8Path, Utf8PathBuf};
use rustix::fs::{Dir, FileType, Mode, OFlags};
use rustix::io::Errno;

use crate::{Entry, Files, FilesError, Kind, clean};

/// Files below a directory on disk.
///
/// Links are followed as long as what they lead to lies below the same directory. The size limit holds for what is
/// read, not only for what the directory says beforehand.
#[derive(Clone, Debug)]
pub struct Directory {
    root: Utf8PathBuf,
    /// The root itself, below which the kernel finds most paths in one step.
    handle: Arc<OwnedFd>,
    limit: u64,
}

impl Directory {
    /// The size limit of a file where the caller names none: what an artifact's file may have by default.
    pub const DEFAULT_LIMIT: u64 = 64 << 20;

    /// The files below `root`, each of at most [`Self::DEFAULT_LIMIT`] bytes.
    pub fn open(root: &Utf8Path) -> Result<Self, FilesError> {
        Self::open_with_limit(root, Self::DEFAULT_LIMIT)
    }

    /// The files below `root`, each of at most `limit` bytes.
    pub fn open_with_limit(root: &Utf8Path, limit: u64) -> Result<Self, FilesError> {
        let real = root.canonicalize_utf8().map_err(|err| io_error(root, err))?;
        if !real.is_dir() {
            return Err(FilesError::NotADirectory(root.to_owned()));
        }
        let handle = File::open(&real).map_err(|err| io_error(root, err))?;
        Ok(Self { root: real, handle: Arc::new(handle.into()), limit })
    }

    /// What is at `path`, opened so that nothing can lead out of the root meanwhile.
    fn open_file(&self, path: &Utf8Path) -> Result<File, FilesError> {
        // A named pipe would be waited for without the last of them.
        let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NOCTTY | OFlags::NONBLOCK;
        if let Some(file) = self.beneath(path, flags)? {
            return Ok(file);
        }
        let file = rustix::fs::open(self.locate(path)?.as_str(), flags, Mode::empty());
        file.map(File::from).map_err(|err| io_error(path, err.into()))
    }

    /// The folder at `path`, opened so that nothing can lead out of the root meanwhile.
    fn open_folder(&self, path: &Utf8Path) -> Result<File, FilesError> {
        if let Some(folder) = self.beneath(path, OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC)? {
            return Ok(folder);
        }
        let real = self.locate(path)?;
        if !real.is_dir() {
            return Err(FilesError::NotADirectory(path.to_owned()));
        }
        File::open(real).map_err(|err| io_error(path, err))
    }

    /// The entry of a folder of which the folder says what it is; nothing where that is neither file nor folder. Only where
    /// that does not tell, the entry itself is looked at.
    fn entry(&self, folder: &Utf8Path, name: &str, said: FileType) -> Option<Entry> {
        let path = folder.join(name);
        let (kind, link) = match said {
            FileType::RegularFile => (Ok(Kind::File), false),
            FileType::Directory => (Ok(Kind::Directory), false),
            FileType::Symlink => (self.kind(&path), true),
            FileType::Unknown => {
                let link = self.root.join(clean(&path).ok()?).is_symlink();
                (self.kind(&path), link)
            }
            _ => return None,
        };
        let kind = match kind {
            Ok(kind) => kind,
            Err(FilesError::Special(_)) => return None,
            // Listed, so that whoever reads it learns why it cannot be read.
            Err(_) => Kind::File,
        };
        Some(Entry { name: name.to_owned(), kind, link })
    }

    /// What is at `path`, found by the kernel in one step; nothing where it cannot be: at an absolute link, in an old kernel, or
    /// for a reason that looking at the path will tell.
    #[cfg(target_os = "linux")]
    fn beneath(&self, path: &Utf8Path, flags: OFlags) -> Result<Option<File>, FilesError> {
        use rustix::fs::{ResolveFlags, openat2};

        let clean = clean(path)?;
        let inside = if clean.as_str().is_empty() { "." } else { clean.as_str() };
        Ok(openat2(&self.handle, inside, flags, Mode::empty(), ResolveFlags::BENEATH).ok().map(File::from))
    }

    #[cfg(not(target_os = "linux"))]
    fn beneath(&self, _: &Utf8Path, _: OFlags) -> Result<Option<File>, FilesError> {
        Ok(None)
    }

    /// Where `path` really lies on disk, links followed.
    fn locate(&self, path: &Utf8Path) -> Result<Utf8PathBuf, FilesError> {
        let joined = self.root.join(clean(path)?);
        let real = joined.canonicalize_utf8().map_err(|err| io_error(path, err))?;
        if real.starts_with(&self.root) { Ok(real) } else { Err(FilesError::Escapes(path.to_owned())) }
    }
}

impl Files for Directory {
    fn read(&self, path: &Utf8Path) -> Result<Vec<u8>, FilesError> {
        let file = self.open_file(path)?;
        let metadata = file.metadata().map_err(|err| io_error(path, err))?;
        if metadata.is_dir() {
            return Err(FilesError::IsDirectory(path.to_owned()));
        }
        if !metadata.is_file() {
            return Err(FilesError::Special(path.to_owned()));
        }
        let too_large = |size| FilesError::TooLarge { path: path.to_owned(), size, limit: self.limit };
        if metadata.len() > self.limit {
            return Err(too_large(metadata.len()));
        }
        let mut content = Vec::with_capacity(usize::try_from(metadata.len()).unwrap_or_default());
        file.take(self.limit.saturating_add(1)).read_to_end(&mut content).map_err(|err| io_error(path, err))?;
        let size = content.len() as u64;
        if size > self.limit { Err(too_large(size)) } else { Ok(content) }
    }

    fn list(&self, path: &Utf8Path) -> Result<Vec<Entry>, FilesError> {
        let fault = |err: Errno| io_error(path, err.into());
        let mut entries = Vec::new();
        for entry in Dir::new(self.open_folder(path)?).map_err(fault)? {
            let entry = entry.map_err(fault)?;
            let Ok(name) = entry.file_name().to_str() else {
                return Err(FilesError::NotUtf8(path.to_owned()));
            };
            if !matches!(name, "." | "..") {
                entries.extend(self.entry(path, name, entry.file_type()));
            }
        }
        entries.sort();
        Ok(entries)
    }

    fn kind(&self, path: &Utf8Path) -> Result<Kind, FilesError> {
        let metadata = match self.beneath(path, OFlags::PATH | OFlags::CLOEXEC)? {
            Some(place) => place.metadata(),
            None => std::fs::metadata(self.locate(path)?),
        };
        let metadata = metadata.map_err(|err| io_error(path, err))?;
        if metadata.is_dir() {
            Ok(Kind::Directory)
        } else if metadata.is_file() {
            Ok(Kind::File)
        } else {
            Err(FilesError::Special(path.to_owned()))
        }
    }

    fn resolve(&self, path: &Utf8Path) -> Result<Utf8PathBuf, FilesError> {
        let real = self.locate(path)?;
        real.strip_prefix(&self.root).map(Utf8Path::to_owned).map_err(|_| FilesError::Escapes(path.to_owned()))
    }
}

fn io_error(path: &Utf8Path, err: io::Error) -> FilesError {
    match err.kind() {
        io::ErrorKind::NotFound => FilesError::NotFound(path.to_owned()),
        io::ErrorKind::NotADirectory => FilesError::NotADirectory(path.to_owned()),
        io::ErrorKind::InvalidData => FilesError::NotUtf8(path.to_owned()),
        _ => FilesError::Io { path: path.to_owned(), source: err },
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    fn sample() -> (tempfile::TempDir, Directory) {
        let dir = tempfile::tempdir().unwrap();
        let root = Utf8Path::from_path(dir.path()).unwrap().join("root");
        std::fs::create_dir_all(root.join("sub")).unwrap();
        std::fs::write(root.join("b.yaml"), "b").unwrap();
        std::fs::write(root.join("sub/a.yaml"), "a").unwrap();
        std::fs::write(root.parent().unwrap().join("secret"), "s").unwrap();
        symlink("sub/a.yaml", root.join("inside")).unwrap();
        symlink("../secret", root.join("outside")).unwrap();
        symlink("gone", root.join("broken")).unwrap();
        let files = Directory::open_with_limit(&root, 4).unwrap();
        (dir, files)
    }

    #[test]
    fn links_are_followed_inside_the_root_only() {
        let (_dir, files) = sample();
        assert_eq!(files.read("inside".into()).unwrap(), b"a");
        assert_eq!(files.resolve("inside".into()).unwrap(), "sub/a.yaml");
        assert!(matches!(files.read("outside".into()), Err(FilesError::Escapes(_))));
        assert!(matches!(files.read("../secret".into()), Err(FilesError::Escapes(_))));
    }

    #[test]
    fn absolute_links_are_followed_inside_the_root_only() {
        let (dir, files) = sample();
        let root = Utf8Path::from_path(dir.path()).unwrap().join("root");
        symlink(root.join("sub"), root.join("absolute")).unwrap();
        symlink("/proc", root.join("elsewhere")).unwrap();
        assert_eq!(files.read("absolute/a.yaml".into()).unwrap(), b"a");
        assert_eq!(files.kind("absolute".into()).unwrap(), Kind::Directory);
        assert!(matches!(files.read("elsewhere/version".into()), Err(FilesError::Escapes(_))));
        assert!(matches!(files.kind("elsewhere".into()), Err(FilesError::Escapes(_))));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn named_pipes_are_refused_and_not_waited_for() {
        let (dir, files) = sample();
        let pipe = dir.path().join("root/pipe");
        rustix::fs::mknodat(rustix::fs::CWD, pipe, rustix::fs::FileType::Fifo, Mode::RUSR, 0).unwrap();
        assert!(matches!(files.read("pipe".into()), Err(FilesError::Special(_))));
        assert!(files.list("".into()).unwrap().iter().all(|entry| entry.name != "pipe"));
    }

    #[test]
    fn listings_are_sorted_and_name_what_cannot_be_read() {
        let (_dir, files) = sample();
        let names: Vec<_> =
            files.list("".into()).unwrap().into_iter().map(|entry| (entry.name, entry.kind, entry.link)).collect();
        let expected = [
            ("b.yaml", Kind::File, false),
            ("broken", Kind::File, true),
            ("inside", Kind::File, true),
            ("outside", Kind::File, true),
            ("sub", Kind::Directory, false),
        ];
        assert_eq!(names, expected.map(|(name, kind, link)| (name.to_owned(), kind, link)));
    }

    #[test]
    fn files_above_the_limit_are_refused() {
        let (dir, files) = sample();
        std::fs::write(dir.path().join("root/large"), "12345").unwrap();
        assert!(matches!(files.read("large".into()), Err(FilesError::TooLarge { size: 5, limit: 4, .. })));
    }

    #[test]
    fn kinds_are_told_apart() {
        let (_dir, files) = sample();
        assert!(matches!(files.read("sub".into()), Err(FilesError::IsDirectory(_))));
        assert!(matches!(files.list("b.yaml".into()), Err(FilesError::NotADirectory(_))));
        assert!(matches!(files.kind("none".into()), Err(FilesError::NotFound(_))));
    }
}
