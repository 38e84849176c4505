//! Where an engine reads its input: bounded, contained files.
//!
//! Paths are UTF-8, relative to a root that cannot be left. Symbolic links are followed as long as they stay inside.

mod directory;
mod memory;
mod overlay;
mod path;
mod recorded;

use camino::{Utf8Path, Utf8PathBuf};

pub use directory::Directory;
pub use memory::Memory;
pub use overlay::Overlay;
pub use path::clean;
pub use recorded::{ReadLog, Reads, Recorded};

/// Files below one root.
pub trait Files {
    /// The whole content of a regular file, or an error when it is larger than the implementation's limit.
    fn read(&self, path: &Utf8Path) -> Result<Vec<u8>, FilesError>;
    /// The entries of a directory, sorted by name.
    fn list(&self, path: &Utf8Path) -> Result<Vec<Entry>, FilesError>;
    /// What is at `path`.
    fn kind(&self, path: &Utf8Path) -> Result<Kind, FilesError>;
    /// Where `path` leads from the root, with links followed and dots removed.
    fn resolve(&self, path: &Utf8Path) -> Result<Utf8PathBuf, FilesError>;
}

/// One entry of a directory.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Entry {
    /// The last part of the path.
    pub name: String,
    /// What it is, links followed.
    pub kind: Kind,
    /// Whether the entry itself is a symbolic link.
    pub link: bool,
}

/// What a path holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A regular file.
    File,
    /// A directory.
    Directory,
}

/// Why a path could not be read.
#[derive(Debug, thiserror::Error)]
pub enum FilesError {
    /// Nothing is there.
    #[error("{0}: no such file or directory")]
    NotFound(Utf8PathBuf),
    /// A directory where a file was asked for.
    #[error("{0}: is a directory")]
    IsDirectory(Utf8PathBuf),
    /// A file where a directory was asked for.
    #[error("{0}: is not a directory")]
    NotADirectory(Utf8PathBuf),
    /// Neither file nor directory.
    #[error("{0}: is neither a regular file nor a directory")]
    Special(Utf8PathBuf),
    /// The path, or a link on it, leaves the root.
    #[error("{0}: leaves the root")]
    Escapes(Utf8PathBuf),
    /// A file above the limit.
    #[error("{path}: {size} bytes are more than the limit of {limit}")]
    TooLarge {
        /// The file.
        path: Utf8PathBuf,
        /// Its size in bytes.
        size: u64,
        /// The limit in bytes.
        limit: u64,
    },
    /// A name that is not UTF-8.
    #[error("{0}: has a name that is not UTF-8")]
    NotUtf8(Utf8PathBuf),
    /// The operating system's own refusal.
    #[error("{path}")]
    Io {
        /// The path that was asked for.
        path: Utf8PathBuf,
        /// The cause.
        #[source]
        source: std::io::Error,
    },
}
